/** Counters and gauges of one gateway, for its heartbeat and for Prometheus. */
export class Counters {
  readonly #counters = new Map<string, number>();
  readonly #gauges = new Map<string, () => number>();

  readonly count = (name: string, by = 1): void => {
    this.#counters.set(name, (this.#counters.get(name) ?? 0) + by);
  };

  /** `read` is called whenever the figures are asked for. */
  gauge(name: string, read: () => number): void {
    this.#gauges.set(name, read);
  }

  value(name: string): number {
    return this.#counters.get(name) ?? 0;
  }

  snapshot(): Record<string, number> {
    return Object.fromEntries([...this.#counters].sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  /** Prometheus text exposition format 0.0.4. */
  prometheusText(labels: Readonly<Record<string, string>>): string {
    const suffix = labelText(labels);
    const lines: string[] = [];
    for (const [name, read] of this.#gauges) {
      lines.push(`# TYPE ${metricName(name)} gauge`, `${metricName(name)}${suffix} ${String(read())}`);
    }
    for (const [name, value] of Object.entries(this.snapshot())) {
      lines.push(`# TYPE ${metricName(name)}_total counter`, `${metricName(name)}_total${suffix} ${String(value)}`);
    }
    return `${lines.join("\n")}\n`;
  }
}

function metricName(name: string): string {
  return `nearside_gateway_${name.replaceAll(/[^a-zA-Z0-9]/g, "_")}`;
}

function labelText(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${value.replaceAll(/["\\\n]/g, "_")}"`);
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}
