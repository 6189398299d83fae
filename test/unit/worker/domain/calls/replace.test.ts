import { describe, expect, it } from "vitest";
import type { CallLeg } from "../../../../../worker/domain/calls/call-state.ts";
import { summarizeCall } from "../../../../../worker/domain/calls/call-record.ts";
import { ACCOUNT, DOMAIN, capsule, instanceOf, phoneRoute } from "./call-world.ts";
import type { CallWorld } from "./call-world.ts";
import type { PeerKind } from "./talking-pair.ts";
import {
  answerAs,
  browserInvite,
  browserSays,
  browserSdp,
  endpoint,
  hangUp,
  holderOf,
  legId,
  refer,
  talkingPair,
} from "./talking-pair.ts";

const KINDS: readonly PeerKind[] = ["phone", "browser"];
const COURSES = KINDS.flatMap((was) =>
  KINDS.flatMap((becomes) => (["a", "b1"] as const).map((side) => ({ was, becomes, side }))),
);

const legOf = (world: CallWorld, leg: string): CallLeg => {
  const found = world.state?.legs.find((entry) => entry.leg === leg);
  if (found === undefined) throw new Error(`no leg ${leg}`);
  return found;
};

/** Each phone leg has a dialog of its own, as it would. */
function distinct(world: CallWorld): CallWorld {
  for (const leg of world.state?.legs ?? []) {
    if (leg.kind !== "phone" || leg.capsule === undefined) continue;
    const localTag = `${world.state?.token ?? ""}.${leg.leg}`;
    leg.capsule = {
      ...leg.capsule,
      dialog: { ...leg.capsule.dialog, callId: `c-${leg.leg}`, localTag, remoteTag: `p-${leg.leg}` },
    };
  }
  return world;
}

/** The Replaces value of the leg's peer. */
function replacesOf(world: CallWorld, leg: string): string {
  const found = legOf(world, leg);
  const dialog = found.kind === "phone" ? found.capsule?.dialog : found.dialog;
  if (dialog === undefined) throw new Error(`${leg} has no dialog`);
  return `${dialog.callId};to-tag=${dialog.localTag};from-tag=${dialog.remoteTag ?? ""}`;
}

function phoneReplaces(world: CallWorld, replaces: string, identity = "alice", leg = "r7"): void {
  const from = world.address("ap-south");
  world.state?.parties.push({ ...from, instance: instanceOf("ap-south"), lastEvent: 0, lastCommand: 0, outbox: [] });
  world.event(
    "ap-south",
    {
      kind: "replace-received",
      leg: legId(leg),
      account: ACCOUNT,
      sipDomain: DOMAIN,
      from: endpoint(identity),
      replaces,
      flow: { transport: "udp", host: "127.0.0.1", port: 46_000 },
      capsule: capsule("ringing"),
    },
    1,
  );
}

function browserReplaces(world: CallWorld, replaces: string, identity = "alice", callId = "again-1"): void {
  world.browser(
    identity,
    "s9",
    browserInvite({ from: identity, to: "bob", callId, headers: [`Replaces: ${replaces}`] }),
  );
}

/** The new device is answered. */
function takesOver(world: CallWorld, kind: PeerKind, replaces: string, identity: string): string {
  if (kind === "phone") {
    phoneReplaces(world, replaces, identity);
    world.event("ap-south", { kind: "leg-changed", leg: legId("r7"), capsule: capsule("answered") });
    world.event("ap-south", { kind: "leg-confirmed", leg: legId("r7"), capsule: capsule("confirmed") });
    return "r7";
  }
  browserReplaces(world, replaces, identity);
  world.event(holderOf(world, "t1"), { kind: "webrtc-leg-ready", leg: legId("t1"), localSdp: browserSdp("gNEW") });
  browserSays(world, "t1", "ACK");
  return "t1";
}

describe.each(COURSES)("a $becomes that replaces the $was of side $side", ({ was, becomes, side }) => {
  const other = side === "a" ? "b1" : "a";
  const identity = side === "a" ? "alice" : "bob";

  function replaced(): { readonly world: CallWorld; readonly fresh: string } {
    const world = distinct(side === "a" ? talkingPair(was, "phone") : talkingPair("phone", was));
    return { world, fresh: takesOver(world, becomes, replacesOf(world, side), identity) };
  }

  it("is answered with the codec of the call and joined with the other, and the old device hears BYE", () => {
    const { world, fresh } = replaced();
    const old = legOf(world, side);
    expect(old.stage).toBe("ended");
    expect(legOf(world, fresh)).toMatchObject({ stage: "connected", codec: "PCMU", identity });
    const bye =
      world.sip.some(({ leg, text }) => leg === side && text.startsWith("BYE ")) ||
      world.commands.some(({ command }) => command.kind === "end-leg" && command.leg === side);
    expect(bye).toBe(true);
    const joins = world.commands.flatMap(({ command }) => (command.kind === "join-leg" ? [command] : [])).slice(-2);
    expect(new Set(joins.map(({ leg }) => leg))).toEqual(new Set([fresh, other]));
    expect(world.state?.status).toBe("in-progress");
    expect(legOf(world, other).stage).not.toBe("ended");
  });

  it("ends the call when it hangs up, and is hung up by the other", () => {
    const { world, fresh } = replaced();
    hangUp(world, fresh, becomes);
    expect(legOf(world, other).stage).toBe("ended");
    expect(world.state?.status).toBe("completed");
    const second = replaced();
    hangUp(second.world, other, "phone");
    expect(legOf(second.world, second.fresh).stage).toBe("ended");
  });

  it("moves with its gateway, and may transfer", () => {
    const { world, fresh } = replaced();
    const home = holderOf(world, fresh);
    world.kill(home);
    expect(holderOf(world, fresh)).not.toBe(home);
    refer(world, fresh, becomes, "<sip:carol@demo.nearside.test>");
    world.located(phoneRoute("hers", "eu-west"));
    answerAs(world, world.state?.legs.at(-1)?.leg ?? "", "phone");
    expect(legOf(world, fresh).stage).toBe("ended");
    expect(world.state?.status).toBe("in-progress");
  });
});

describe("an INVITE with Replaces", () => {
  it.each([
    ["a dialog of this call that nobody has", "x;to-tag=1;from-tag=2", "alice", 481],
    ["somebody else's dialog", undefined, "bob", 403],
    ["an early dialog only", "early", "alice", 486],
    ["one tag", "x;to-tag=1", "alice", 400],
  ])("that names %s is refused, logged and counted, and the two talk on", (_what, given, identity, status) => {
    for (const kind of KINDS) {
      const world = distinct(talkingPair("phone", "phone"));
      const own = replacesOf(world, "a");
      const value = given === undefined ? own : given === "early" ? `${own};early-only` : given;
      if (kind === "phone") phoneReplaces(world, value, identity);
      else browserReplaces(world, value, identity);
      const refusal = world.commands.find(({ command }) => command.kind === "reject-leg")?.command;
      if (kind === "phone") expect(refusal).toMatchObject({ leg: "r7", status });
      else expect(world.said().at(-1)).toMatch(new RegExp(`^t1: SIP/2.0 ${status}`));
      expect(world.events()).toContain("leg.replacement-refused");
      expect(world.effects).toContainEqual({
        kind: "count",
        name: expect.stringMatching(/^call\.replacement-refused\./),
      });
      expect(world.state?.legs.map(({ stage }) => stage)).toEqual(["connected", "connected"]);
    }
  });

  it("is taken with our tag in either place", () => {
    const world = distinct(talkingPair("browser", "phone"));
    const [callId, to, from] = replacesOf(world, "a").split(/;(?:to|from)-tag=/);
    browserReplaces(world, `${callId ?? ""};to-tag=${from ?? ""};from-tag=${to ?? ""}`);
    expect(world.events()).toContain("leg.replacing");
  });

  it("to a call that is over gets 603", () => {
    const world = distinct(talkingPair("browser", "phone"));
    const value = replacesOf(world, "a");
    hangUp(world, "b1", "phone");
    browserReplaces(world, value);
    expect(world.said().at(-1)).toBe("t1: SIP/2.0 603 Decline");
  });

  it("without the codec of the call gets 488", () => {
    const world = distinct(talkingPair("browser", "phone"));
    const value = replacesOf(world, "a");
    const text = browserInvite({ from: "alice", to: "bob", callId: "again", headers: [`Replaces: ${value}`] })
      .replace("RTP/SAVPF 0 8 126", "RTP/SAVPF 9 8 126")
      .replace("a=rtpmap:0 PCMU/8000", "a=rtpmap:9 G722/8000");
    world.browser("alice", "s9", text);
    expect(world.said().at(-1)).toBe("t1: SIP/2.0 488 Not Acceptable Here");
  });

  it("is answered once however often its bridge hands it over", () => {
    const world = distinct(talkingPair("browser", "phone"));
    const value = replacesOf(world, "a");
    browserReplaces(world, value);
    const text = browserInvite({ from: "alice", to: "bob", callId: "again-1" });
    world.browser("alice", "s9", text);
    world.event(holderOf(world, "t1"), { kind: "webrtc-leg-ready", leg: legId("t1"), localSdp: browserSdp("gNEW") });
    world.browser("alice", "s9", text);
    const answers = world.sip.filter(({ leg, text: sent }) => leg === "t1" && sent.startsWith("SIP/2.0 200"));
    expect(answers).toHaveLength(2);
    expect(world.state?.legs).toHaveLength(3);
  });

  it.each([
    [
      "its gateway refuses",
      (world: CallWorld) =>
        world.event(holderOf(world, "t1"), {
          kind: "webrtc-leg-refused",
          leg: legId("t1"),
          status: 503,
          reason: "full",
        }),
      503,
    ],
    ["its gateway dies", (world: CallWorld) => world.kill(holderOf(world, "t1")), 503],
    [
      "it is cancelled",
      (world: CallWorld) =>
        world.browser(
          "alice",
          "s9",
          browserInvite({ from: "alice", to: "bob", callId: "again-1" })
            .replace("INVITE sip", "CANCEL sip")
            .replace("CSeq: 1 INVITE", "CSeq: 1 CANCEL"),
        ),
      487,
    ],
    ["its socket closes", (world: CallWorld) => world.feed({ kind: "browser-gone", bridge: "3", socket: "s9" }), 487],
  ])("changes nothing when %s", (_what, fail, status) => {
    const world = distinct(talkingPair("browser", "phone"));
    browserReplaces(world, replacesOf(world, "a"));
    world.said();
    fail(world);
    expect(world.said()).toContainEqual(expect.stringMatching(new RegExp(`^t1: SIP/2.0 ${status}`)));
    expect(legOf(world, "t1").stage).toBe("ended");
    expect(legOf(world, "a").stage).toBe("connected");
    expect(world.state?.status).toBe("in-progress");
  });

  it("leaves a call whose other party hangs up meanwhile ended", () => {
    const world = distinct(talkingPair("browser", "phone"));
    browserReplaces(world, replacesOf(world, "a"));
    hangUp(world, "b1", "phone");
    expect(world.said()).toContainEqual(expect.stringMatching(/^t1: SIP\/2.0 487/));
    expect(world.state?.legs.every(({ stage }) => stage === "ended")).toBe(true);
  });

  it("of a page that was loaded again goes on with the same entry in the list of calls", () => {
    const world = distinct(talkingPair("phone", "browser"));
    takesOver(world, "browser", replacesOf(world, "b1"), "bob");
    if (world.state === undefined) throw new Error("no call");
    const summaries = summarizeCall(world.state);
    expect(summaries).toHaveLength(2);
    expect(summaries[1]).toMatchObject({ to: "client:bob", status: "in-progress" });
    expect(summaries[1]?.endedAtMs).toBeUndefined();
    hangUp(world, "a", "phone");
    expect(summarizeCall(world.state)[1]).toMatchObject({ status: "completed", endedAtMs: world.nowMs });
  });

  it("while a transfer is under way takes over the part of the leg in it", () => {
    for (const side of ["a", "b1"] as const) {
      const world = distinct(talkingPair("phone", "phone"));
      refer(world, "a", "phone", "<sip:carol@demo.nearside.test>");
      world.located(phoneRoute("hers", "eu-west"));
      const fresh = takesOver(world, "browser", replacesOf(world, side), side === "a" ? "alice" : "bob");
      answerAs(world, "b2", "phone");
      expect(legOf(world, side === "a" ? "b1" : fresh).stage).not.toBe("ended");
      expect(legOf(world, side === "a" ? fresh : "a").stage).toBe("ended");
      expect(world.state?.status).toBe("in-progress");
    }
  });
});
