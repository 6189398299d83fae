import { describe, expect, it } from "vitest";
import { callTag } from "#protocol/ids";
import type { LegId } from "#protocol/ids";
import type { WebRtcLegMedia } from "#protocol/capsule";
import { CallWorld, DOMAIN, PHONE_AUDIO, TOKEN, browserRoute, capsule, phoneRoute } from "./call-world.ts";

const leg = (id: string): LegId => id as LegId;
const sdp = (ufrag: string): string =>
  [
    "v=0",
    "o=- 1 1 IN IP4 0.0.0.0",
    "s=-",
    "t=0 0",
    "a=group:BUNDLE 0",
    "m=audio 9 UDP/TLS/RTP/SAVPF 111 0 8 126",
    "c=IN IP4 0.0.0.0",
    `a=ice-ufrag:${ufrag}`,
    "a=ice-pwd:0123456789abcdef01234567",
    `a=fingerprint:sha-256 ${Array.from({ length: 32 }, () => "AA").join(":")}`,
    "a=setup:actpass",
    "a=mid:0",
    "a=sendrecv",
    "a=rtcp-mux",
    "a=rtpmap:111 opus/48000/2",
    "a=rtpmap:0 PCMU/8000",
    "a=rtpmap:8 PCMA/8000",
    "a=rtpmap:126 telephone-event/8000",
    "",
  ].join("\r\n");

function message(lines: readonly string[], body = ""): string {
  return [
    ...lines,
    ...(body === "" ? [] : ["Content-Type: application/sdp"]),
    `Content-Length: ${body.length}`,
    "",
    body,
  ].join("\r\n");
}

function invite(to: string): string {
  return message(
    [
      `INVITE sip:${to}@${DOMAIN} SIP/2.0`,
      "Via: SIP/2.0/WS x.invalid;branch=z9hG4bK1",
      `From: <sip:alice@${DOMAIN}>;tag=f1`,
      `To: <sip:${to}@${DOMAIN}>`,
      "Call-ID: browser-1",
      "CSeq: 1 INVITE",
      "Max-Forwards: 70",
      "Contact: <sip:alice@x.invalid;transport=ws>",
    ],
    sdp("uAAA"),
  );
}

function inDialog(method: string, cseq: number, body = ""): string {
  return message(
    [
      `${method} sip:x SIP/2.0`,
      `Via: SIP/2.0/WS x.invalid;branch=z9hG4bK${method}${cseq}`,
      `From: <sip:alice@${DOMAIN}>;tag=f1`,
      `To: <sip:bob@${DOMAIN}>;tag=${callTag(TOKEN, leg("a"))}`,
      "Call-ID: browser-1",
      `CSeq: ${cseq} ${method}`,
      "Max-Forwards: 70",
      "Contact: <sip:alice@x.invalid;transport=ws>",
    ],
    body,
  );
}

/** A browser's response to the last request that was sent to it. */
function reply(request: string, status: number, reason: string, body = ""): string {
  const fields = request.split("\r\n").filter((line) => /^(Via|From|Call-ID|CSeq):/.test(line));
  const to = /^To: (.*)$/m.exec(request)?.[1]?.trim() ?? "";
  return message(
    [
      `SIP/2.0 ${status} ${reason}`,
      ...fields,
      `To: ${to.includes("tag=") ? to : `${to};tag=b77`}`,
      "Contact: <sip:bob@y.invalid;transport=ws>",
    ],
    body,
  );
}

const media: WebRtcLegMedia = {
  kind: "webrtc",
  localSdp: sdp("gAAA"),
  remoteSdp: sdp("uAAA"),
  audio: { codec: "PCMU", payloadType: 0 },
  sealed: "sealed",
  peer: { host: "192.0.2.9", port: 5000 },
  outgoing: { ssrc: 7, indexLimit: 30_000, timestamp: 0, atMs: 0 },
};

function talking(): CallWorld {
  const world = new CallWorld();
  world.browser("alice", "s1", invite("bob"));
  world.located(phoneRoute("desk", "us-east"));
  world.event("us-east", { kind: "leg-ringing", leg: leg("b1"), status: 180 });
  world.event("us-east", { kind: "leg-answered", leg: leg("b1"), capsule: capsule("confirmed"), audio: PHONE_AUDIO });
  world.event("us-east", { kind: "webrtc-leg-ready", leg: leg("a"), localSdp: sdp("gAAA") });
  world.browser("alice", "s1", inDialog("ACK", 1));
  world.event("us-east", { kind: "webrtc-leg-secured", leg: leg("a"), media });
  world.told();
  world.said();
  return world;
}

describe("a browser that calls a phone", () => {
  it("hears 180, then 200 with the gateway's SDP once the phone's codec is known", () => {
    const world = new CallWorld();
    world.browser("alice", "s1", invite("bob"));
    world.located(phoneRoute("desk", "us-east"));
    expect(world.told()).toEqual(["us-east: invite-leg b1"]);
    world.event("us-east", { kind: "leg-ringing", leg: leg("b1"), status: 180 });
    world.event("us-east", {
      kind: "leg-answered",
      leg: leg("b1"),
      capsule: capsule("confirmed"),
      audio: { ...PHONE_AUDIO, codec: "PCMA", payloadType: 8 },
    });
    const open = world.commands.find((entry) => entry.command.kind === "open-webrtc-leg")?.command;
    expect(open).toMatchObject({ leg: "a", codecs: ["PCMA"], remoteSdp: sdp("uAAA") });
    world.event("us-east", { kind: "webrtc-leg-ready", leg: leg("a"), localSdp: sdp("gAAA") });
    expect(world.said()).toEqual(["a: SIP/2.0 180 Ringing", "a: SIP/2.0 200 OK"]);
    expect(world.told().slice(-2)).toEqual(["us-east: join-leg a local", "us-east: join-leg b1 local"]);
  });

  it("gets 487 to its INVITE and 200 to its CANCEL, and the phone is cancelled", () => {
    const world = new CallWorld();
    world.browser("alice", "s1", invite("bob"));
    world.located(phoneRoute("desk", "us-east"));
    world.told();
    world.browser(
      "alice",
      "s1",
      message([
        `CANCEL sip:bob@${DOMAIN} SIP/2.0`,
        "Via: SIP/2.0/WS x.invalid;branch=z9hG4bK1",
        `From: <sip:alice@${DOMAIN}>;tag=f1`,
        `To: <sip:bob@${DOMAIN}>`,
        "Call-ID: browser-1",
        "CSeq: 1 CANCEL",
        "Max-Forwards: 70",
      ]),
    );
    expect(world.said()).toEqual(["a: SIP/2.0 200 OK", "a: SIP/2.0 487 Request Terminated"]);
    expect(world.told()).toContain("us-east: cancel-leg b1");
  });

  it("stops the ringing when its socket closes before the answer, and only then", () => {
    const world = new CallWorld();
    world.browser("alice", "s1", invite("bob"));
    world.located(phoneRoute("desk", "us-east"));
    world.told();
    world.feed({ kind: "browser-gone", bridge: "3", socket: "s9" });
    expect(world.told()).toEqual([]);
    world.feed({ kind: "browser-gone", bridge: "3", socket: "s1" });
    expect(world.told()).toContain("us-east: cancel-leg b1");
    expect(world.state).toMatchObject({ status: "canceled", endCause: "caller-gone" });

    const talk = talking();
    talk.feed({ kind: "browser-gone", bridge: "3", socket: "s1" });
    expect(talk.state?.endedAtMs).toBeUndefined();
  });

  it("ends the phone's leg with its BYE and gives its media port back", () => {
    const world = talking();
    world.browser("alice", "s1", inDialog("BYE", 2));
    expect(world.said()).toEqual(["a: SIP/2.0 200 OK"]);
    expect(world.told()).toEqual(["us-east: release-leg a", "us-east: end-leg b1"]);
  });

  it("gets a BYE when the phone hangs up", () => {
    const world = talking();
    world.event("us-east", { kind: "leg-ended", leg: leg("b1"), cause: "bye" });
    expect(world.said()[0]).toMatch(/^a: BYE sip:alice@x\.invalid/);
    expect(world.told()).toEqual(["us-east: release-leg a"]);
  });

  it("has its re-INVITE answered by its gateway: hold, another microphone, new ICE", () => {
    const world = talking();
    world.browser("alice", "s1", inDialog("INVITE", 2, sdp("uAAA").replace("a=sendrecv", "a=sendonly")));
    expect(world.told()).toEqual(["us-east: open-webrtc-leg a"]);
    expect(world.said()).toEqual([]);
    world.event("us-east", { kind: "webrtc-leg-ready", leg: leg("a"), localSdp: sdp("gAAA") });
    expect(world.said()).toEqual(["a: SIP/2.0 200 OK"]);
    world.browser("alice", "s1", inDialog("INVITE", 2, sdp("uAAA")));
    expect(world.said()).toEqual(["a: SIP/2.0 200 OK"]);
    expect(world.told()).toEqual([]);
  });

  it("has its hold and its end of it in the log, and nobody else is told", () => {
    const world = talking();
    for (const [cseq, direction] of [
      [2, "sendonly"],
      [3, "inactive"],
      [4, "sendrecv"],
    ] as const) {
      world.browser("alice", "s1", inDialog("INVITE", cseq, sdp("uAAA").replace("sendrecv", direction)));
      world.event("us-east", { kind: "webrtc-leg-ready", leg: leg("a"), localSdp: sdp("gAAA") });
    }
    expect(world.told().filter((line) => !line.includes("open-webrtc-leg a"))).toEqual([]);
    expect(world.events().filter((event) => /hold|resume/.test(event))).toEqual(["leg.holds", "leg.resumes"]);
  });

  it("keeps its call when its gateway refuses a re-INVITE, and may try again after its gateway died over one", () => {
    const world = talking();
    world.browser("alice", "s1", inDialog("INVITE", 2, sdp("uEEE")));
    world.event("us-east", { kind: "webrtc-leg-refused", leg: leg("a"), status: 488, reason: "fingerprint-changed" });
    expect(world.said()).toEqual(["a: SIP/2.0 488 Not Acceptable Here"]);
    expect(world.state?.endedAtMs).toBeUndefined();
    world.browser("alice", "s1", inDialog("INVITE", 3, sdp("uEEE")));
    world.kill("us-east");
    expect(world.said()).toEqual([expect.stringMatching(/^a: SIP\/2\.0 491 /)]);
  });

  it("is not moved by somebody else's message", () => {
    const world = talking();
    world.browser("mallory", "s9", inDialog("BYE", 2));
    expect(world.said()).toEqual([]);
    expect(world.state?.endedAtMs).toBeUndefined();
  });
});

describe("a browser that is called", () => {
  function ringing(): { readonly world: CallWorld; readonly invite: string } {
    const world = new CallWorld();
    world.phoneCalls("bob");
    world.located(browserRoute("laptop", "us-east"));
    expect(world.told()).toEqual(["us-east: open-webrtc-leg b1"]);
    world.event("us-east", { kind: "webrtc-leg-ready", leg: leg("b1"), localSdp: sdp("gBBB") });
    const request = world.sip.at(-1)?.text ?? "";
    world.said();
    return { world, invite: request };
  }

  it("is offered the gateway's SDP, and its answer connects both", () => {
    const { world, invite: request } = ringing();
    expect(request).toMatch(/^INVITE sip:laptop@abc\.invalid;transport=ws SIP\/2\.0/);
    world.browser("bob", "socket-laptop", reply(request, 180, "Ringing"));
    expect(world.told()).toEqual(["us-east: ring-leg a"]);
    world.browser("bob", "socket-laptop", reply(request, 200, "OK", sdp("uBBB")));
    expect(world.said()[0]).toMatch(/^b1: ACK sip:bob@y\.invalid/);
    expect(world.told()).toEqual([
      "us-east: complete-webrtc-leg b1",
      "us-east: answer-leg a",
      "us-east: join-leg a local",
      "us-east: join-leg b1 local",
    ]);
  });

  it("declines: the refusal is acknowledged and reaches the caller", () => {
    const { world, invite: request } = ringing();
    world.browser("bob", "socket-laptop", reply(request, 486, "Busy Here"));
    expect(world.said()[0]).toMatch(/^b1: ACK /);
    expect(world.told()).toEqual(expect.arrayContaining(["us-east: reject-leg a 486"]));
  });

  it("is cancelled and rung again when its gateway dies while it rings", () => {
    const { world, invite: request } = ringing();
    world.browser("bob", "socket-laptop", reply(request, 180, "Ringing"));
    world.told();
    world.kill("us-east");
    expect(world.said()).toEqual([expect.stringMatching(/^b1: CANCEL /)]);
    expect(world.told()).toEqual(["eu-west: adopt-leg a ringing", "eu-west: open-webrtc-leg b2"]);
    world.event("eu-west", { kind: "webrtc-leg-ready", leg: leg("b2"), localSdp: sdp("gCCC") });
    expect(world.said()).toEqual([expect.stringMatching(/^b2: INVITE /)]);
    world.browser("bob", "socket-laptop", reply(request, 200, "OK", sdp("uBBB")));
    expect(world.said()).toEqual([expect.stringMatching(/^b1: ACK /), expect.stringMatching(/^b1: BYE /)]);
    expect(world.state?.winner).toBeUndefined();
  });

  it("is cancelled with the branch of its INVITE", () => {
    const { world, invite: request } = ringing();
    world.event("us-east", { kind: "leg-cancelled", leg: leg("a") });
    const cancel = world.sip[0]?.text ?? "";
    expect(cancel).toMatch(/^CANCEL /);
    expect(/^Via: (.*)$/m.exec(cancel)?.[1]).toBe(/^Via: (.*)$/m.exec(request)?.[1]);
  });
});

describe("a gateway that cannot be told", () => {
  it("loses the media that was to begin on it to the next one, as callee and as caller", () => {
    const world = new CallWorld();
    world.phoneCalls("bob");
    world.located(browserRoute("laptop", "us-east"));
    expect(world.told()).toEqual(["us-east: open-webrtc-leg b1"]);
    world.feed({ kind: "gateway-unreachable", gateway: world.address("us-east").gateway });
    expect(world.told()).toEqual(["eu-west: open-webrtc-leg b2"]);

    const caller = new CallWorld();
    caller.browser("alice", "s1", invite("echo"));
    expect(caller.told()).toEqual(["us-east: open-webrtc-leg a"]);
    caller.feed({ kind: "gateway-unreachable", gateway: caller.address("us-east").gateway });
    expect(caller.told()).toEqual(["eu-west: open-webrtc-leg a"]);
    caller.event("eu-west", { kind: "webrtc-leg-ready", leg: leg("a"), localSdp: sdp("gAAA") });
    expect(caller.told()).toEqual(["eu-west: join-leg a echo"]);
    expect(caller.said()).toEqual(["a: SIP/2.0 200 OK"]);
  });
});

describe("a browser whose gateway dies", () => {
  it("keeps its keys: only ICE changes, by a re-INVITE over its bridge", () => {
    const world = talking();
    world.kill("us-east");
    expect(world.told()).toEqual([
      "eu-west: adopt-webrtc-leg a",
      "eu-west: adopt-leg b1 confirmed",
      "eu-west: join-leg a local",
      "eu-west: join-leg b1 local",
    ]);
    world.event("eu-west", { kind: "webrtc-leg-ready", leg: leg("a"), localSdp: sdp("gCCC") });
    const offer = world.sip.at(-1)?.text ?? "";
    expect(offer).toMatch(/^INVITE sip:alice@x\.invalid/);
    expect(offer).toContain("a=ice-ufrag:gCCC");
    world.said();
    world.browser("alice", "s1", reply(offer, 200, "OK", sdp("uDDD")));
    expect(world.said()[0]).toMatch(/^a: ACK /);
    expect(world.told()).toEqual(["eu-west: complete-webrtc-leg a"]);
    expect(world.events()).toContain("leg.adopted");
  });

  it("stays with its adopter when both offered at once, and is offered the same again", () => {
    const world = talking();
    world.kill("us-east");
    world.event("eu-west", { kind: "webrtc-leg-ready", leg: leg("a"), localSdp: sdp("gCCC") });
    const offer = world.sip.at(-1)?.text ?? "";
    world.browser("alice", "s1", inDialog("INVITE", 2, sdp("uAAA").replace("a=sendrecv", "a=sendonly")));
    expect(world.said().at(-1)).toMatch(/^a: SIP\/2\.0 491 /);
    world.told();
    world.effects = [];
    world.browser("alice", "s1", reply(offer, 491, "Request Pending"));
    expect(world.told()).toEqual([]);
    expect(world.effects).toContainEqual(expect.objectContaining({ kind: "retry-soon" }));
    world.said();
    world.feed({ kind: "retry-adoption" });
    const again = world.sip.at(-1)?.text ?? "";
    expect(again).toMatch(/^INVITE sip:alice@x\.invalid/);
    expect(again).toContain("a=ice-ufrag:gCCC");
    world.browser("alice", "s1", reply(again, 200, "OK", sdp("uDDD")));
    expect(world.events()).toContain("leg.adopted");
    expect(world.caller()?.holder).toBe("eu-west");
  });

  it("is moved twice in a row, each time with a higher version", () => {
    const world = talking();
    const versions: number[] = [];
    for (const [dead, next] of [
      ["us-east", "eu-west"],
      ["eu-west", "ap-south"],
    ] as const) {
      world.kill(dead);
      const adopt = world.commands.find((entry) => entry.command.kind === "adopt-webrtc-leg")?.command;
      if (adopt?.kind === "adopt-webrtc-leg") versions.push(adopt.sdpVersion);
      world.commands = [];
      world.event(next, { kind: "webrtc-leg-ready", leg: leg("a"), localSdp: sdp(`g${next}`) });
      const offer = world.sip.at(-1)?.text ?? "";
      world.browser("alice", "s1", reply(offer, 200, "OK", sdp("uDDD")));
      world.commands = [];
    }
    expect(versions).toEqual([2, 3]);
    expect(world.caller()?.holder).toBe("ap-south");
  });

  it("hears about the move over the socket that it has come back with", () => {
    const world = talking();
    world.feed({ kind: "browser-found", leg: leg("a"), bridge: "5", socket: "s2" });
    world.kill("us-east");
    world.event("eu-west", { kind: "webrtc-leg-ready", leg: leg("a"), localSdp: sdp("gCCC") });
    expect(world.sip.at(-1)?.socket).toBe("s2");
  });

  it("never has its index limit lowered, and an ordered adoption spends the adopter's first step", () => {
    const world = talking();
    const limit = (): number => {
      const caller = world.caller();
      return caller?.kind === "browser" ? (caller.media?.outgoing.indexLimit ?? 0) : 0;
    };
    world.event("us-east", { kind: "lease-wanted", leg: leg("a"), lease: { ...media.outgoing, indexLimit: 58_000 } });
    world.event("us-east", { kind: "webrtc-leg-secured", leg: leg("a"), media });
    expect(limit()).toBe(58_000);
    world.kill("us-east");
    const adopt = world.commands.find((entry) => entry.command.kind === "adopt-webrtc-leg")?.command;
    expect(adopt?.kind === "adopt-webrtc-leg" ? adopt.media.outgoing.indexLimit : 0).toBe(58_000);
    expect(limit()).toBe(59_500);
  });

  it("gets a leased block before it is used: the grant follows the stored wish", () => {
    const world = talking();
    world.event("us-east", {
      kind: "lease-wanted",
      leg: leg("a"),
      lease: { ssrc: 7, indexLimit: 58_000, timestamp: 1, atMs: 2 },
    });
    expect(world.told()).toEqual(["us-east: grant-lease a"]);
    const caller = world.caller();
    expect(caller?.kind === "browser" ? caller.media?.outgoing.indexLimit : 0).toBe(58_000);
  });
});
