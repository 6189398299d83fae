import { crc32 } from "node:zlib";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { IceLiteAgent, type IceOutcome } from "../../../../gateway-node/webrtc/ice-lite-agent.ts";
import {
  encodeStunMessage,
  hasIntegrity,
  parseStunMessage,
  STUN_ATTRIBUTE,
  type StunKind,
  xorMappedAddress,
} from "../../../../gateway-node/webrtc/stun-message.ts";

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(/\s/g, ""), "hex");

describe("STUN test vectors (RFC 5769)", () => {
  const PASSWORD = "VOkJxbRl1RmTxUk/WvJxBt";
  const request =
    hex(`00 01 00 58 21 12 a4 42 b7 e7 a7 01 bc 34 d6 86 fa 87 df ae 80 22 00 10 53 54 55 4e 20 74 65 73 74 20 63 6c 69 65 6e 74
    00 24 00 04 6e 00 01 ff 80 29 00 08 93 2f f9 b1 51 26 3b 36 00 06 00 09 65 76 74 6a 3a 68 36 76 59 20 20 20
    00 08 00 14 9a ea a7 0c bf d8 cb 56 78 1e f2 b5 b2 d3 f2 49 c1 b5 71 a2 80 28 00 04 e5 7a 3b cf`);
  const response =
    hex(`01 01 00 3c 21 12 a4 42 b7 e7 a7 01 bc 34 d6 86 fa 87 df ae 80 22 00 0b 74 65 73 74 20 76 65 63 74 6f 72 20
    00 20 00 08 00 01 a1 47 e1 12 a6 43 00 08 00 14 2b 91 f5 99 fd 9e 90 c3 8c 74 89 f9 2a f9 ba 53 f0 6b e7 d7 80 28 00 04 c0 7d 4c 96`);

  test("2.1: the request parses, with its integrity and fingerprint right", () => {
    const message = parseStunMessage(request)!;
    expect(message.attributes.get(STUN_ATTRIBUTE.username)?.toString()).toBe("evtj:h6vY");
    expect(hasIntegrity(message, PASSWORD)).toBe(true);
    expect(hasIntegrity(message, `${PASSWORD}x`)).toBe(false);
  });

  test("2.2: the response parses, and its mapped address is written alike", () => {
    const message = parseStunMessage(response)!;
    expect(hasIntegrity(message, PASSWORD)).toBe(true);
    expect(message.attributes.get(STUN_ATTRIBUTE.xorMappedAddress)).toEqual(xorMappedAddress("192.0.2.1", 32853));
  });
});

const LOCAL = { ufrag: "ours", password: "our-password-of-22-chars" };
const REMOTE = { ufrag: "them", password: "their-password-of-22-ch" };
const OLD_LOCAL = { ufrag: "olds", password: "old-password-of-22-chars" };
const TRANSACTION = Buffer.alloc(12, 7);

function check(
  options: {
    readonly username?: string;
    readonly password?: string;
    readonly extra?: readonly (readonly [number, Buffer])[];
    readonly kind?: StunKind;
  } = {},
): Buffer {
  return encodeStunMessage({
    kind: options.kind ?? "request",
    transactionId: TRANSACTION,
    password: options.password ?? LOCAL.password,
    attributes: [
      [STUN_ATTRIBUTE.username, Buffer.from(options.username ?? "ours:them")],
      [STUN_ATTRIBUTE.priority, Buffer.alloc(4, 1)],
      ...(options.extra ?? [[STUN_ATTRIBUTE.iceControlling, Buffer.alloc(8)]]),
    ],
  });
}

function receive(packet: Buffer, agent = new IceLiteAgent({ local: LOCAL, remote: REMOTE })): IceOutcome {
  return agent.receive(packet, "192.0.2.9", 4242);
}

function errorOf(outcome: IceOutcome): number | undefined {
  if (outcome.kind !== "refused" || outcome.response === undefined) return undefined;
  const value = parseStunMessage(outcome.response)?.attributes.get(STUN_ATTRIBUTE.errorCode);
  return value === undefined ? undefined : value[2]! * 100 + value[3]!;
}

describe("an ICE-lite agent", () => {
  test("answers a valid check with the source's address, integrity and fingerprint", () => {
    const outcome = receive(check());
    expect(outcome).toMatchObject({ kind: "check", nominated: false, current: true });
    const response = parseStunMessage(outcome.kind === "check" ? outcome.response : Buffer.alloc(0))!;
    expect(response.kind).toBe("success");
    expect(response.transactionId).toEqual(TRANSACTION);
    expect(response.attributes.get(STUN_ATTRIBUTE.xorMappedAddress)).toEqual(xorMappedAddress("192.0.2.9", 4242));
    expect(hasIntegrity(response, LOCAL.password)).toBe(true);
  });

  test("sees a nomination", () => {
    expect(receive(check({ extra: [[STUN_ATTRIBUTE.useCandidate, Buffer.alloc(0)]] }))).toMatchObject({
      kind: "check",
      nominated: true,
    });
  });

  test.each([
    ["another user", { username: "nobody:them" }, 401],
    ["the wrong password", { password: "wrong" }, 401],
    ["an unknown required attribute", { extra: [[0x0030, Buffer.alloc(4)]] as const }, 420],
    ["a peer that wants to be controlled", { extra: [[STUN_ATTRIBUTE.iceControlled, Buffer.alloc(8)]] as const }, 487],
  ])("refuses %s", (_name, options, code) => {
    expect(errorOf(receive(check(options)))).toBe(code);
  });

  test("refuses a request without integrity", () => {
    const bare = encodeStunMessage({
      kind: "request",
      transactionId: TRANSACTION,
      attributes: [[STUN_ATTRIBUTE.username, Buffer.from("ours:them")]],
    });
    expect(errorOf(receive(bare))).toBe(400);
  });

  test("ignores attributes behind the integrity, where anybody could have put them", () => {
    const valid = check();
    const head = Buffer.concat([valid.subarray(0, -8), Buffer.from([0, 0x25, 0, 0])]);
    head.writeUInt16BE(head.length - 20 + 8, 2);
    const fingerprint = Buffer.from([0x80, 0x28, 0, 4, 0, 0, 0, 0]);
    fingerprint.writeUInt32BE((crc32(head) ^ 0x5354554e) >>> 0, 4);
    const smuggled = Buffer.concat([head, fingerprint]);
    expect(receive(smuggled)).toMatchObject({ kind: "check", nominated: false });
  });

  test("answers under the credentials before a restart too, and says that they are not current", () => {
    const agent = new IceLiteAgent({ local: LOCAL, remote: undefined }, { local: OLD_LOCAL, remote: REMOTE });
    expect(receive(check({ username: "olds:them", password: OLD_LOCAL.password }), agent)).toMatchObject({
      kind: "check",
      current: false,
    });
    expect(receive(check({ username: "ours:anything" }), agent)).toMatchObject({ kind: "check", current: true });
  });

  test("checks under the credentials before, and believes only the answer to that", () => {
    const agent = new IceLiteAgent({ local: LOCAL, remote: undefined }, { local: OLD_LOCAL, remote: REMOTE });
    const request = parseStunMessage(agent.createPreviousCheck()!)!;
    expect(request.attributes.get(STUN_ATTRIBUTE.username)?.toString()).toBe("them:olds");
    expect(hasIntegrity(request, REMOTE.password)).toBe(true);
    const answer = (transactionId: Buffer, password: string): Buffer =>
      encodeStunMessage({ kind: "success", transactionId, password, attributes: [] });
    expect(receive(answer(TRANSACTION, REMOTE.password), agent).kind).toBe("ignored");
    expect(receive(answer(request.transactionId, "wrong"), agent).kind).toBe("ignored");
    expect(receive(answer(request.transactionId, REMOTE.password), agent).kind).toBe("answered");
    expect(receive(answer(request.transactionId, REMOTE.password), agent).kind).toBe("ignored");
  });

  test("has no check to make without credentials from before", () => {
    expect(new IceLiteAgent({ local: LOCAL, remote: REMOTE }).createPreviousCheck()).toBeUndefined();
  });

  test("never takes a changed check for valid", () => {
    const valid = check();
    fc.assert(
      fc.property(fc.integer({ min: 0, max: valid.length - 1 }), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const forged = Buffer.from(valid);
        forged[at] = forged[at]! ^ flip;
        expect(receive(forged).kind).not.toBe("check");
      }),
    );
  });

  test("survives arbitrary bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.boolean(), (bytes, cookie) => {
        const packet = Buffer.from(bytes);
        if (cookie && packet.length >= 20) {
          packet.writeUInt16BE(1, 0);
          packet.writeUInt16BE(packet.length - 20, 2);
          packet.writeUInt32BE(0x2112a442, 4);
        }
        expect(["refused", "ignored"]).toContain(receive(packet).kind);
      }),
    );
  });
});
