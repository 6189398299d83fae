import { afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { DtlsServer } from "werift";
import { createDtlsCertificate, type DtlsCertificate } from "../../../../gateway-node/webrtc/dtls-certificate.ts";
import {
  type DtlsFailure,
  DtlsHandshake,
  type DtlsKeys,
  isDtlsPacket,
} from "../../../../gateway-node/webrtc/dtls-handshake.ts";

let ours: DtlsCertificate;
let theirs: DtlsCertificate;
let strangers: DtlsCertificate;
const running: DtlsHandshake[] = [];

beforeAll(async () => {
  [ours, theirs, strangers] = await Promise.all([
    createDtlsCertificate(),
    createDtlsCertificate(),
    createDtlsCertificate(),
  ]);
});

afterEach(() => {
  for (const handshake of running.splice(0)) handshake.stop();
});

interface Peer {
  readonly certificatePem: string;
  readonly keyPem: string;
  readonly profiles?: (1 | 7)[];
}

interface Outcome {
  readonly server: DtlsServer;
  keys?: DtlsKeys;
  failure?: DtlsFailure;
}

/** Our client against werift's server over a wire that may change what the server sends. */
function shakeHands(peer: Peer, wire: (packet: Buffer) => readonly Buffer[] = (packet) => [packet]): Outcome {
  const transport = {
    type: "udp",
    address: { address: "", family: "IPv4" as const, port: 0 },
    closed: false,
    onData: (_packet: Buffer, _from: readonly [string, number]): void => undefined,
    send: async (packet: Buffer): Promise<void> => {
      for (const one of wire(Buffer.from(packet))) queueMicrotask(() => handshake.receive(one));
    },
    close: async (): Promise<void> => undefined,
  };
  const server = new DtlsServer({
    transport,
    cert: peer.certificatePem,
    key: peer.keyPem,
    signatureHash: { hash: 4, signature: 3 },
    srtpProfiles: peer.profiles ?? [1, 7],
    extendedMasterSecret: true,
    certificateRequest: true,
  });
  const outcome: Outcome = { server };
  const handshake = new DtlsHandshake({
    certificate: ours,
    fingerprint: theirs.fingerprint,
    send: (packet) => queueMicrotask(() => transport.onData(Buffer.from(packet), ["", 0])),
    onKeys: (keys) => (outcome.keys = keys),
    onFailed: (failure) => (outcome.failure = failure),
  });
  running.push(handshake);
  handshake.start();
  return outcome;
}

describe("a DTLS handshake", () => {
  test.each([
    ["SRTP_AES128_CM_HMAC_SHA1_80", [1], 14],
    ["SRTP_AEAD_AES_128_GCM", [7], 12],
  ] as const)("ends in the same %s keys on both sides", async (profile, profiles, saltBytes) => {
    const outcome = shakeHands({ ...theirs, profiles: [...profiles] });
    await vi.waitFor(() => expect(outcome.keys).toBeDefined(), { timeout: 5000 });
    const server = outcome.server.extractSessionKeys(16, saltBytes);
    expect(outcome.keys).toEqual({
      profile,
      local: { key: server.remoteKey, salt: server.remoteSalt },
      remote: { key: server.localKey, salt: server.localSalt },
    });
  });

  test("with a certificate other than the one that was signalled fails", async () => {
    const outcome = shakeHands(strangers);
    await vi.waitFor(() => expect(outcome.failure).toBe("fingerprint-mismatch"), { timeout: 5000 });
    expect(outcome.keys).toBeUndefined();
  });

  test("with somebody who shows the signalled certificate but has not its key fails", async () => {
    const outcome = shakeHands({ certificatePem: theirs.certificatePem, keyPem: strangers.keyPem });
    await vi.waitFor(() => expect(outcome.failure).toBe("bad-key-exchange"), { timeout: 5000 });
    expect(outcome.keys).toBeUndefined();
  });

  test("with a server of which somebody changed the hello on the way never ends in keys", async () => {
    // Session id length and what follows: the random is the 32 octets from 27 on.
    const wire = (packet: Buffer): readonly Buffer[] => {
      if (packet[0] === 22 && packet[13] === 2) packet[30] = packet[30]! ^ 1;
      return [packet];
    };
    const outcome = shakeHands(theirs, wire);
    await vi.waitFor(() => expect(outcome.failure).toBe("bad-key-exchange"), { timeout: 5000 });
    expect(outcome.keys).toBeUndefined();
  });

  test("survives repeats and garbage between its messages", async () => {
    const garbage = [Buffer.alloc(0), Buffer.from([22]), Buffer.alloc(40, 22), Buffer.from("1600fefdffff", "hex")];
    // A repeated ServerHelloDone makes us repeat our flight, rightly, which werift's server does not survive.
    const isDone = (packet: Buffer): boolean => packet[13] === 14;
    const wire = (packet: Buffer): readonly Buffer[] => [
      ...garbage,
      ...(isDone(packet) ? [] : [Buffer.from(packet)]),
      packet,
    ];
    const outcome = shakeHands(theirs, wire);
    await vi.waitFor(() => expect(outcome.keys).toBeDefined(), { timeout: 5000 });
  });

  test("is told from STUN and media by its first octet", () => {
    expect([0, 3, 19, 20, 63, 64, 128].map((first) => isDtlsPacket(Buffer.from([first])))).toEqual([
      false,
      false,
      false,
      true,
      true,
      false,
      false,
    ]);
  });
});
