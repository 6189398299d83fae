import { describe, expect, it } from "vitest";
import { callTag } from "#protocol/ids";
import type { LegId } from "#protocol/ids";
import { startInstructions } from "../../../../../worker/domain/instructions/instruction-machine.ts";
import { parseTwiml } from "../../../../../worker/domain/instructions/parse-twiml.ts";
import { CallWorld, DOMAIN, PHONE_AUDIO, PHONE_OFFER, TOKEN, capsule, phoneRoute } from "./call-world.ts";

const leg = (id: string): LegId => id as LegId;
const WITHOUT_EVENTS = PHONE_OFFER.replace(" 101", "").replace("a=rtpmap:101 telephone-event/8000\r\n", "");

function capsuleWith(remoteSdp: string): ReturnType<typeof capsule> {
  return { ...capsule("confirmed"), media: { kind: "rtp", remoteSdp, audio: PHONE_AUDIO } };
}

/** Two phones that talk; what each of them negotiated. */
function talking({ callee = PHONE_OFFER } = {}): CallWorld {
  const world = new CallWorld();
  world.phoneCalls("bob");
  world.located(phoneRoute("desk", "eu-west"), phoneRoute("kitchen", "eu-west"));
  world.event("eu-west", { kind: "leg-answered", leg: leg("b1"), capsule: capsuleWith(callee), audio: PHONE_AUDIO });
  world.event("us-east", { kind: "leg-confirmed", leg: leg("a"), capsule: capsule("confirmed") });
  world.told();
  world.commands = [];
  return world;
}

function pressed(world: CallWorld): readonly string[] {
  return world.commands.flatMap(({ gateway, command }) =>
    command.kind === "send-digit" ? [`${gateway}: ${command.leg} ${command.digit} ${command.durationMs}`] : [],
  );
}

describe("a key between phones", () => {
  it.each([
    { way: "media", to: "a phone with telephone-event", source: "rtp", callee: PHONE_OFFER, told: [] },
    { way: "media", to: "a phone without", source: "rtp", callee: WITHOUT_EVENTS, told: ["eu-west: b1 5 160"] },
    { way: "INFO", to: "a phone with", source: "info", callee: PHONE_OFFER, told: ["eu-west: b1 5 160"] },
    { way: "INFO", to: "a phone without", source: "info", callee: WITHOUT_EVENTS, told: ["eu-west: b1 5 160"] },
  ] as const)("by $way reaches $to once", ({ source, callee, told }) => {
    const world = talking({ callee });
    world.event("us-east", { kind: "digit-received", leg: leg("a"), digit: "5", source });
    expect(pressed(world)).toEqual(told);
  });

  it("goes from the callee to the caller too, for as long as it was pressed", () => {
    const world = talking();
    world.event("eu-west", { kind: "digit-received", leg: leg("b1"), digit: "*", source: "info", durationMs: 300 });
    expect(pressed(world)).toEqual(["us-east: a * 300"]);
  });

  it("of a device that lost the race, or of a call that is over, goes nowhere", () => {
    const world = talking();
    world.event("eu-west", { kind: "digit-received", leg: leg("b2"), digit: "1", source: "info" });
    world.event("us-east", { kind: "leg-ended", leg: leg("a"), cause: "bye" });
    world.event("eu-west", { kind: "digit-received", leg: leg("b1"), digit: "1", source: "info" });
    expect(pressed(world)).toEqual([]);
  });

  it("is counted in the log, one entry for those in a row, and never named", () => {
    const world = talking();
    for (const digit of ["4", "7", "1", "1"] as const)
      world.event("us-east", { kind: "digit-received", leg: leg("a"), digit, source: "rtp" });
    world.event("eu-west", { kind: "digit-received", leg: leg("b1"), digit: "9", source: "rtp" });
    const entries = world.state?.log.filter(({ event }) => event === "leg.digits") ?? [];
    expect(entries.map(({ leg: id, detail }) => `${id} ${detail}`)).toEqual(["a 4 so far", "b1 1 so far"]);
    expect(JSON.stringify(world.state)).not.toMatch(/"digit"/);
  });
});

describe("a key of a browser", () => {
  const browserSdp = (events: boolean): string =>
    [
      "v=0",
      "o=- 1 1 IN IP4 0.0.0.0",
      "s=-",
      "t=0 0",
      `m=audio 9 UDP/TLS/RTP/SAVPF 0${events ? " 126" : ""}`,
      "c=IN IP4 0.0.0.0",
      "a=ice-ufrag:uAAA",
      "a=ice-pwd:0123456789abcdef01234567",
      `a=fingerprint:sha-256 ${Array.from({ length: 32 }, () => "AA").join(":")}`,
      "a=rtcp-mux",
      ...(events ? ["a=rtpmap:126 telephone-event/8000"] : []),
      "",
    ].join("\r\n");

  function request(method: string, cseq: number, type: string, body: string, tagged = true): string {
    return [
      `${method} sip:bob@${DOMAIN} SIP/2.0`,
      `Via: SIP/2.0/WS x.invalid;branch=z9hG4bK${method}${cseq}`,
      `From: <sip:alice@${DOMAIN}>;tag=f1`,
      `To: <sip:bob@${DOMAIN}>${tagged ? `;tag=${callTag(TOKEN, leg("a"))}` : ""}`,
      "Call-ID: browser-1",
      `CSeq: ${cseq} ${method}`,
      "Max-Forwards: 70",
      "Contact: <sip:alice@x.invalid;transport=ws>",
      ...(body === "" ? [] : [`Content-Type: ${type}`]),
      `Content-Length: ${body.length}`,
      "",
      body,
    ].join("\r\n");
  }

  function browserTalks(events: boolean): CallWorld {
    const world = new CallWorld();
    world.browser("alice", "s1", request("INVITE", 1, "application/sdp", browserSdp(events), false));
    world.located(phoneRoute("desk", "us-east"));
    world.event("us-east", {
      kind: "leg-answered",
      leg: leg("b1"),
      capsule: capsuleWith(PHONE_OFFER),
      audio: PHONE_AUDIO,
    });
    world.event("us-east", { kind: "webrtc-leg-ready", leg: leg("a"), localSdp: browserSdp(true) });
    world.browser("alice", "s1", request("ACK", 1, "", ""));
    world.told();
    world.said();
    return world;
  }

  it("by INFO is answered and pressed at the phone's gateway", () => {
    const world = browserTalks(true);
    world.browser("alice", "s1", request("INFO", 2, "application/dtmf-relay", "Signal=8\r\nDuration=100\r\n"));
    expect(world.said()).toEqual(["a: SIP/2.0 200 OK"]);
    expect(pressed(world)).toEqual(["us-east: b1 8 100"]);
  });

  it.each([
    ["a malformed tone", "application/dtmf", "88", 400],
    ["another body", "text/plain", "8", 415],
  ])("by INFO with %s is refused, and the log says why", (_, type, body, status) => {
    const world = browserTalks(true);
    world.browser("alice", "s1", request("INFO", 2, type, body));
    expect(world.said()).toEqual([expect.stringContaining(`a: SIP/2.0 ${status} `)]);
    expect(pressed(world)).toEqual([]);
    expect(world.events()).toContain("info.refused");
  });

  it.each([
    { about: "its media", events: true, told: ["us-east: a 3 160"], said: [] },
    { about: "INFO where that has no events", events: false, told: [], said: [/^a: INFO sip:alice@x\.invalid/] },
  ])("comes to it by $about", ({ events, told, said }) => {
    const world = browserTalks(events);
    world.event("us-east", { kind: "digit-received", leg: leg("b1"), digit: "3", source: "info" });
    expect(pressed(world)).toEqual(told);
    expect(world.said()).toEqual(said.map((line) => expect.stringMatching(line)));
  });
});

describe("the star in a Dial", () => {
  /** A caller who talks with bob by this document. */
  function dialled(document: string): CallWorld {
    const world = new CallWorld();
    world.phoneCalls("music");
    const parsed = parseTwiml(`<Response>${document}</Response>`);
    if (!parsed.ok || world.state === undefined) throw new Error("the test's document");
    const { state, actions } = startInstructions(parsed.document);
    world.state.instructions = state;
    world.state.actions = actions.filter(({ kind }) => kind !== "answer");
    world.feed({ kind: "retry-adoption" });
    world.located(phoneRoute("desk", "us-east"));
    world.event("us-east", { kind: "leg-answered", leg: leg("b1"), capsule: capsule("confirmed"), audio: PHONE_AUDIO });
    world.told();
    return world;
  }
  const press = (world: CallWorld, id: string, digit: "*" | "1", source: "rtp" | "info" = "rtp"): void =>
    world.event("us-east", { kind: "digit-received", leg: leg(id), digit, source });

  it.each(["rtp", "info"] as const)(
    "parts the caller with the callee when it says so, by %s, and the document goes on",
    (source) => {
      const world = dialled('<Dial hangupOnStar="true"><Client>bob</Client></Dial><Hangup/>');
      press(world, "a", "1");
      press(world, "b1", "*");
      expect(world.told()).toEqual([]);
      press(world, "a", "*", source);
      expect(world.told()).toContain("us-east: end-leg b1");
      expect(world.state).toMatchObject({ status: "completed", endCause: "hangup" });
    },
  );

  it("is a key like any other when it does not", () => {
    const world = dialled("<Dial><Client>bob</Client></Dial>");
    press(world, "a", "*");
    expect(world.state?.endedAtMs).toBeUndefined();
  });
});
