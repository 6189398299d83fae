import { describe, expect, it } from "vitest";
import { readWorkerFrame } from "../../../../gateway-node/control/worker-frame.ts";
import { CONTROL_FRAME_LIMIT } from "../../../../protocol/control-frames.ts";

const call = "T".repeat(54);
const command = (fields: object): object => ({
  kind: "call-command",
  call,
  ackEvent: 0,
  seq: 1,
  epoch: 1,
  command: { leg: "a", ...fields },
});
const invite = {
  kind: "invite-leg",
  leg: "b1",
  flow: { transport: "udp", host: "192.0.2.7", port: 5060 },
  requestUri: "sip:bob@192.0.2.7",
  callId: "x@y",
  localUri: "<sip:a@d>",
  remoteUri: "<sip:b@d>",
  localTag: `${call}.b1`,
  viaBranch: "z9hG4bKx",
  cseq: 1,
  codecs: ["PCMU"],
  ringTimeoutMs: 60_000,
  headers: [["X-One", "1"]],
};

describe("frames from the Worker", () => {
  it.each([
    ["challenge", { kind: "challenge", nonce: "00" }],
    [
      "welcome",
      {
        kind: "welcome",
        protocol: 1,
        tickets: [call],
        neighbours: [{ gateway: "eu-west", host: "127.0.0.1", port: 5072 }],
        heartbeatMs: 5_000,
      },
    ],
    ["refused", { kind: "refused", code: "gateway-revoked", detail: "", final: true }],
    ["event-ack", { kind: "event-ack", call, ackEvent: 4 }],
    ["call-gone", { kind: "call-gone", call }],
    ["credentials of nobody", { kind: "credentials", id: 3 }],
    ["route-stored", { kind: "route-stored", id: 3, ok: false, code: "limit" }],
    ["probe", { kind: "probe", id: 1, target: { gateway: "eu-west", host: "127.0.0.1", port: 5072 } }],
    ["tickets", { kind: "tickets", tickets: [] }],
    ["invite-leg", { ...command({}), command: invite }],
    ["answer-leg", command({ kind: "answer-leg", codec: "PCMA" })],
    [
      "join-leg to a trunk",
      command({
        kind: "join-leg",
        join: { kind: "trunk", gateway: "eu-west", host: "127.0.0.1", port: 1, stream: "0123456789abcdef" },
      }),
    ],
    [
      "join-leg to a player",
      command({
        kind: "join-leg",
        join: { kind: "player", source: "ringback-uk", loop: true, anchorMs: 1_700_000_000_000.5 },
      }),
    ],
    [
      "open-room-port",
      command({
        kind: "open-room-port",
        port: {
          room: "AC1/stand-up",
          codec: "PCMA",
          trunk: { gateway: "eu-west", host: "127.0.0.1", port: 1, stream: "0123456789abcdef" },
        },
      }),
    ],
    ["close-room-port", command({ kind: "close-room-port" })],
    ["join-leg to a room", command({ kind: "join-leg", join: { kind: "room", room: "AC1/stand-up" } })],
  ])("%s is read as it is", (_name, frame) => {
    expect(readWorkerFrame(JSON.stringify(frame))).toEqual({ ok: true, frame });
  });

  it("ignores fields that a newer Worker adds", () => {
    expect(readWorkerFrame(JSON.stringify({ kind: "event-ack", call, ackEvent: 1, later: true })).ok).toBe(true);
  });

  it.each([
    ["no JSON", "{", "frame-not-json"],
    ["too long", `"${"x".repeat(CONTROL_FRAME_LIMIT)}"`, "frame-too-long"],
    ["a kind of a newer release", JSON.stringify({ kind: "dance" }), "unknown-kind"],
    ["null", "null", "frame-invalid"],
    ["a token of the wrong shape", JSON.stringify({ kind: "call-gone", call: "../x" }), "frame-invalid"],
    ["sequence number 0", JSON.stringify({ ...command({ kind: "confirm-leg" }), seq: 0 }), "frame-invalid"],
  ])("%s is refused with a code and never throws", (_name, text, code) => {
    const reading = readWorkerFrame(text);
    expect(reading.ok ? "accepted" : reading.code).toBe(code);
  });

  it.each([
    ["a command of a newer release", JSON.stringify(command({ kind: "explode" })), "frame-invalid", undefined],
    [
      "one too long",
      JSON.stringify(command({ kind: "open-webrtc-leg", remoteSdp: "x".repeat(CONTROL_FRAME_LIMIT) })),
      "frame-too-long",
      "open-webrtc-leg",
    ],
    [
      "a header name that is none",
      JSON.stringify({ ...command({}), command: { ...invite, headers: [["X:\r\n", "1"]] } }),
      "frame-invalid",
      "invite-leg",
    ],
    [
      "a line break in a header value",
      JSON.stringify({ ...command({}), command: { ...invite, headers: [["X", "1\r\nEvil: 2"]] } }),
      "frame-invalid",
      "invite-leg",
    ],
    [
      "a line break in the request-URI",
      JSON.stringify({ ...command({}), command: { ...invite, requestUri: "sip:a\r\nb" } }),
      "frame-invalid",
      "invite-leg",
    ],
    [
      "a final refusal that is a success",
      JSON.stringify(command({ kind: "reject-leg", status: 200, reason: "" })),
      "frame-invalid",
      "reject-leg",
    ],
  ])("%s keeps its place in the stream, and nothing else of it is taken", (_name, text, code, of) => {
    const reading = readWorkerFrame(text);
    const unreadable = { kind: "unreadable", leg: expect.stringMatching(/^(a|b1)$/), of };
    expect(reading).toMatchObject({ ok: true, code, frame: { kind: "call-command", call, seq: 1 } });
    expect(reading.ok && reading.frame.kind === "call-command" ? reading.frame.command : undefined).toEqual(unreadable);
  });

  it("does not repeat values in what it says about a bad frame", () => {
    const reading = readWorkerFrame(
      JSON.stringify({
        kind: "credentials",
        id: 1,
        credentials: { account: "x", ha1Md5: "secret", ha1Sha256: "secret" },
      }),
    );
    expect(JSON.stringify(reading)).not.toContain("secret");
  });
});
