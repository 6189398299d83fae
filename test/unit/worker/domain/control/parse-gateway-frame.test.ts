import { describe, expect, it } from "vitest";
import * as fc from "fast-check";
import { parseGatewayFrame } from "../../../../../worker/domain/control/parse-gateway-frame.ts";

const call = "A".repeat(60);
const GOOD = [
  {
    kind: "hello",
    protocol: 1,
    gateway: "gw-1",
    instance: "0".repeat(32),
    channel: 0,
    channels: 2,
    signature: "x",
    calls: [{ call, appliedCommand: 3 }],
  },
  { kind: "hello-calls", calls: [{ call, appliedCommand: 3 }], moreCalls: true },
  {
    kind: "call-events",
    call,
    ackCommand: 0,
    events: [{ seq: 1, epoch: 1, event: { kind: "leg-cancelled", leg: "a" } }],
  },
  { kind: "command-ack", call, ackCommand: 7 },
  { kind: "heartbeat", load: { legs: 1, bindings: 2, cpu: 0.5 }, counters: { "a.b": 1 }, draining: false },
  { kind: "credential-request", id: 1, sipDomain: "demo.test", endpoint: "alice" },
  {
    kind: "route-added",
    id: 1,
    route: {
      sipDomain: "demo.test",
      endpoint: "alice",
      device: "d",
      contact: "sip:a@10.0.0.1",
      flow: { transport: "udp", host: "10.0.0.1", port: 5060 },
      reachability: "open-udp",
      expiresAtMs: 1,
    },
  },
  {
    kind: "route-added",
    id: 2,
    route: {
      sipDomain: "demo.test",
      endpoint: "alice",
      device: "d",
      contact: "sip:a@10.0.0.1",
      flow: { transport: "tls", host: "10.0.0.1", port: 5061 },
      reachability: "connection",
      userAgent: "phone",
      sipInstance: "urn:uuid:1",
      expiresAtMs: 1,
      refreshSeconds: 60,
    },
  },
  { kind: "route-removed", id: 1, sipDomain: "demo.test", endpoint: "alice", device: "d", reason: "expired" },
  { kind: "suspicion", gateway: "gw-2", silentMs: 220 },
  { kind: "probe-result", id: 1, gateway: "gw-2", alive: true },
  { kind: "stray-request", call, leg: "a", method: "BYE" },
  { kind: "tickets-wanted", count: 8 },
] as const;

describe("frames of gateways", () => {
  it.each(GOOD)("takes $kind as it is", (frame) => {
    expect(parseGatewayFrame(JSON.stringify(frame))).toEqual({ ok: true, frame });
  });

  it.each(GOOD)("takes $kind with fields of a later release, and leaves those out", (frame) => {
    const outcome = parseGatewayFrame(JSON.stringify({ ...frame, fromTheFuture: { a: 1 } }));
    expect(outcome).toEqual({ ok: true, frame });
  });

  it.each(GOOD)("refuses $kind when any one of its fields is missing or of another type", (frame) => {
    for (const field of Object.keys(frame).filter(
      (name) => !["kind", "counters", "draining", "moreCalls"].includes(name),
    )) {
      for (const value of [undefined, null, [], "\u0000", -1]) {
        const outcome = parseGatewayFrame(
          JSON.stringify({ ...frame, [field]: field === "calls" && Array.isArray(value) ? [{}] : value }),
        );
        const readable = value === "\u0000" && ["signature", "device", "leg", "method"].includes(field);
        if (!readable)
          expect(outcome, `${field} ${JSON.stringify(value)}`).toMatchObject({ ok: false, code: "frame-invalid" });
      }
    }
  });

  it("says which kind it does not know", () => {
    expect(parseGatewayFrame('{"kind":"from-the-future"}')).toEqual({
      ok: false,
      code: "kind-unknown",
      detail: "from-the-future",
    });
    for (const kind of ["constructor", "__proto__", "toString"])
      expect(parseGatewayFrame(JSON.stringify({ kind }))).toMatchObject({ code: "kind-unknown" });
  });

  const bad = (kind: string, fields: object = {}): string =>
    JSON.stringify({ kind, call, id: 7, route: {}, ...fields });

  it.each([
    ["events", bad("call-events"), { code: "frame-invalid", lost: { kind: "call", call } }],
    [
      "events too long",
      bad("call-events", { x: "y".repeat(256 * 1024) }),
      { code: "frame-too-long", lost: { kind: "call", call } },
    ],
    ["a route", bad("route-added"), { code: "frame-invalid", lost: { kind: "route", id: 7 } }],
    ["another frame", bad("tickets-wanted"), { code: "frame-invalid", lost: { kind: "other" } }],
    ["no frame", "[]", { code: "frame-invalid", lost: undefined }],
    ["no JSON", "{", { code: "frame-invalid", lost: undefined }],
    [
      "more than is looked into",
      bad("call-events", { x: "y".repeat(1024 * 1024) }),
      { code: "frame-too-long", lost: undefined },
    ],
  ])("says whom it concerned: %s", (_what, text, expected) => {
    expect(parseGatewayFrame(text)).toEqual({ ok: false, detail: expect.any(String), ...expected });
  });

  it("never throws, whatever comes", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.json(),
          fc.constantFrom(...GOOD).map((frame) => JSON.stringify(frame).slice(3)),
        ),
        (text) => {
          expect(typeof parseGatewayFrame(text).ok).toBe("boolean");
        },
      ),
    );
  });
});
