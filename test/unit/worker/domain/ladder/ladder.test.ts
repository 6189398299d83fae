import { describe, expect, it } from "vitest";
import type { LegId } from "#protocol/ids";
import { callTag } from "#protocol/ids";
import type { LadderMessage } from "#protocol/ladder";
import { LADDER_BATCH } from "#protocol/ladder";
import { LADDER_FIRST, LADDER_LAST } from "../../../../../worker/domain/calls/call-ladder.ts";
import { buildLadder } from "../../../../../worker/domain/ladder/build-ladder.ts";
import type { Ladder } from "../../../../../worker/domain/ladder/ladder.ts";
import { ladderText } from "../../../../../worker/domain/ladder/ladder-text.ts";
import { CallWorld, DOMAIN, PHONE_AUDIO, TOKEN, browserRoute, capsule, phoneRoute } from "../calls/call-world.ts";
import { browserInvite, talkingPair } from "../calls/talking-pair.ts";

const leg = (id: string): LegId => id as LegId;
const SDP = { codecs: ["PCMU", "PCMA"], direction: "sendrecv" } as const;
const STARTED = "2026-11-26 10:00:00";

type Said = Pick<LadderMessage, "sent" | "method" | "cseq"> & Partial<LadderMessage>;

function says(world: CallWorld, gateway: string, id: string, ...messages: readonly Said[]): void {
  const first = leg(id);
  world.event(gateway, {
    kind: "leg-signalling",
    leg: first,
    messages: messages.map((message) => ({ leg: first, atMs: world.nowMs, ...message })),
  });
}

function ladderOf(world: CallWorld): Ladder {
  if (world.state === undefined) throw new Error("there is no call");
  return buildLadder(world.state);
}

/** alice at us-east calls bob at eu-west; her gateway dies while they talk; bob hangs up. */
function outlivingCall(): CallWorld {
  const world = new CallWorld();
  world.phoneCalls("bob", "us-east");
  says(
    world,
    "us-east",
    "a",
    { sent: false, method: "INVITE", cseq: 1, atMs: world.nowMs - 6, sdp: SDP },
    { sent: true, method: "INVITE", cseq: 1, status: 407, atMs: world.nowMs - 5 },
    { sent: false, method: "ACK", cseq: 1, atMs: world.nowMs - 4 },
    { sent: false, method: "INVITE", cseq: 2, atMs: world.nowMs - 3, sdp: SDP },
    { sent: true, method: "INVITE", cseq: 2, status: 100, atMs: world.nowMs - 2 },
  );
  world.located(phoneRoute("bob-desk", "eu-west"));
  world.nowMs += 40;
  says(
    world,
    "eu-west",
    "b1",
    { sent: true, method: "INVITE", cseq: 1, sdp: SDP },
    { sent: true, method: "INVITE", cseq: 1, sdp: SDP, repeat: true, atMs: world.nowMs + 8 },
    { sent: false, method: "INVITE", cseq: 1, status: 180, atMs: world.nowMs + 10 },
  );
  world.nowMs += 10;
  world.event("eu-west", { kind: "leg-ringing", leg: leg("b1"), status: 180 });
  world.nowMs += 2_000;
  says(world, "eu-west", "b1", { sent: false, method: "INVITE", cseq: 1, status: 200, sdp: SDP });
  world.event("eu-west", { kind: "leg-answered", leg: leg("b1"), capsule: capsule("confirmed"), audio: PHONE_AUDIO });
  says(world, "us-east", "a", { sent: true, method: "INVITE", cseq: 2, status: 200, sdp: SDP, atMs: world.nowMs + 20 });
  world.nowMs += 30;
  says(world, "us-east", "a", { sent: false, method: "ACK", cseq: 2 });
  world.event("us-east", { kind: "leg-confirmed", leg: leg("a"), capsule: capsule("confirmed") });
  world.event("us-east", { kind: "media-flowing", leg: leg("a"), afterMs: 21 });
  world.nowMs += 5_000;
  world.kill("us-east");
  world.nowMs += 120;
  const adopter = world.state?.legs[0]?.holder ?? "";
  says(
    world,
    adopter,
    "a",
    { sent: true, method: "INVITE", cseq: 2001, sdp: SDP, atMs: world.nowMs - 20 },
    { sent: false, method: "INVITE", cseq: 2001, status: 200, sdp: SDP, atMs: world.nowMs - 10 },
    { sent: true, method: "ACK", cseq: 2001, atMs: world.nowMs - 9 },
  );
  world.event(adopter, { kind: "leg-adopted", leg: leg("a"), capsule: capsule("confirmed") });
  world.nowMs += 3_000;
  says(
    world,
    "eu-west",
    "b1",
    { sent: false, method: "BYE", cseq: 2 },
    { sent: true, method: "BYE", cseq: 2, status: 200 },
  );
  world.event("eu-west", { kind: "leg-ended", leg: leg("b1"), cause: "bye" });
  return world;
}

describe("the ladder of a call", () => {
  it("tells a call that outlived a gateway, message by message", async () => {
    await expect(ladderText(ladderOf(outlivingCall()), STARTED)).toMatchFileSnapshot("golden/outliving-call.txt");
  });

  it("has the gateways of a side in the order in which they carried it", () => {
    const { parties } = ladderOf(outlivingCall());
    expect(parties.map(({ id, name }) => `${id}: ${name}`)).toEqual([
      "caller: alice",
      "caller-gateway: us-east → eu-west",
      "worker: Worker",
      "callee-gateway: eu-west",
      "callee: bob",
    ]);
  });

  it("marks each move between gateways, and how long it took", () => {
    expect(ladderOf(outlivingCall()).moves).toEqual([
      {
        atMs: 7_086,
        leg: "a",
        from: "us-east",
        to: "eu-west",
        tookMs: 120,
        state: "done",
        text: "Gateway us-east died; eu-west took over alice's side after 120 ms.",
      },
    ]);
  });

  it("tells a re-INVITE from an INVITE, and one with credentials from the first", () => {
    const invites = ladderOf(outlivingCall()).entries.flatMap((entry) =>
      entry.kind === "message" && entry.method === "INVITE" && entry.status === undefined
        ? [`${entry.leg} ${entry.label}: ${entry.meaning}`]
        : [],
    );
    expect(invites).toEqual([
      "a INVITE: Asks to call somebody.",
      "a INVITE: Asks to call again, now with proof of who it is.",
      "b1 INVITE: Rings this device.",
      "b1 INVITE: The same as before, sent again because it may have been lost. Rings this device.",
      "a re-INVITE: Changes the running call: tells the device where the sound goes from now on. The call itself goes on.",
    ]);
  });

  it("keeps messages of whatever gateway took part, whoever holds the leg by then", () => {
    const world = outlivingCall();
    const before = world.state?.ladder?.messages.length ?? 0;
    world.feed({
      kind: "gateway-event",
      from: world.address("ap-south"),
      epoch: 0,
      event: {
        kind: "leg-signalling",
        leg: leg("a"),
        messages: [{ leg: leg("a"), atMs: 1, sent: true, method: "BYE", cseq: 9 }],
      },
    });
    expect(world.state?.ladder?.messages).toHaveLength(before + 1);
  });

  it("draws a number that the platform answers with three columns", async () => {
    const world = new CallWorld();
    world.phoneCalls("echo", "ap-south");
    says(
      world,
      "ap-south",
      "a",
      { sent: false, method: "INVITE", cseq: 1, sdp: SDP },
      { sent: true, method: "INVITE", cseq: 1, status: 200 },
    );
    expect(ladderOf(world).parties.map(({ id }) => id)).toEqual(["caller", "caller-gateway", "worker"]);
    await expect(ladderText(ladderOf(world), STARTED)).toMatchFileSnapshot("golden/number.txt");
  });

  it("is told for a call of the release before, which kept no messages", () => {
    const world = outlivingCall();
    if (world.state !== undefined) delete world.state.ladder;
    const { entries, omittedMessages } = ladderOf(world);
    expect(entries.every(({ kind }) => kind !== "message")).toBe(true);
    expect(omittedMessages).toBe(0);
  });
});

describe("a call that changes hands", () => {
  it("has the device that took another one's place on that one's side, its INVITE and 100 with it", () => {
    const world = talkingPair("browser", "browser");
    const dialog = world.state?.legs.flatMap((one) =>
      one.leg === "b1" && one.kind === "browser" ? [one.dialog] : [],
    )[0];
    const replaces = `${dialog?.callId};to-tag=${dialog?.localTag};from-tag=${dialog?.remoteTag}`;
    world.browser(
      "bob",
      "s9",
      browserInvite({ from: "bob", to: "alice", callId: "again-1", headers: [`Replaces: ${replaces}`] }),
    );
    const { legs, entries } = ladderOf(world);
    const fresh = world.state?.legs.find((one) => one.replaces === "b1")?.leg;
    expect(legs.find((one) => one.leg === fresh)?.side).toBe("callee");
    expect(
      entries.flatMap((entry) =>
        entry.kind === "message" && entry.leg === fresh ? [`${entry.from} > ${entry.to} ${entry.label}`] : [],
      ),
    ).toEqual(["callee > worker INVITE", "worker > callee 100 Trying"]);
  });

  it("tells of each endpoint that was rung why it was reached so", () => {
    const world = outlivingCall();
    expect(ladderOf(world).routing.map(({ to, sentence }) => `${to}: ${sentence}`)).toEqual([
      "bob: Rang bob's phone through eu-west. It came first because it is the only one.",
    ]);
  });
});

describe("what a call keeps of its signalling", () => {
  const many = (count: number, from = 0): readonly Said[] =>
    Array.from({ length: count }, (_, index) => ({ sent: true, method: "OPTIONS", cseq: from + index }));

  it("is the beginning and the end of a long call, and how many were left out between", () => {
    const world = new CallWorld();
    world.phoneCalls("bob");
    for (let batch = 0; batch < 10; batch += 1) says(world, "us-east", "a", ...many(50, batch * 50));
    const kept = world.state?.ladder?.messages.map(({ cseq }) => cseq) ?? [];
    expect(kept).toHaveLength(LADDER_FIRST + LADDER_LAST);
    expect(kept.slice(0, LADDER_FIRST)).toEqual(many(LADDER_FIRST).map(({ cseq }) => cseq));
    expect(kept.at(-1)).toBe(499);
    expect(ladderOf(world).omittedMessages).toBe(500 - LADDER_FIRST - LADDER_LAST);
    expect(ladderText(ladderOf(world), STARTED)).toContain("340 messages were left out.");
  });

  it("stays small whatever a gateway says", () => {
    const world = new CallWorld();
    world.phoneCalls("bob");
    const huge: Said = {
      sent: false,
      method: "X".repeat(10_000),
      cseq: 1,
      sdp: { codecs: Array.from({ length: 1_000 }, () => "Y".repeat(1_000)), direction: "sendrecv" },
    };
    for (let batch = 0; batch < 5; batch += 1)
      says(
        world,
        "us-east",
        "a",
        ...Array.from({ length: 2 * LADDER_BATCH }, () => ({ ...huge, unknownField: "z".repeat(1_000) })),
      );
    expect(JSON.stringify(world.state?.ladder).length).toBeLessThan(65_536);
  });

  it("counts what a gateway could not keep", () => {
    const world = new CallWorld();
    world.phoneCalls("bob");
    world.event("us-east", { kind: "leg-signalling", leg: leg("a"), messages: [], omitted: 7 });
    expect(ladderOf(world).omittedMessages).toBe(7);
  });

  it("changes nothing else of the call", () => {
    const world = new CallWorld();
    world.phoneCalls("bob");
    const { ladder: _none, ...before } = structuredClone(world.state) ?? {};
    world.effects = [];
    says(world, "us-east", "a", { sent: false, method: "INVITE", cseq: 1 });
    const { ladder: _some, ...after } = world.state ?? {};
    expect(after).toEqual(before);
    expect(world.effects).toEqual([]);
  });
});

function browserMessage(lines: readonly string[]): string {
  const sdp =
    "v=0\r\no=- 1 1 IN IP4 192.168.7.7\r\ns=-\r\nt=0 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 0\r\nc=IN IP4 192.168.7.7\r\na=ice-ufrag:uAAA\r\na=ice-pwd:0123456789abcdef01234567\r\n" +
    `a=fingerprint:sha-256 ${Array.from({ length: 32 }, () => "AA").join(":")}\r\na=setup:actpass\r\na=mid:0\r\na=rtcp-mux\r\na=candidate:1 1 udp 1 192.168.7.7 9 typ host\r\na=rtpmap:0 PCMU/8000\r\n`;
  return [...lines, "Content-Type: application/sdp", `Content-Length: ${sdp.length}`, "", sdp].join("\r\n");
}

describe("a browser's signalling", () => {
  const invite = browserMessage([
    `INVITE sip:bob@${DOMAIN} SIP/2.0`,
    "Via: SIP/2.0/WS x.invalid;branch=z9hG4bK1",
    `From: <sip:alice@${DOMAIN}>;tag=f1`,
    `To: <sip:bob@${DOMAIN}>`,
    "Call-ID: browser-1",
    "CSeq: 3 INVITE",
    "Authorization: Bearer eyJhbGciOiJIUzI1NiJ9.secret",
    "Max-Forwards: 70",
    "Contact: <sip:alice@192.168.7.7;transport=ws>",
  ]);

  it("passes the Call object, which keeps it: in, out, and the 100 of the bridge", () => {
    const world = new CallWorld();
    world.browser("alice", "s1", invite);
    world.located();
    expect(
      ladderOf(world).entries.flatMap((entry) =>
        entry.kind === "message" ? [`${entry.from} > ${entry.to} ${entry.label}`] : [],
      ),
    ).toEqual(["caller > worker INVITE", "worker > caller 100 Trying", "worker > caller 480 Temporarily Unavailable"]);
    world.browser(
      "alice",
      "s1",
      `ACK sip:x SIP/2.0\r\nVia: SIP/2.0/WS x.invalid;branch=z9hG4bK1\r\nFrom: <sip:alice@${DOMAIN}>;tag=f1\r\nTo: <sip:bob@${DOMAIN}>;tag=${callTag(TOKEN, leg("a"))}\r\nCall-ID: browser-1\r\nCSeq: 3 ACK\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n`,
    );
    expect(world.state?.ladder?.messages.at(-1)).toMatchObject({ method: "ACK", sent: false, via: "3" });
  });

  it("shows no address, no token, no key and no candidate", () => {
    const world = new CallWorld();
    world.browser("alice", "s1", invite);
    world.located(browserRoute("bob-laptop", "eu-west"), phoneRoute("bob-desk", "us-east"));
    const told = `${JSON.stringify(ladderOf(world))}${ladderText(ladderOf(world), STARTED)}`;
    for (const secret of ["192.168.7.7", "127.0.0.1", "eyJ", "secret", "AA:AA", "0123456789abcdef", "uAAA", TOKEN])
      expect(told).not.toContain(secret);
  });
});
