/** Counters of this isolate: cheap, lost with it, and enough to see what happens now. Names are stable, `part.what`. */

const counters = new Map<string, number>();

export function count(name: string, by = 1): void {
  counters.set(name, (counters.get(name) ?? 0) + by);
}

export function countersSnapshot(): Readonly<Record<string, number>> {
  return Object.fromEntries([...counters].toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
