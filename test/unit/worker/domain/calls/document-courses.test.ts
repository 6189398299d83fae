/** Any course of a call that follows any document ends clean: no leg, no deadline and nobody ringing is left. */
import * as fc from "fast-check";
import { expect, it } from "vitest";
import { DEFAULT_SETTINGS } from "../../../../../worker/domain/accounts/callee-plan.ts";
import { nextDeadline } from "../../../../../worker/domain/calls/deadlines.ts";
import { unansweredEffects } from "../../../../../worker/domain/calls/unanswered-effects.ts";
import { browserRoute, CallWorld, capsule, PHONE_AUDIO, phoneRoute } from "./call-world.ts";
import { following, leg } from "./document-world.ts";

const NAMES = ["bob", "carol", "dave"] as const;
const target = fc.oneof(
  fc.constantFrom(...NAMES).map((name) => `<Client>${name}</Client>`),
  fc.constantFrom("<Number>+15550100</Number>", "<Sip>sip:bob@demo.nearside.test</Sip>", "<Sip>sip:x@else.test</Sip>"),
);
const dial = fc
  .record({ targets: fc.array(target, { minLength: 1, maxLength: 3 }), action: fc.boolean(), bridge: fc.boolean() })
  .map(
    ({ targets, action, bridge }) =>
      `<Dial timeLimit="40" timeout="30" answerOnBridge="${bridge}"${action ? ' action="https://app.test/a"' : ""}>${targets.join("")}</Dial>`,
  );
const verb = fc.oneof(
  { weight: 4, arbitrary: dial },
  {
    weight: 1,
    arbitrary: fc.constantFrom('<Pause length="4"/>', "<Say>x</Say>", "<Redirect>https://app.test/r</Redirect>"),
  },
);
const documents = fc.array(verb, { minLength: 1, maxLength: 4 }).map((verbs) => verbs.join(""));

type Step = (world: CallWorld) => void;

function locate(pick: number): Step {
  return (world) => {
    const open = (world.state?.groups ?? []).flatMap(({ id, targets, endedAtMs }) =>
      endedAtMs === undefined
        ? targets.filter(({ located }) => !located).map(({ identity }) => ({ group: id, endpoint: identity }))
        : [],
    );
    const asked = open[pick % Math.max(1, open.length)];
    if (asked === undefined) return;
    const [device, gateway] = [`${asked.endpoint}-${pick % 2}`, ["us-east", "eu-west"][pick % 2] ?? ""];
    const plans = [
      {},
      { plan: { settings: { ...DEFAULT_SETTINGS, forward: { busy: "carol", noAnswer: "dave" } } } },
      { plan: { settings: { ...DEFAULT_SETTINGS, doNotDisturb: true } } },
    ];
    const routes = [[phoneRoute(device, gateway)], [browserRoute(device, gateway)], []][(pick >> 1) % 3] ?? [];
    world.feed({ kind: "located", ...asked, known: pick % 5 !== 4, routes, ...plans[pick % plans.length] });
  };
}

function happen(pick: number, what: number): Step {
  return (world) => {
    const legs = (world.state?.legs ?? []).filter(
      ({ stage, holder, side }) => stage !== "ended" && holder !== undefined && (what > 3 || side === "callee"),
    );
    const one = legs[pick % Math.max(1, legs.length)];
    if (one?.holder === undefined) return;
    const common = { leg: leg(one.leg) };
    const phone = { ...common, capsule: capsule("confirmed") };
    switch (what) {
      case 0:
        return world.event(one.holder, { kind: "leg-ringing", ...common, status: 180 });
      case 1:
        world.event(one.holder, { kind: "leg-answered", ...phone, audio: PHONE_AUDIO });
        return;
      case 2:
        world.event(one.holder, {
          kind: "leg-failed",
          ...common,
          status: [486, 408, 503, 603][pick % 4] ?? 486,
          reason: "",
        });
        return;
      case 3:
        if (one.stage === "connected") world.event(one.holder, { kind: "leg-ended", ...common, cause: "bye" });
        return;
      default:
        return world.event(one.holder, { kind: "webrtc-leg-ready", ...common, localSdp: "v=0" });
    }
  };
}

const answer =
  (pick: number): Step =>
  (world) => {
    const id = world.state?.request?.id;
    if (id === undefined) return;
    const text =
      ["<Response><Dial><Client>bob</Client></Dial></Response>", "<Response/>", "no document"][pick % 3] ?? "";
    world.feed({
      kind: "application-answered",
      id,
      answer: pick % 4 === 3 ? { ok: false, code: 11200, detail: "" } : { ok: true, text },
    });
  };

const steps = fc.array(
  fc.oneof(
    fc.nat(20).map(locate),
    fc.tuple(fc.nat(20), fc.nat(4)).map(([pick, what]) => happen(pick, what)),
    fc.nat(20).map(answer),
    fc.nat(8_000).map(
      (milliseconds): Step =>
        (world) =>
          world.wait(milliseconds),
    ),
    fc.constantFrom("us-east", "eu-west").map(
      (gateway): Step =>
        (world) =>
          world.kill(gateway),
    ),
  ),
  { minLength: 15, maxLength: 60 },
);

it("any course of a call that follows a document ends clean", () => {
  fc.assert(
    fc.property(documents, steps, fc.boolean(), (document, course, answered) => {
      const world = answered ? following(document) : new CallWorld();
      if (!answered) {
        world.phoneCalls("bob");
        world.answerLocate({
          known: false,
          routes: [],
          plan: { number: { number: "+15550100", voiceUrl: "https://app.test/", voiceMethod: "POST" } },
        });
        const id = world.state?.request?.id ?? 0;
        world.feed({
          kind: "application-answered",
          id,
          answer: { ok: true, text: `<Response>${document}</Response>` },
        });
      }
      for (const step of course) step(world);
      const caller = world.state?.legs.find(({ side }) => side === "caller");
      // The caller goes: by BYE or CANCEL at its gateway, or because no gateway was left.
      if (caller?.holder !== undefined && caller.stage !== "ended")
        world.event(
          caller.holder,
          answered || caller.stage !== "ringing"
            ? { kind: "leg-ended", leg: leg("a"), cause: "bye" }
            : { kind: "leg-cancelled", leg: leg("a") },
        );
      else world.feed({ kind: "retry-adoption" });
      const { state } = world;
      if (state?.endedAtMs === undefined) return caller?.adoption !== undefined;
      expect(state.legs.filter(({ stage }) => stage !== "ended")).toEqual([]);
      expect(state.groups.filter(({ endedAtMs, news }) => endedAtMs === undefined || news !== undefined)).toEqual([]);
      expect(nextDeadline(state)).toBeUndefined();
      expect(unansweredEffects(state).filter(({ kind }) => kind === "locate")).toEqual([]);
      expect(state.log.filter(({ event }) => event === "call.ended")).toHaveLength(1);
      return true;
    }),
    { numRuns: 300 },
  );
});
