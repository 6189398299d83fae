import { beforeEach, describe, expect, it } from "vitest";
import {
  ControlChannel,
  OPENING_MS,
  PING_MS,
  REFUSED_PAUSE_MS,
} from "../../../../gateway-node/control/control-channel.ts";
import { CONTROL_FRAME_LIMIT, enrolmentText } from "../../../../protocol/control-frames.ts";
import type { ResumedCall } from "../../../../protocol/control-frames.ts";
import type { CallToken, GatewayId, GatewayInstanceId } from "../../../../protocol/ids.ts";
import { FakeDial } from "../support/fake-control-socket.ts";
import { VirtualClock } from "../support/virtual-clock.ts";

const gateway = "us-east" as GatewayId;
const instance = "0".repeat(32) as GatewayInstanceId;
const call = "T".repeat(54) as CallToken;

let clock: VirtualClock;
let worker: FakeDial;
let trace: string[];
let channel: ControlChannel;
let held: readonly ResumedCall[];
let counted: string[];

beforeEach(() => {
  clock = new VirtualClock();
  worker = new FakeDial();
  trace = [];
  held = [{ call, appliedCommand: 3 }];
  counted = [];
  channel = new ControlChannel({
    workerUrl: "ws://127.0.0.1:8787",
    gateway,
    instance,
    channel: 1,
    channels: 2,
    sign: (text) => `signed(${text})`,
    dial: worker.dial,
    clock,
    random: () => 1,
    resumedCalls: () => held,
    onWelcome: () => void trace.push("welcome"),
    onFrame: (frame) => void trace.push(frame.kind),
    onDown: () => void trace.push("down"),
    onRefused: (code) => void trace.push(`refused ${code}`),
    count: (name) => void counted.push(name),
  });
  channel.start();
});

describe("a control channel", () => {
  it("dials its own URL, signs the nonce, and names the calls that it holds", () => {
    worker.last.deliver({ kind: "challenge", nonce: "n1" });
    expect(worker.last.url).toBe("ws://127.0.0.1:8787/control?gateway=us-east&channel=1");
    expect(worker.last.frames).toEqual([
      {
        kind: "hello",
        protocol: 1,
        gateway,
        instance,
        channel: 1,
        channels: 2,
        signature: `signed(${enrolmentText("n1", gateway, instance, 1)})`,
        calls: [{ call, appliedCommand: 3 }],
      },
    ]);
  });

  it("sends nothing else and hands nothing on before it is welcomed", () => {
    worker.last.deliver({ kind: "tickets", tickets: [] });
    expect(channel.send({ kind: "tickets-wanted", count: 1 })).toBe(false);
    worker.last.greet();
    worker.last.deliver({ kind: "tickets", tickets: [] });
    expect(channel.send({ kind: "tickets-wanted", count: 1 })).toBe(true);
    expect(trace).toEqual(["welcome", "tickets"]);
  });

  it("names more calls than a hello holds in frames of their own, before all else, none too long", () => {
    held = Array.from({ length: 2_500 }, (_, index) => ({
      call: `${"T".repeat(100)}${String(10_000 + index)}` as CallToken,
      appliedCommand: 1_000_000,
    }));
    worker.last.greet();
    expect(worker.last.framesOf("hello")[0]).toMatchObject({ moreCalls: true });
    const pages = worker.last.framesOf("hello-calls");
    expect(pages.map(({ moreCalls }) => moreCalls)).toEqual([true, false]);
    const named = [worker.last.framesOf("hello")[0]?.calls ?? [], ...pages.map(({ calls }) => calls)];
    expect(named.flat()).toEqual(held);
    for (const text of worker.last.sent) expect(text.length).toBeLessThan(CONTROL_FRAME_LIMIT);
    expect(trace).toEqual(["welcome"]);
  });

  it("loses a frame that the Worker would not take rather than the channel", () => {
    worker.last.greet();
    const detail = "\u0001".repeat(CONTROL_FRAME_LIMIT / 6);
    expect(channel.send({ kind: "stray-request", call, leg: "a", method: detail })).toBe(false);
    expect(worker.last.framesOf("stray-request")).toEqual([]);
    expect(counted).toContain("control.unsendable.stray-request");
    expect(channel.open).toBe(true);
  });

  it("returns after 50 ms, then with doubled pauses up to 2 s, and begins again at 50 ms after a welcome", () => {
    const dialledAtMs: number[] = [];
    const start = clock.nowMs();
    for (let attempt = 0; attempt < 8; attempt += 1) {
      const before = worker.sockets.length;
      worker.last.drop();
      while (worker.sockets.length === before) clock.advance(50);
      dialledAtMs.push(clock.nowMs() - start);
    }
    expect(dialledAtMs).toEqual([50, 150, 350, 750, 1_550, 3_150, 5_150, 7_150]);
    worker.last.greet();
    worker.last.drop();
    clock.advance(50);
    expect(worker.sockets).toHaveLength(10);
  });

  it("pings every 5 s and gives up a socket that is silent for 12 s", () => {
    worker.last.greet();
    const [socket] = worker.sockets;
    clock.advance(PING_MS);
    expect(socket?.sent.at(-1)).toBe("ping");
    socket?.deliver("pong");
    clock.advance(3 * PING_MS);
    expect(socket?.closedWith).toBe(1000);
    expect(trace).toEqual(["welcome", "down"]);
    clock.advance(50);
    expect(worker.sockets).toHaveLength(2);
  });

  it("gives up a socket that is not welcomed in time", () => {
    clock.advance(OPENING_MS + 50);
    expect(worker.sockets).toHaveLength(2);
    expect(trace).toEqual([]);
  });

  it("asks slowly after a final refusal", () => {
    worker.last.deliver({ kind: "refused", code: "gateway-revoked", detail: "", final: true });
    clock.advance(REFUSED_PAUSE_MS - 1);
    expect(worker.sockets).toHaveLength(1);
    clock.advance(1);
    expect(worker.sockets).toHaveLength(2);
    expect(trace).toEqual(["refused gateway-revoked"]);
  });

  it("does not fight another process for the channel in a tight loop", () => {
    worker.last.greet();
    worker.last.deliver({ kind: "refused", code: "superseded", detail: "", final: false });
    worker.last.drop(4409);
    clock.advance(1_999);
    expect(worker.sockets).toHaveLength(1);
  });

  it("hears nothing more from a socket that it gave up", () => {
    const [old] = worker.sockets;
    clock.advance(OPENING_MS + 50);
    old?.greet();
    old?.drop();
    expect(trace).toEqual([]);
    expect(worker.sockets).toHaveLength(2);
  });

  it("stops for good, with no timer left", () => {
    worker.last.greet();
    channel.stop();
    worker.last.drop();
    expect(worker.last.closedWith).toBe(1001);
    expect(clock.armed).toBe(0);
    expect(worker.sockets).toHaveLength(1);
  });
});
