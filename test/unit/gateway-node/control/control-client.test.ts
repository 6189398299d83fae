import { beforeEach, describe, expect, it } from "vitest";
import { hashToChannel } from "../../../../gateway-node/control/channel-hash.ts";
import { ControlClient } from "../../../../gateway-node/control/control-client.ts";
import { REMOVAL_REPEAT_MS } from "../../../../gateway-node/control/route-publisher.ts";
import { LOW_STOCK, ORDER_COUNT } from "../../../../gateway-node/control/ticket-stock.ts";
import type { ReceivedCommand } from "../../../../gateway-node/control/worker-frame.ts";
import type { PublishedRoute } from "../../../../protocol/control-frames.ts";
import type {
  CallToken,
  EndpointId,
  GatewayId,
  GatewayInstanceId,
  LegId,
  SipDomain,
} from "../../../../protocol/ids.ts";
import { FakeDial } from "../support/fake-control-socket.ts";
import { settle, VirtualClock } from "../support/virtual-clock.ts";

const leg = "a" as LegId;
const sipDomain = "demo.test" as SipDomain;
const endpoint = "alice" as EndpointId;
const ticket = (index: number): CallToken => `${"T".repeat(50)}${String(1000 + index)}` as CallToken;
const route: PublishedRoute = {
  sipDomain,
  endpoint,
  device: "d1",
  contact: "sip:alice@192.0.2.7",
  flow: { transport: "udp", host: "192.0.2.7", port: 5060 },
  reachability: "open-udp",
  expiresAtMs: 1,
};
const routeChannel = hashToChannel("alice@demo.test", 2);

let clock: VirtualClock;
let worker: FakeDial;
let applied: ReceivedCommand[];
let gone: CallToken[];
let control: ControlClient;

beforeEach(() => {
  clock = new VirtualClock();
  worker = new FakeDial();
  applied = [];
  gone = [];
  control = new ControlClient({
    workerUrl: "ws://127.0.0.1:8787",
    gateway: "us-east" as GatewayId,
    instance: "0".repeat(32) as GatewayInstanceId,
    channels: 2,
    sign: () => "signature",
    dial: worker.dial,
    clock,
    random: () => 1,
    events: {
      onCommand: (_call, command) => void applied.push(command),
      onCallGone: (call) => void gone.push(call),
      onNeighbours: () => {},
      probe: () => Promise.resolve(true),
    },
    load: () => ({ legs: 0, bindings: 0, cpu: 0 }),
    counters: () => ({}),
    onChannelOpen: () => {},
    onChannelDown: () => {},
    onRefused: () => {},
    onFault: (error) => {
      throw error;
    },
    count: () => {},
  });
  control.start();
});

function openBoth(tickets: readonly CallToken[] = []): void {
  worker.of(0).greet({ tickets });
  worker.of(1).greet();
}

describe("the control client", () => {
  it("is ready when every channel is welcomed", async () => {
    let ready = false;
    void control.ready.then(() => (ready = true));
    worker.of(0).greet();
    await settle();
    expect(ready).toBe(false);
    worker.of(1).greet();
    await settle();
    expect(ready).toBe(true);
  });

  it("begins a call with a ticket, on the channel of its Call-ID, and orders more when few are left", () => {
    openBoth(Array.from({ length: LOW_STOCK + 1 }, (_, index) => ticket(index)));
    expect(worker.of(0).framesOf("tickets-wanted")).toEqual([]);
    control.beginCall("x@phone");
    control.beginCall("x@phone");
    expect(worker.of(0).framesOf("tickets-wanted")).toEqual([{ kind: "tickets-wanted", count: ORDER_COUNT }]);
    control.publish(ticket(0), 1, { kind: "leg-cancelled", leg });
    expect(worker.of(hashToChannel("x@phone", 2)).framesOf("call-events")).toHaveLength(1);
  });

  it("has no call to begin without tickets", () => {
    openBoth();
    expect(control.beginCall("x@phone")).toBeUndefined();
  });

  it("repeats unacknowledged events and unanswered routes when their channel returns", async () => {
    openBoth([ticket(0)]);
    control.beginCall("x@phone");
    control.publish(ticket(0), 1, { kind: "leg-cancelled", leg });
    control.removeRoute({ ...route, reason: "expired" });
    for (const channel of [0, 1]) worker.of(channel).drop();
    clock.advance(50);
    openBoth();
    await settle();
    expect(worker.of(hashToChannel("x@phone", 2)).framesOf("call-events")).toHaveLength(1);
    expect(worker.of(routeChannel).framesOf("route-removed")).toHaveLength(1);
  });

  it.each([
    ["store-unreachable", 2],
    ["sip-domain-unknown", 1],
  ])("says a removal that failed with %s so often: %i", (code, times) => {
    openBoth();
    control.removeRoute({ ...route, reason: "expired" });
    const socket = worker.of(routeChannel);
    const id = socket.framesOf("route-removed")[0]?.id ?? 0;
    socket.deliver({ kind: "route-stored", id, ok: false, code });
    clock.advance(REMOVAL_REPEAT_MS);
    expect(socket.framesOf("route-removed")).toHaveLength(times);
    socket.deliver({ kind: "route-stored", id, ok: true });
    clock.advance(3 * REMOVAL_REPEAT_MS);
    expect(socket.framesOf("route-removed")).toHaveLength(times);
  });

  it("forgets a removal that failed when the phone has registered again", () => {
    openBoth();
    control.removeRoute({ ...route, reason: "expired" });
    const socket = worker.of(routeChannel);
    const id = socket.framesOf("route-removed")[0]?.id ?? 0;
    socket.deliver({ kind: "route-stored", id, ok: false, code: "store-unreachable" });
    void control.addRoute(route);
    clock.advance(REMOVAL_REPEAT_MS);
    expect(socket.framesOf("route-removed")).toHaveLength(1);
  });

  it("publishes a route when the Worker has stored it, and not when it is silent for two seconds", async () => {
    openBoth();
    const first = control.addRoute(route);
    const id = worker.of(routeChannel).framesOf("route-added")[0]?.id ?? 0;
    worker.of(routeChannel).deliver({ kind: "route-stored", id, ok: true });
    expect(await first).toEqual({ ok: true });
    const second = control.addRoute({ ...route, device: "d2" });
    clock.advance(2_000);
    expect(await second).toEqual({ ok: false, code: "worker-unreachable" });
  });

  it("asks for credentials, and waits for a channel that is only just gone", async () => {
    openBoth();
    for (const channel of [0, 1]) worker.of(channel).drop();
    const answer = control.fetchCredentials(sipDomain, endpoint);
    clock.advance(50);
    openBoth();
    const asked = [0, 1].flatMap((channel) =>
      worker
        .of(channel)
        .framesOf("credential-request")
        .map((frame) => ({ channel, frame })),
    );
    expect(asked).toHaveLength(1);
    worker.of(asked[0]?.channel ?? 0).deliver({ kind: "credentials", id: asked[0]?.frame.id ?? 0 });
    expect(await answer).toEqual({ credentials: undefined });
  });

  it("answers at once that nobody can be asked when all channels have been away for long", async () => {
    openBoth();
    for (const channel of [0, 1]) worker.of(channel).drop();
    clock.advance(4_000);
    expect(await control.fetchCredentials(sipDomain, endpoint)).toBeUndefined();
  });

  it("carries out a command once, even when it comes again over the other channel's reconnect", () => {
    openBoth();
    const command = {
      kind: "call-command",
      call: ticket(0),
      ackEvent: 0,
      seq: 1,
      epoch: 1,
      command: { kind: "confirm-leg", leg },
    } as const;
    worker.of(1).deliver(command);
    worker.of(1).drop();
    clock.advance(50);
    worker.of(1).greet();
    worker.of(1).deliver(command);
    expect(applied).toHaveLength(1);
  });

  it("lets go of a call that is gone", () => {
    openBoth();
    worker.of(0).deliver({ kind: "call-gone", call: ticket(0) });
    expect(gone).toEqual([ticket(0)]);
  });

  it("beats on channel 0 only, at the Worker's pace", () => {
    worker.of(0).greet({ heartbeatMs: 1_000 });
    worker.of(1).greet();
    clock.advance(3_000);
    expect(worker.of(0).framesOf("heartbeat")).toHaveLength(4);
    expect(worker.of(1).framesOf("heartbeat")).toHaveLength(0);
  });

  it("answers a probe on the channel that asked", async () => {
    openBoth();
    worker
      .of(1)
      .deliver({ kind: "probe", id: 7, target: { gateway: "eu-west" as GatewayId, host: "127.0.0.1", port: 5072 } });
    await settle();
    expect(worker.of(1).framesOf("probe-result")).toEqual([
      { kind: "probe-result", id: 7, gateway: "eu-west", alive: true },
    ]);
  });

  it("stops without a timer left", () => {
    openBoth();
    control.stop();
    expect(clock.armed).toBe(0);
  });
});
