/** A number that an application answers: what it is asked, and what becomes of its documents. */
import { describe, expect, it } from "vitest";
import type { CalleePlan } from "../../../../../worker/domain/accounts/callee-plan.ts";
import { DEFAULT_SETTINGS } from "../../../../../worker/domain/accounts/callee-plan.ts";
import type {
  ApplicationAnswer,
  ApplicationRequest,
} from "../../../../../worker/domain/instructions/application-request.ts";
import { ACCOUNT, CallWorld, phoneRoute } from "./call-world.ts";
import { answers, following, leg, locatedAs } from "./document-world.ts";

const NUMBER: CalleePlan = {
  number: {
    number: "+15550100",
    voiceUrl: "https://app.test/voice?key=1",
    voiceMethod: "POST",
    voiceFallbackUrl: "https://app.test/fallback",
    voiceFallbackMethod: "GET",
  },
};

function calling(dialled = "+1 (555) 0100", plan = NUMBER): CallWorld {
  const world = new CallWorld();
  world.phoneCalls(dialled);
  world.answerLocate({ known: false, routes: [], plan });
  return world;
}

function asked(world: CallWorld): ApplicationRequest {
  const effect = world.effects.findLast((one) => one.kind === "fetch");
  if (effect === undefined) throw new Error("no application was asked");
  return effect.request;
}

const requests = (world: CallWorld): number => world.effects.filter(({ kind }) => kind === "fetch").length;

function answer(world: CallWorld, given: string | Extract<ApplicationAnswer, { ok: false }>): void {
  const result: ApplicationAnswer =
    typeof given === "string" ? { ok: true, text: `<Response>${given}</Response>` } : given;
  world.feed({ kind: "application-answered", id: asked(world).id, answer: result });
}

describe("a call to a number with an application", () => {
  it("asks it, in any form in which the number is dialled, with what Twilio would say", () => {
    const world = calling();
    expect(world.effects).toContainEqual({ kind: "locate", group: 1, endpoint: "15550100" });
    expect(asked(world)).toMatchObject({
      url: "https://app.test/voice?key=1",
      method: "POST",
      parameters: {
        CallSid: world.state?.sid,
        AccountSid: ACCOUNT,
        ApiVersion: "2010-04-01",
        CallStatus: "ringing",
        Direction: "inbound",
        From: "client:alice",
        Caller: "client:alice",
        To: "+15550100",
        Called: "+15550100",
      },
      last: false,
    });
    expect(world.told()).toEqual([]);
    expect(JSON.stringify(world.state?.log)).not.toContain("key=1");
  });

  it("is found by its local form when nobody has that for a name", () => {
    const world = new CallWorld();
    const plan = { number: { ...NUMBER.number!, number: "+12025550100" } };
    world.phoneCalls("(202) 555-0100");
    world.answerLocate({ known: false, routes: [] });
    expect(world.effects).toContainEqual({ kind: "locate", group: 1, endpoint: "12025550100" });
    world.answerLocate({ known: false, routes: [], plan });
    expect(asked(world).parameters).toMatchObject({ To: "+12025550100" });
    const nobody = new CallWorld();
    nobody.phoneCalls("(202) 555-0100");
    nobody.answerLocate({ known: false, routes: [] });
    nobody.answerLocate({ known: false, routes: [] });
    expect(nobody.told()).toEqual(["us-east: reject-leg a 404"]);
  });

  it("is found by its local form in a Dial too", () => {
    const world = following("<Dial><Number>(202) 555-0100</Number></Dial>");
    world.answerLocate({ known: false, routes: [] });
    world.answerLocate({ known: false, routes: [], plan: NUMBER });
    expect(world.effects).toContainEqual({ kind: "locate", group: 1, endpoint: "12025550100" });
    expect(asked(world).parameters).toMatchObject({ CallStatus: "in-progress" });
  });

  it("does what the document says, and tells its action how the Dial ended", () => {
    const world = calling();
    answer(world, '<Dial action="/done" method="GET" timeLimit="600"><Client>bob</Client></Dial>');
    locatedAs(world, "bob", phoneRoute("desk", "us-east"));
    answers(world, "b1");
    world.nowMs += 12_400;
    world.event("us-east", { kind: "leg-ended", leg: leg("b1"), cause: "bye" });
    expect(asked(world)).toMatchObject({
      url: "https://app.test/done",
      method: "GET",
      parameters: {
        CallStatus: "in-progress",
        DialCallStatus: "completed",
        DialCallSid: world.state?.legs[1]?.sid,
        DialCallDuration: "12",
        DialBridged: "true",
      },
    });
    answer(world, "<Hangup/>");
    expect(world.state).toMatchObject({ status: "completed", endCause: "hangup" });
  });

  it("tells the action even when the caller has hung up, and does nothing more", () => {
    for (const answered of [true, false]) {
      const world = calling();
      answer(world, '<Dial action="/done"><Client>bob</Client></Dial>');
      locatedAs(world, "bob", phoneRoute("desk", "us-east"));
      if (answered) answers(world, "b1");
      world.told();
      world.event("us-east", { kind: "leg-ended", leg: leg("a"), cause: "bye" });
      expect(asked(world)).toMatchObject({
        last: true,
        parameters: { CallStatus: "completed", DialCallStatus: answered ? "completed" : "canceled" },
      });
      expect(world.told()).toHaveLength(1);
      answer(world, "<Echo/>");
      expect(world.told()).toEqual([]);
    }
  });

  it.each<[string, string | Extract<ApplicationAnswer, { ok: false }>, string]>([
    ["fails", { ok: false, code: 11200, detail: "500" }, "11200"],
    ["serves no document", "<Response>", "12100"],
  ])("asks the other URL once when the first %s", (_, given, code) => {
    const world = calling();
    answer(world, given);
    expect(asked(world)).toMatchObject({
      url: "https://app.test/fallback",
      method: "GET",
      parameters: { ErrorCode: code, ErrorUrl: "https://app.test/voice?key=1" },
    });
    answer(world, given);
    expect(requests(world)).toBe(2);
    expect(world.told()).toEqual(["us-east: reject-leg a 500"]);
    expect(world.state).toMatchObject({ status: "failed" });
  });

  it("does not listen to an answer that comes late", () => {
    const world = calling();
    const { id } = asked(world);
    answer(world, { ok: false, code: 11200, detail: "503" });
    world.feed({ kind: "application-answered", id, answer: { ok: true, text: "<Response><Echo/></Response>" } });
    expect(world.told()).toEqual([]);
  });

  it("is reached by forwarding too, and learns from whom", () => {
    const world = new CallWorld();
    world.phoneCalls("bob");
    world.answerLocate({
      known: true,
      routes: [],
      plan: { settings: { ...DEFAULT_SETTINGS, forward: { unreachable: "+15550100" } } },
    });
    world.answerLocate({ known: false, routes: [], plan: NUMBER });
    expect(asked(world).parameters).toMatchObject({ To: "+15550100", ForwardedFrom: "client:bob" });
    answer(world, "<Reject/>");
    expect(world.told()).toEqual(["us-east: reject-leg a 404"]);
  });

  it("ends numbers that dial each other", () => {
    const world = calling();
    for (let round = 0; round < 120 && world.state?.endedAtMs === undefined; round += 1) {
      answer(world, '<Dial answerOnBridge="true"><Number>+15550100</Number></Dial>');
      if (world.state?.endedAtMs === undefined) world.answerLocate({ known: false, routes: [], plan: NUMBER });
    }
    expect(world.state).toMatchObject({ status: "failed" });
  });
});

describe("a document", () => {
  it("waits for a pause before the answer, ringing, and after it", () => {
    const world = calling();
    answer(world, '<Pause length="3"/><Echo/>');
    expect(world.told()).toEqual(["us-east: ring-leg a"]);
    world.wait(2_999);
    expect(world.told()).toEqual([]);
    world.wait(1);
    expect(world.told()).toEqual(["us-east: answer-leg a", "us-east: join-leg a echo"]);
    const later = following('<Pause length="60"/><Hangup/>');
    later.wait(60_000);
    expect(later.told()).toEqual(["us-east: end-leg a"]);
  });

  it("gives nobody up before its Dial's timeout, and then goes on", () => {
    const world = following('<Dial timeout="12"><Client>bob</Client></Dial><Echo/>');
    world.located(phoneRoute("desk", "us-east"));
    world.told();
    world.wait(11_999);
    expect(world.told()).toEqual([]);
    world.wait(1);
    expect(world.told()).toEqual(["us-east: cancel-leg b1", "us-east: join-leg a none", "us-east: join-leg a echo"]);
  });

  it("parts those who have talked as long as its Dial lets them", () => {
    const world = following('<Dial timeLimit="30"><Client>bob</Client></Dial>');
    world.located(phoneRoute("desk", "us-east"));
    answers(world, "b1");
    world.told();
    world.wait(30_000);
    expect(world.told()).toEqual(["us-east: end-leg b1", "us-east: join-leg a none", "us-east: end-leg a"]);
    expect(world.state).toMatchObject({ status: "completed", endCause: "hangup" });
  });

  it("that redirects to another one follows it", () => {
    const world = following("<Redirect>https://app.test/next</Redirect>");
    expect(asked(world)).toMatchObject({ url: "https://app.test/next", method: "POST" });
    answer(world, "<Unknown/><Redirect>then</Redirect>");
    expect(asked(world)).toMatchObject({ url: "https://app.test/then" });
    expect(world.state?.log.find(({ event }) => event === "document.problem")?.detail).toMatch(/^12200 at 1:11/);
  });
});
