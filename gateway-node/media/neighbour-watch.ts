/** Which neighbours are silent, as a pure machine: pings are proved alive only by a fresh answer, so a replay proves nothing. */
export const PING_INTERVAL_MS = 100;
export const SILENCE_LIMIT_MS = 200;

export interface Silence {
  readonly gateway: string;
  readonly silentMs: number;
}

interface Neighbour {
  heardAtMs: number | undefined;
  reported: boolean;
}

export class NeighbourWatch {
  readonly #neighbours = new Map<string, Neighbour>();
  #lastTickAtMs: number | undefined;

  /** Replaces the list; what is known of neighbours that stay is kept. */
  watch(gateways: readonly string[]): void {
    for (const gateway of this.#neighbours.keys()) if (!gateways.includes(gateway)) this.#neighbours.delete(gateway);
    for (const gateway of gateways)
      if (!this.#neighbours.has(gateway)) this.#neighbours.set(gateway, { heardAtMs: undefined, reported: false });
  }

  heard(gateway: string, nowMs: number): void {
    const neighbour = this.#neighbours.get(gateway);
    if (neighbour === undefined) return;
    neighbour.heardAtMs = nowMs;
    neighbour.reported = false;
  }

  /**
   * Who fell silent, once for each silence. `intervalMs` is how often this is called: after a pause of our own process
   * answers may still wait in the socket, so that tick accuses nobody.
   */
  tick(nowMs: number, intervalMs: number): readonly Silence[] {
    const stalled = this.#lastTickAtMs !== undefined && nowMs - this.#lastTickAtMs > intervalMs * 2;
    this.#lastTickAtMs = nowMs;
    if (stalled) return [];
    const silences: Silence[] = [];
    for (const [gateway, neighbour] of this.#neighbours) {
      if (neighbour.heardAtMs === undefined || neighbour.reported) continue;
      const silentMs = nowMs - neighbour.heardAtMs;
      if (silentMs < SILENCE_LIMIT_MS) continue;
      neighbour.reported = true;
      silences.push({ gateway, silentMs });
    }
    return silences;
  }
}
