import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { GatewayId, GatewayInstanceId } from "#protocol/ids";
import { NeighbourWatch } from "../../../../gateway-node/media/neighbour-watch.ts";
import {
  deriveKeepAliveKey,
  encodeKeepAlive,
  expandEpoch,
  parseKeepAlive,
  parseStreamId,
  readTrunkKind,
} from "../../../../gateway-node/media/trunk-frame.ts";
import { TrunkReceiver, TrunkSink } from "../../../../gateway-node/media/trunk-stream.ts";
import { FLEET_KEY, rtpPacket } from "./media-plane-fixture.ts";

const STREAM = "0123456789abcdef";

function sender(
  epoch: number,
  gateway = "us-east",
  fleetKey = FLEET_KEY,
): { sink: TrunkSink; frame(sequence: number): Buffer } {
  const frames: Buffer[] = [];
  const sink = new TrunkSink({
    fleetKey,
    stream: STREAM,
    streamId: parseStreamId(STREAM)!,
    localGateway: gateway,
    remoteGateway: "eu-west",
    epoch,
    nowMs: 0,
    send: (frame) => void frames.push(frame),
  });
  const frame = (sequence: number): Buffer => {
    const packet = rtpPacket({ payloadType: 0, sequence, timestamp: 0, ssrc: 1 });
    sink.transmit(packet, sink.stream.place(packet, 0, false));
    return frames.at(-1)!;
  };
  return { sink, frame };
}

function receiver(): TrunkReceiver {
  return new TrunkReceiver({ fleetKey: FLEET_KEY, stream: STREAM, remoteGateway: "us-east" });
}

describe("trunk media", () => {
  test("arrives, and a higher epoch of the sender replaces the lower for good", () => {
    const [old, adopter, trunk] = [sender(1), sender(2), receiver()];
    const [first, stale] = [old.frame(1), old.frame(2)];
    expect(trunk.open(first, 0)).toBeDefined();
    expect(trunk.open(adopter.frame(1), 100)).toBeDefined();
    expect(trunk.open(stale, 200)).toBeUndefined();
    expect(trunk.refusal).toBe("stale-epoch");
    expect(trunk.open(adopter.frame(2), 300)).toBeDefined();
  });

  test("an announced higher epoch that does not authenticate changes nothing", () => {
    const [old, trunk] = [sender(1), receiver()];
    expect(trunk.open(old.frame(1), 0)).toBeDefined();
    const forged = Buffer.from(old.frame(2));
    forged.writeUInt16BE(9, 2);
    expect(trunk.open(forged, 100)).toBeUndefined();
    expect(trunk.refusal).toBe("forged");
    expect(trunk.open(old.frame(3), 200)).toBeDefined();
  });

  test("a flood of announced epochs derives few keys and does not keep the true adopter out for long", () => {
    const [old, adopter, trunk] = [sender(1), sender(2), receiver()];
    expect(trunk.open(old.frame(1), 0)).toBeDefined();
    for (let epoch = 10; epoch < 1000; epoch += 1) {
      const forged = Buffer.from(old.frame(epoch));
      forged.writeUInt16BE(epoch, 2);
      expect(trunk.open(forged, 50)).toBeUndefined();
    }
    expect(trunk.open(adopter.frame(1), 71)).toBeDefined();
  });

  test.each([
    ["another gateway", sender(1, "ap-south")],
    ["another fleet", sender(1, "us-east", Buffer.alloc(32, 8))],
  ])("of %s is refused", (_name, stranger) => {
    expect(receiver().open(stranger.frame(1), 0)).toBeUndefined();
  });

  test("any changed byte after the header is refused", () => {
    const wire = sender(1).frame(1);
    fc.assert(
      fc.property(fc.integer({ min: 12, max: wire.length - 1 }), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const forged = Buffer.from(wire);
        forged[at] = forged[at]! ^ flip;
        expect(receiver().open(forged, 0)).toBeUndefined();
      }),
    );
  });

  test("epochs survive the wrap of their low 16 bits", () => {
    expect(expandEpoch(3, 0xfffe)).toBe(0x10003);
    expect(expandEpoch(0xfffe, 0x10003)).toBe(0xfffe);
    expect(expandEpoch(5, 0)).toBe(5);
  });
});

describe("keep-alives", () => {
  const key = deriveKeepAliveKey(FLEET_KEY);
  const ping = {
    kind: "ping",
    nonce: "00ff00ff00ff00ff",
    gateway: "us-east" as GatewayId,
    instance: "cd".repeat(16) as GatewayInstanceId,
  } as const;

  test("say who they are from", () => {
    expect(parseKeepAlive(key, encodeKeepAlive(key, ping))).toEqual(ping);
    expect(parseKeepAlive(key, encodeKeepAlive(key, { ...ping, kind: "pong" }))).toEqual({ ...ping, kind: "pong" });
  });

  test("with any byte changed, or of another fleet, are refused", () => {
    const wire = encodeKeepAlive(key, ping);
    for (let at = 0; at < wire.length; at += 1) {
      const forged = Buffer.from(wire);
      forged[at] = forged[at]! ^ 1;
      expect(parseKeepAlive(key, forged)).toBeUndefined();
    }
    expect(parseKeepAlive(deriveKeepAliveKey(Buffer.alloc(32, 8)), wire)).toBeUndefined();
  });

  test("arbitrary bytes are never a frame that is acted upon", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        const frame = Buffer.from(bytes);
        const acted = readTrunkKind(frame) === "media" ? receiver().open(frame, 0) : parseKeepAlive(key, frame);
        expect(acted).toBeUndefined();
      }),
    );
  });
});

describe("a neighbour watch", () => {
  function run(heard: readonly number[], until: number, skipped: readonly number[] = []): readonly number[] {
    const watch = new NeighbourWatch();
    watch.watch(["b"]);
    const silences: number[] = [];
    for (let nowMs = 0; nowMs <= until; nowMs += 50) {
      if (heard.includes(nowMs)) watch.heard("b", nowMs);
      if (!skipped.includes(nowMs)) silences.push(...watch.tick(nowMs, 50).map(() => nowMs));
    }
    return silences;
  }

  test.each([
    ["never heard, is not reported", [], 1000, [], []],
    ["silent after being heard, is reported once", [100], 2000, [], [300]],
    ["heard again and silent again, is reported again", [100, 800], 2000, [], [300, 1000]],
    ["heard regularly, is not reported", [0, 100, 200, 300, 400, 500], 600, [], []],
    ["after a pause of our own process, is given one more tick", [100], 2000, [250, 300, 350, 400], [500]],
  ])("%s", (_name, heard, until, skipped, reported) => {
    expect(run(heard, until, skipped)).toEqual(reported);
  });
});
