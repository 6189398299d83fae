import { describe, expect, it } from "vitest";
import { describeFault } from "../../../../gateway-node/calls/fault-rim.ts";
import { Counters } from "../../../../gateway-node/observability/counters.ts";
import { createCpuMeter } from "../../../../gateway-node/observability/cpu-meter.ts";
import { startMetricsServer } from "../../../../gateway-node/observability/metrics-server.ts";
import { VirtualClock } from "../support/virtual-clock.ts";

describe("the counters of a gateway", () => {
  it("are a snapshot for the heartbeat and text for Prometheus", () => {
    const counters = new Counters();
    counters.count("register.to-edge");
    counters.count("register.absorbed", 3);
    counters.gauge("legs", () => 2);
    expect(counters.snapshot()).toEqual({ "register.absorbed": 3, "register.to-edge": 1 });
    expect(counters.prometheusText({ gateway: "us-east" })).toBe(
      [
        "# TYPE nearside_gateway_legs gauge",
        'nearside_gateway_legs{gateway="us-east"} 2',
        "# TYPE nearside_gateway_register_absorbed_total counter",
        'nearside_gateway_register_absorbed_total{gateway="us-east"} 3',
        "# TYPE nearside_gateway_register_to_edge_total counter",
        'nearside_gateway_register_to_edge_total{gateway="us-east"} 1',
        "",
      ].join("\n"),
    );
  });

  it("are served on loopback at /metrics and nowhere else", async () => {
    const server = await startMetricsServer(0, () => "figures\n");
    try {
      const origin = `http://127.0.0.1:${String(server.port)}`;
      expect(await (await fetch(`${origin}/metrics`)).text()).toBe("figures\n");
      expect((await fetch(`${origin}/`)).status).toBe(404);
      expect((await fetch(`${origin}/metrics`, { method: "POST" })).status).toBe(404);
    } finally {
      await server.close();
    }
  });

  it("show a share of one core between 0 and 1", () => {
    const clock = new VirtualClock();
    const cpu = createCpuMeter(clock);
    expect(cpu()).toBe(0);
    clock.advance(0.001);
    expect(cpu()).toBeLessThanOrEqual(1);
  });
});

describe("a fault", () => {
  it.each([
    [Object.assign(new Error("x"), { code: "ERR_SOMETHING_BAD" }), "err-something-bad"],
    [new RangeError("x"), "rangeerror"],
    ["text", "thrown-value"],
    [undefined, "thrown-value"],
  ])("%s is known by a stable code", (error, code) => {
    expect(describeFault(error).code).toBe(code);
  });
});
