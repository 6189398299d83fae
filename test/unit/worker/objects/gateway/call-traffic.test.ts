import { randomBytes } from "node:crypto";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { CONTROL_FRAME_LIMIT } from "../../../../../protocol/control-frames.ts";
import type { WorkerFrame } from "../../../../../protocol/control-frames.ts";
import { parseGatewayId, parseGatewayInstanceId, parseRegionName } from "../../../../../protocol/ids.ts";
import type { CallToken, LegId } from "../../../../../protocol/ids.ts";
import type { RegionLink } from "../../../../../worker/adapters/region-link.ts";
import { openCallToken, sealCallToken } from "../../../../../worker/call-token.ts";
import type { CallObjectApi, GatewayReply } from "../../../../../worker/domain/calls/call-object-api.ts";
import { CallTraffic } from "../../../../../worker/objects/gateway/call-traffic.ts";

const key = randomBytes(32).toString("hex");
const region = parseRegionName("us-east")!;
const instance = parseGatewayInstanceId("0".repeat(32))!;
const channel = { region, gateway: parseGatewayId("us-east")!, channel: 0 };
const newCall = (): CallToken => sealCallToken(key, { objectId: randomBytes(32).toString("hex"), region });
const cancelled = [{ seq: 1, epoch: 1, event: { kind: "leg-cancelled" as const, leg: "a" as LegId } }];

let sent: WorkerFrame[];
let asked: string[];
let failing: Set<string>;
let live: Set<CallToken>;
let traffic: CallTraffic;
let reply: GatewayReply;

/** A Call object that answers, or fails as it is told. */
function callObject(objectId: string): CallObjectApi {
  const answer = <T>(what: string, value: T): Promise<T> => {
    asked.push(what);
    const broken = failing.has(objectId) && (what !== "lost" || failing.has("lost"));
    return broken ? Promise.reject(new TypeError("a defect")) : Promise.resolve(value);
  };
  return {
    gatewayEvents: () => answer("events", reply),
    resume: () => answer("resume", reply),
    gatewayLost: () => answer("lost", undefined),
  } as Partial<CallObjectApi> as CallObjectApi;
}

const objectIdOf = (call: CallToken): string => openCallToken(key, call)?.objectId ?? "";

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(console, "log").mockReturnValue();
  [sent, asked] = [[], []];
  [failing, live] = [new Set(), new Set()];
  reply = { ackEvent: 1, commands: [], live: true };
  traffic = new CallTraffic({
    channel,
    link: { call: ({ objectId }: { objectId: string }) => callObject(objectId) } as unknown as RegionLink,
    callTokenKey: key,
    connected: () => ({
      instance,
      send: (frame) => {
        if (JSON.stringify(frame).length > CONTROL_FRAME_LIMIT) return "too-long";
        sent.push(frame);
        return "sent";
      },
    }),
    live: {
      note: (call, _instance, lives) => void (lives ? live.add(call) : live.delete(call)),
      of: () => [...live],
      write: () => undefined,
    },
    wait: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
  });
});

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

/** Other calls of the channel are served all the while. */
async function pass(seconds: number, sound: CallToken): Promise<void> {
  for (let second = 0; second < seconds; second += 1) {
    await vi.advanceTimersByTimeAsync(1_000);
    await traffic.receive(sound, instance, 0, cancelled);
  }
}

const goneFrames = (): readonly WorkerFrame[] => sent.filter(({ kind }) => kind === "call-gone");

describe("a Call object that fails", () => {
  it("for good loses its part here after half a minute: its legs go on elsewhere, and no other call notices", async () => {
    const [broken, sound] = [newCall(), newCall()];
    failing.add(objectIdOf(broken));
    void traffic.receive(broken, instance, 0, cancelled);
    await pass(25, sound);
    expect(goneFrames()).toEqual([]);
    await pass(10, sound);
    expect(goneFrames()).toEqual([{ kind: "call-gone", call: broken }]);
    expect(asked.filter((what) => what === "lost")).toHaveLength(1);
    expect(sent.filter(({ kind }) => kind === "event-ack")).toHaveLength(35);
  });

  it("in everything has its legs ended by the gateway, for nobody else will", async () => {
    const [broken, sound] = [newCall(), newCall()];
    failing.add(objectIdOf(broken)).add("lost");
    void traffic.receive(broken, instance, 0, cancelled);
    await pass(40, sound);
    expect(goneFrames()).toEqual([{ kind: "call-gone", call: broken, endLegs: true }]);
  });

  it("for a moment gets everything once it is back, in one go", async () => {
    const call = newCall();
    failing.add(objectIdOf(call));
    void traffic.receive(call, instance, 0, cancelled);
    await vi.advanceTimersByTimeAsync(20_000);
    failing.clear();
    await vi.advanceTimersByTimeAsync(5_000);
    expect(sent).toEqual([{ kind: "event-ack", call, ackEvent: 1 }]);
  });

  it("with all others is away with its region, and is waited for", async () => {
    const [one, other] = [newCall(), newCall()];
    failing.add(objectIdOf(one)).add(objectIdOf(other));
    void traffic.receive(one, instance, 0, cancelled);
    void traffic.receive(other, instance, 0, cancelled);
    await vi.advanceTimersByTimeAsync(120_000);
    expect(sent).toEqual([]);
    failing.clear();
    await vi.advanceTimersByTimeAsync(5_000);
    expect(sent.map(({ kind }) => kind)).toEqual(["event-ack", "event-ack"]);
  });
});

describe("a stray request", () => {
  it("asks the call that it names, once, and no other", async () => {
    const [named, other] = [newCall(), newCall()];
    live.add(other);
    await traffic.lookInto(named, instance);
    expect(asked).toEqual(["resume"]);
  });

  it("with a tag that nobody sealed asks none", async () => {
    await traffic.lookInto("A".repeat(90) as CallToken, instance);
    expect(asked).toEqual([]);
    expect(goneFrames()).toHaveLength(1);
  });

  it("leaves the last words of other calls as they are", async () => {
    const [over, named] = [newCall(), newCall()];
    const command = { seq: 1, epoch: 1, command: { kind: "release-leg" as const, leg: "a" as LegId } };
    reply = { ackEvent: 1, commands: [command], live: true, over: true };
    await traffic.receive(over, instance, 0, cancelled);
    await traffic.lookInto(named, instance);
    asked = [];
    await traffic.receive(over, instance, 1, []);
    expect(asked).toEqual([]);
  });
});

describe("a hello", () => {
  it("in several pages asks each call once, and with the last page those that only we remember", async () => {
    const [first, second, remembered] = [newCall(), newCall(), newCall()];
    for (const call of [first, second, remembered]) live.add(call);
    await traffic.resume([{ call: first, appliedCommand: 3 }], true, instance);
    expect(asked).toEqual(["resume"]);
    await traffic.resumeFurther([{ call: second, appliedCommand: 2 }], false, instance);
    expect(asked).toEqual(["resume", "resume", "resume"]);
  });
});

describe("a command that is longer than a frame", () => {
  it("costs its call, and the gateway hears that it is gone", async () => {
    const call = newCall();
    const remoteSdp = "\u0001".repeat(50_000);
    const command = { kind: "open-webrtc-leg", leg: "a" as LegId, codecs: [], ssrc: 1, remoteSdp } as const;
    reply = { ackEvent: 1, commands: [{ seq: 1, epoch: 1, command }], live: true };
    await traffic.receive(call, instance, 0, cancelled);
    await vi.advanceTimersByTimeAsync(10);
    expect(sent).toEqual([{ kind: "call-gone", call }]);
    expect(asked).toEqual(["events", "lost"]);
  });
});
