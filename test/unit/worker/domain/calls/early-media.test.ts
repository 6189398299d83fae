import { describe, expect, it } from "vitest";
import { callTag } from "#protocol/ids";
import type { LegId } from "#protocol/ids";
import type { WebRtcLegMedia } from "#protocol/capsule";
import type { CodecName } from "#protocol/media";
import { startInstructions } from "../../../../../worker/domain/instructions/instruction-machine.ts";
import { parseTwiml } from "../../../../../worker/domain/instructions/parse-twiml.ts";
import { CallWorld, DOMAIN, PHONE_OFFER, TOKEN, capsule, phoneRoute } from "./call-world.ts";

const leg = (id: string): LegId => id as LegId;
const audioOf = (codec: CodecName) => ({ codec, payloadType: codec === "PCMU" ? 0 : 8 }) as const;

/** A phone that is rung: without SDP, or heard in this codec. */
function rings(world: CallWorld, id: string, gateway: string, codec?: CodecName, status = 183): void {
  const { media: _media, ...silent } = capsule("calling");
  const heard =
    codec === undefined
      ? silent
      : { ...silent, media: { kind: "rtp", remoteSdp: PHONE_OFFER, audio: audioOf(codec) } as const };
  world.event(gateway, { kind: "leg-ringing", leg: leg(id), status, capsule: heard });
}

function answers(world: CallWorld, id: string, gateway: string, codec: CodecName = "PCMU"): void {
  world.event(gateway, { kind: "leg-answered", leg: leg(id), capsule: capsule("confirmed"), audio: audioOf(codec) });
}

function dialled(...routes: ReturnType<typeof phoneRoute>[]): CallWorld {
  const world = new CallWorld();
  world.phoneCalls("bob");
  world.located(...routes);
  world.told();
  world.commands = [];
  return world;
}

const earlyCodecs = (world: CallWorld) =>
  world.commands.flatMap(({ command }) => (command.kind === "ring-leg" ? [command.earlyCodec ?? "none"] : []));

describe("early media of a phone", () => {
  it.each([180, 183])("in a %d is joined to the caller before the answer, with its codec, and told once", (status) => {
    const world = dialled(phoneRoute("desk", "eu-west"));
    rings(world, "b1", "eu-west", "PCMA", status);
    expect(earlyCodecs(world)).toEqual(["PCMA"]);
    expect(world.told()).toEqual([
      "us-east: ring-leg a",
      "us-east: join-leg a trunk:eu-west",
      "eu-west: join-leg b1 trunk:us-east",
    ]);
    expect(world.state?.status).toBe("ringing");
    rings(world, "b1", "eu-west", undefined, 180);
    expect(world.told()).toEqual([]);
    answers(world, "b1", "eu-west", "PCMA");
    expect(world.told()).toEqual([
      "eu-west: confirm-leg b1",
      "us-east: answer-leg a",
      "us-east: join-leg a trunk:eu-west",
      "eu-west: join-leg b1 trunk:us-east",
    ]);
    expect(world.events()).toContain("leg.early-media");
  });

  it("after it rang without turns the caller's own ringback into it", () => {
    const world = dialled(phoneRoute("desk", "us-east"));
    rings(world, "b1", "us-east", undefined, 180);
    expect(earlyCodecs(world)).toEqual(["none"]);
    world.told();
    rings(world, "b1", "us-east", "PCMU");
    expect(world.told()).toEqual(["us-east: ring-leg a", "us-east: join-leg a local", "us-east: join-leg b1 local"]);
  });

  it("that is not there leaves 180 and the caller's own ringback", () => {
    const world = dialled(phoneRoute("desk", "us-east"));
    rings(world, "b1", "us-east", undefined, 183);
    expect(earlyCodecs(world)).toEqual(["none"]);
    expect(world.told()).toEqual(["us-east: ring-leg a"]);
  });

  it("is passed on from the first of several devices only, and the winner's audio takes its place", () => {
    const world = dialled(phoneRoute("desk", "us-east"), phoneRoute("kitchen", "us-east"));
    rings(world, "b1", "us-east", "PCMU");
    rings(world, "b2", "us-east", "PCMU");
    expect(world.told()).toEqual(["us-east: ring-leg a", "us-east: join-leg a local", "us-east: join-leg b1 local"]);
    answers(world, "b2", "us-east");
    expect(world.told()).toEqual([
      "us-east: confirm-leg b2",
      "us-east: cancel-leg b1",
      "us-east: answer-leg a",
      "us-east: join-leg a local",
      "us-east: join-leg b2 local",
    ]);
    const joins = world.state?.parties[0]?.outbox.flatMap(({ command }) =>
      command.kind === "join-leg" && command.leg === "a" && command.join.kind === "local" ? [command.join.leg] : [],
    );
    expect(joins).toEqual(["b1", "b2"]);
  });

  it("that ends with a refusal leaves a ringback in its place while another device rings, then its audio", () => {
    const world = dialled(phoneRoute("desk", "us-east"), phoneRoute("kitchen", "us-east"));
    rings(world, "b1", "us-east", "PCMU");
    world.told();
    world.event("us-east", { kind: "leg-failed", leg: leg("b1"), status: 486, reason: "Busy Here" });
    const last = world.commands.at(-1)?.command;
    expect(last).toMatchObject({ kind: "join-leg", leg: "a", join: { kind: "player", source: "ringback-us" } });
    world.told();
    rings(world, "b2", "us-east", "PCMU");
    expect(world.told()).toEqual(["us-east: join-leg a local", "us-east: join-leg b2 local"]);
    rings(world, "b2", "us-east", "PCMA");
    expect(world.told()).toEqual([]);
  });

  it("ends with the call when the caller gives up", () => {
    const world = dialled(phoneRoute("desk", "us-east"));
    rings(world, "b1", "us-east", "PCMU");
    world.told();
    world.event("us-east", { kind: "leg-cancelled", leg: leg("a") });
    expect(world.told()).toEqual(["us-east: reject-leg a 487", "us-east: cancel-leg b1"]);
  });

  it("lets keys through in both directions", () => {
    const world = dialled(phoneRoute("desk", "us-east"));
    rings(world, "b1", "us-east", "PCMU");
    world.told();
    world.event("us-east", { kind: "digit-received", leg: leg("a"), digit: "1", source: "info" });
    expect(world.told()).toEqual(["us-east: send-digit b1"]);
  });
});

describe("early media in a Dial", () => {
  it("takes the place of the ringback for a caller who has been answered, and gives it back when it ends", () => {
    const world = new CallWorld();
    world.phoneCalls("music");
    const parsed = parseTwiml("<Response><Dial><Client>bob</Client></Dial></Response>");
    if (!parsed.ok || world.state === undefined) throw new Error("the test's document");
    const { state, actions } = startInstructions(parsed.document);
    world.state.instructions = state;
    world.state.actions = actions.filter(({ kind }) => kind !== "answer");
    world.feed({ kind: "retry-adoption" });
    world.located(phoneRoute("desk", "us-east"), phoneRoute("kitchen", "us-east"));
    world.told();
    rings(world, "b1", "us-east", "PCMA");
    expect(world.told()).toEqual([]);
    rings(world, "b2", "us-east", "PCMU");
    expect(world.told()).toEqual(["us-east: join-leg a local", "us-east: join-leg b2 local"]);
    world.event("us-east", { kind: "leg-failed", leg: leg("b2"), status: 486, reason: "Busy Here" });
    expect(world.commands.at(-1)?.command).toMatchObject({ join: { kind: "player", source: "ringback-us" } });
    world.told();
    answers(world, "b1", "us-east");
    expect(world.told()).toContain("us-east: join-leg b1 local");
  });
});

describe("the stream between two gateways", () => {
  it("has another name for each callee that is heard, as its keys are used once", () => {
    const world = dialled(phoneRoute("desk", "eu-west"), phoneRoute("kitchen", "eu-west"));
    const names = new Set([world.state?.trunkStream]);
    rings(world, "b1", "eu-west", "PCMU");
    expect(world.state?.trunkStream).toBe([...names][0]);
    world.event("eu-west", { kind: "leg-failed", leg: leg("b1"), status: 486, reason: "Busy Here" });
    rings(world, "b2", "eu-west", "PCMU");
    names.add(world.state?.trunkStream);
    answers(world, "b2", "eu-west");
    expect(world.state?.trunkStream).toBe([...names][1]);
    expect(names.size).toBe(2);

    const other = dialled(phoneRoute("desk", "eu-west"), phoneRoute("kitchen", "eu-west"));
    rings(other, "b1", "eu-west", "PCMU");
    const early = other.state?.trunkStream;
    answers(other, "b2", "eu-west");
    expect(other.state?.trunkStream).not.toBe(early);
  });
});

describe("the death of a gateway in early media", () => {
  it("of the caller: another one gives its early media, and answers", () => {
    const world = dialled(phoneRoute("desk", "eu-west"));
    rings(world, "b1", "eu-west", "PCMU");
    world.told();
    world.kill("us-east");
    expect(earlyCodecs(world)).toEqual(["PCMU"]);
    const [adopter] = world.commands.map(({ gateway }) => gateway);
    expect(world.told().filter((line) => !line.startsWith("eu-west: join"))).toEqual([
      `${adopter}: adopt-leg a ringing`,
      `${adopter}: ring-leg a`,
      ...(adopter === "eu-west" ? [] : [`${adopter}: join-leg a trunk:eu-west`]),
    ]);
    answers(world, "b1", "eu-west");
    expect(world.told()).toContain(`${adopter}: answer-leg a`);
  });

  it("of the callee: the caller hears a ringback until the phone, rung again, is heard or answers", () => {
    const world = dialled(phoneRoute("desk", "eu-west"));
    rings(world, "b1", "eu-west", "PCMU");
    world.told();
    world.kill("eu-west");
    const told = world.told();
    expect(told).toContain("us-east: join-leg a player");
    expect(told.some((line) => line.endsWith(": invite-leg b2"))).toBe(true);
    const gateway = world.state?.legs.find(({ leg: id }) => id === "b2")?.holder ?? "";
    answers(world, "b2", gateway);
    expect(world.told()).toContain("us-east: answer-leg a");
    expect(world.state?.status).toBe("in-progress");
  });
});

const sdp = (ufrag: string): string =>
  [
    "v=0",
    "o=- 1 1 IN IP4 0.0.0.0",
    "s=-",
    "t=0 0",
    "m=audio 9 UDP/TLS/RTP/SAVPF 0 8 126",
    "c=IN IP4 0.0.0.0",
    `a=ice-ufrag:${ufrag}`,
    "a=ice-pwd:0123456789abcdef01234567",
    `a=fingerprint:sha-256 ${Array.from({ length: 32 }, () => "AA").join(":")}`,
    "a=rtcp-mux",
    "a=rtpmap:126 telephone-event/8000",
    "",
  ].join("\r\n");

function fromBrowser(method: string, body = "", tagged = true): string {
  return [
    `${method} sip:bob@${DOMAIN} SIP/2.0`,
    `Via: SIP/2.0/WS x.invalid;branch=z9hG4bK${method}`,
    `From: <sip:alice@${DOMAIN}>;tag=f1`,
    `To: <sip:bob@${DOMAIN}>${tagged ? `;tag=${callTag(TOKEN, leg("a"))}` : ""}`,
    "Call-ID: browser-1",
    `CSeq: 1 ${method}`,
    "Max-Forwards: 70",
    "Contact: <sip:alice@x.invalid;transport=ws>",
    ...(body === "" ? [] : ["Content-Type: application/sdp"]),
    `Content-Length: ${body.length}`,
    "",
    body,
  ].join("\r\n");
}

const secured: WebRtcLegMedia = {
  kind: "webrtc",
  localSdp: sdp("gAAA"),
  remoteSdp: sdp("uAAA"),
  audio: { codec: "PCMU", payloadType: 0 },
  sealed: "s",
  peer: { host: "127.0.0.1", port: 9 },
  outgoing: { ssrc: 1, indexLimit: 5, timestamp: 0, atMs: 0 },
};

describe("early media for a browser", () => {
  function early(): CallWorld {
    const world = new CallWorld();
    world.browser("alice", "s1", fromBrowser("INVITE", sdp("uAAA"), false));
    world.located(phoneRoute("desk", "us-east"));
    world.told();
    rings(world, "b1", "us-east", "PCMU");
    return world;
  }
  const ready = (world: CallWorld, ufrag: string, gateway = "us-east"): void =>
    world.event(gateway, { kind: "webrtc-leg-ready", leg: leg("a"), localSdp: sdp(ufrag) });
  const sdpSaid = (world: CallWorld): string => /a=ice-ufrag:(\S+)/.exec(world.sip.at(-1)?.text ?? "")?.[1] ?? "none";

  it("is a 183 with its gateway's SDP, and its 200 says the same", () => {
    const world = early();
    expect(world.commands[0]?.command).toMatchObject({ kind: "open-webrtc-leg", early: true, codecs: ["PCMU"] });
    expect(world.told()).toEqual(["us-east: open-webrtc-leg a"]);
    expect(world.said()).toEqual([]);
    ready(world, "gAAA");
    expect(sdpSaid(world)).toBe("gAAA");
    expect(world.said()).toEqual(["a: SIP/2.0 183 Session Progress"]);
    expect(world.told()).toEqual(["us-east: join-leg a local", "us-east: join-leg b1 local"]);
    answers(world, "b1", "us-east");
    const open = world.commands.find(({ command }) => command.kind === "open-webrtc-leg")?.command;
    expect(open).not.toHaveProperty("early");
    ready(world, "gAAA");
    expect(sdpSaid(world)).toBe("gAAA");
    expect(world.said()).toEqual(["a: SIP/2.0 200 OK"]);
    world.browser("alice", "s1", fromBrowser("ACK"));
    expect(world.said()).toEqual([]);
  });

  it.each([
    { about: "before it did anything about it", media: undefined, command: "open-webrtc-leg" },
    { about: "after its DTLS", media: secured, command: "adopt-webrtc-leg" },
  ])(
    "moves when its gateway dies $about: the 200 repeats the answer, and a re-INVITE after the ACK tells",
    (course) => {
      const world = early();
      ready(world, "gAAA");
      if (course.media !== undefined)
        world.event("us-east", { kind: "webrtc-leg-secured", leg: leg("a"), media: course.media });
      world.said();
      world.told();
      world.kill("us-east");
      const adopter = world.caller()?.holder ?? "";
      expect(world.told()).toContain(`${adopter}: ${course.command} a`);
      ready(world, "gBBB", adopter);
      expect(world.said().filter((line) => line.startsWith("a:"))).toEqual([]);
      const callee = world.state?.legs.find(({ leg: id }) => id === "b2")?.holder ?? "";
      answers(world, "b2", callee);
      ready(world, "gBBB", adopter);
      expect(sdpSaid(world)).toBe("gAAA");
      expect(world.said()).toEqual(["a: SIP/2.0 200 OK"]);
      world.browser("alice", "s1", fromBrowser("ACK"));
      expect(sdpSaid(world)).toBe("gBBB");
      expect(world.said()).toEqual([expect.stringMatching(/^a: INVITE sip:alice@x\.invalid/)]);
    },
  );

  it("tells a winner's other codec by re-INVITE after the ACK", () => {
    const world = new CallWorld();
    world.browser("alice", "s1", fromBrowser("INVITE", sdp("uAAA"), false));
    world.located(phoneRoute("desk", "us-east"), phoneRoute("kitchen", "us-east"));
    rings(world, "b1", "us-east", "PCMU");
    ready(world, "gAAA");
    world.commands = [];
    answers(world, "b2", "us-east", "PCMA");
    expect(world.commands.find(({ command }) => command.kind === "open-webrtc-leg")?.command).toMatchObject({
      codecs: ["PCMA"],
    });
    ready(world, "gCCC");
    expect(sdpSaid(world)).toBe("gAAA");
    world.browser("alice", "s1", fromBrowser("ACK"));
    expect(sdpSaid(world)).toBe("gCCC");
  });

  it("that its gateway cannot give leaves 180, and the call is answered all the same", () => {
    const world = early();
    world.event("us-east", { kind: "webrtc-leg-refused", leg: leg("a"), status: 503, reason: "ports-exhausted" });
    expect(world.said()).toEqual(["a: SIP/2.0 180 Ringing"]);
    answers(world, "b1", "us-east");
    ready(world, "gAAA");
    expect(world.said()).toEqual(["a: SIP/2.0 200 OK"]);
  });

  it("whose connection is lost ends the call with an answer to its INVITE", () => {
    const world = early();
    ready(world, "gAAA");
    world.said();
    world.event("us-east", { kind: "leg-ended", leg: leg("a"), cause: "media-timeout" });
    expect(world.said()).toEqual(["a: SIP/2.0 487 Request Terminated"]);
    expect(world.told()).toContain("us-east: cancel-leg b1");
  });
});
