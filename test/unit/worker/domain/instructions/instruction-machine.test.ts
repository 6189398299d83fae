import { describe, expect, it } from "vitest";
import {
  advanceInstructions,
  startInstructions,
} from "../../../../../worker/domain/instructions/instruction-machine.ts";
import type {
  InstructionAction,
  InstructionInput,
  InstructionState,
} from "../../../../../worker/domain/instructions/instruction-state.ts";
import { parseTwiml } from "../../../../../worker/domain/instructions/parse-twiml.ts";

const URL = "https://app.example/voice/start?k=v";

/** One action as a line. */
function line(action: InstructionAction): string {
  switch (action.kind) {
    case "dial":
      return `dial ${action.targets.map((target) => target.kind).join("+")}${action.answerOnBridge ? " on-bridge" : ""}`;
    case "play":
      return `play ${action.url} x${action.loop}`;
    case "play-digits":
      return `play-digits ${action.digits} x${action.loop}`;
    case "say":
      return `say ${action.text}`;
    case "pause":
      return `pause ${action.seconds}`;
    case "fetch": {
      const parameters = Object.entries(action.parameters).map(([name, value]) => ` ${name}=${value}`);
      return `${action.last ? "last " : ""}fetch ${action.method} ${action.url}${parameters.join("")}`;
    }
    case "report":
      return `report ${action.url} ${action.problems.map(({ code }) => code).join(",")}`;
    case "reject":
      return `reject ${action.status} ${action.callStatus}${action.failure === undefined ? "" : ` ${action.failure}`}`;
    case "hangup":
      return `hangup${action.failure === undefined ? "" : ` ${action.failure}`}`;
    default:
      return action.kind;
  }
}

const media: InstructionInput = { kind: "media-ended" };
const pause: InstructionInput = { kind: "pause-ended" };
const gone: InstructionInput = { kind: "caller-gone" };
const failed: InstructionInput = { kind: "document-failed", code: 11200 };
function page(inner: string, url?: string): InstructionInput {
  return { kind: "document", text: `<Response>${inner}</Response>`, ...(url === undefined ? {} : { url }) };
}
function ended(
  outcome: "completed" | "answered" | "busy" | "no-answer" | "failed" | "canceled",
  more = {},
): InstructionInput {
  return { kind: "dial-ended", outcome, ...more };
}

/** The actions after the start and after each input. The state goes through JSON in between, as the Call object's does. */
function trace(
  inner: string,
  inputs: readonly InstructionInput[] = [],
  documentUrl: string | undefined = URL,
): string[][] {
  const result = parseTwiml(`<Response>${inner}</Response>`);
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  let step = startInstructions(result.document, documentUrl === undefined ? {} : { documentUrl });
  const steps = [step.actions.map(line)];
  for (const input of inputs) {
    step = advanceInstructions(JSON.parse(JSON.stringify(step.state)) as InstructionState, input);
    steps.push(step.actions.map(line));
  }
  return steps;
}

const BOB = "<Client>bob</Client>";

describe("the first verb", () => {
  it.each([
    ["<Say>Hi</Say>", ["answer", "say Hi"]],
    ["<Play>a.wav</Play>", ["answer", "play https://app.example/voice/a.wav x1"]],
    ['<Play digits="1w2" loop="2"/>', ["answer", "play-digits 1w2 x2"]],
    ["<Echo/>", ["answer", "echo"]],
    ["<Hangup/>", ["answer", "hangup"]],
    [`<Dial>${BOB}</Dial>`, ["answer", "dial client"]],
    [`<Dial answerOnBridge="true">${BOB}</Dial>`, ["dial client on-bridge"]],
    ['<Dial answerOnBridge="true"><Conference>r</Conference></Dial>', ["answer", "dial conference on-bridge"]],
    ['<Pause length="3"/>', ["pause 3"]],
    ["<Redirect>next</Redirect>", ["fetch POST https://app.example/voice/next"]],
    ["<Reject/>", ["reject 404 no-answer"]],
    ['<Reject reason="busy"/>', ["reject 486 busy"]],
    ["", ["answer", "hangup"]],
  ])("%s", (inner, actions) => {
    expect(trace(inner)).toEqual([actions]);
  });
});

describe("verbs", () => {
  it("follow each other, answer once, and the end of the document hangs up", () => {
    expect(trace('<Say>One</Say><Pause length="2"/><Play loop="3">/two</Play>', [media, pause, media])).toEqual([
      ["answer", "say One"],
      ["pause 2"],
      ["play https://app.example/two x3"],
      ["hangup"],
    ]);
  });

  it("keep the caller ringing through a pause at the beginning", () => {
    expect(trace('<Pause length="2"/><Say>Hi</Say>', [pause, media])).toEqual([
      ["pause 2"],
      ["answer", "say Hi"],
      ["hangup"],
    ]);
  });

  it("refuse with Reject as long as nobody has answered, and hang up after that", () => {
    expect(trace("<Pause/><Reject/>", [pause])).toEqual([["pause 1"], ["reject 404 no-answer"]]);
    expect(trace("<Redirect/>", [page('<Reject reason="busy"/>')])[1]).toEqual(["reject 486 busy"]);
    expect(trace("<Say>Hi</Say><Reject/>", [media])[1]).toEqual(["hangup"]);
  });

  it("after one that ends the call are never reached", () => {
    expect(trace("<Hangup/><Say>no</Say>", [media, pause, page("<Say>no</Say>"), ended("completed")])).toEqual([
      ["answer", "hangup"],
      [],
      [],
      [],
      [],
    ]);
    expect(trace("<Redirect/><Say>no</Say>", [media])[1]).toEqual([]);
    expect(trace("<Echo/><Say>no</Say>", [media, pause])).toEqual([["answer", "echo"], [], []]);
  });

  it("are not moved by inputs that they do not wait for", () => {
    const wrong = [pause, ended("busy"), page("<Hangup/>"), failed];
    expect(trace("<Say>Hi</Say>", [...wrong, media])).toEqual([["answer", "say Hi"], [], [], [], [], ["hangup"]]);
  });

  it("carry all that the owner needs", () => {
    const result = parseTwiml(
      '<Response><Dial timeout="9" timeLimit="60" callerId="client:x" hangupOnStar="true" ringTone="de"><Client>bob<Parameter name="a" value="b"/></Client><Sip>sip:k@h.example</Sip></Dial></Response>',
    );
    if (!result.ok) throw new Error("refused");
    expect(startInstructions(result.document).actions).toEqual([
      { kind: "answer" },
      {
        kind: "dial",
        targets: [
          { kind: "client", identity: "bob", parameters: [{ name: "a", value: "b" }] },
          { kind: "sip", uri: "sip:k@h.example" },
        ],
        timeoutSeconds: 9,
        timeLimitSeconds: 60,
        callerId: "client:x",
        hangupOnStar: true,
        answerOnBridge: false,
        ringTone: "de",
      },
    ]);
  });
});

describe("Dial", () => {
  it.each(["completed", "busy", "no-answer", "failed", "canceled"] as const)(
    "without action goes on after %s",
    (outcome) => {
      expect(trace(`<Dial>${BOB}</Dial><Say>Bye</Say>`, [ended(outcome)])[1]).toEqual(["say Bye"]);
    },
  );

  it("with action asks it what to do, and tells how it went", () => {
    const dial = `<Dial action="../after?n=1" method="GET">${BOB}</Dial><Say>never</Say>`;
    const input = ended("completed", { dialCallSid: "CA1", durationSeconds: 12 });
    expect(trace(dial, [input, page("<Say>After</Say>"), media])).toEqual([
      ["answer", "dial client"],
      [
        "fetch GET https://app.example/after?n=1 DialCallStatus=completed DialCallSid=CA1 DialCallDuration=12 DialBridged=true",
      ],
      ["say After"],
      ["hangup"],
    ]);
  });

  it.each([
    ["busy", {}, "DialCallStatus=busy DialBridged=false"],
    ["no-answer", { dialCallSid: "CA2" }, "DialCallStatus=no-answer DialCallSid=CA2 DialBridged=false"],
    ["failed", {}, "DialCallStatus=failed DialBridged=false"],
    ["canceled", {}, "DialCallStatus=canceled DialBridged=false"],
    ["answered", { durationSeconds: 0 }, "DialCallStatus=completed DialCallDuration=0 DialBridged=true"],
  ] as const)("tells its action %s", (outcome, more, parameters) => {
    const [, actions] = trace(`<Dial action="/a">${BOB}</Dial>`, [ended(outcome, more)]);
    expect(actions).toEqual([`fetch POST https://app.example/a ${parameters}`]);
  });

  it("of a conference tells answered, without a call and its length", () => {
    const dial = '<Dial action=""><Conference>r</Conference></Dial>';
    expect(trace(dial, [ended("completed", { dialCallSid: "CA1", durationSeconds: 3 })])[1]).toEqual([
      `fetch POST ${URL} DialCallStatus=answered DialBridged=true`,
    ]);
  });

  it("with answerOnBridge answers with the bridge and never again", () => {
    const dial = `<Dial answerOnBridge="true">${BOB}</Dial><Say>Bye</Say>`;
    expect(trace(dial, [ended("completed"), media])).toEqual([["dial client on-bridge"], ["say Bye"], ["hangup"]]);
  });

  it("with answerOnBridge leaves the answer to the next verb when nobody was connected", () => {
    const dial = `<Dial answerOnBridge="true">${BOB}</Dial>`;
    expect(trace(`${dial}<Say>Sorry</Say>`, [ended("busy")])[1]).toEqual(["answer", "say Sorry"]);
    expect(trace(`${dial}${dial}`, [ended("busy")])[1]).toEqual(["dial client on-bridge"]);
    expect(trace(`${dial}<Hangup/>`, [ended("busy")])[1]).toEqual(["answer", "hangup"]);
  });

  it.each([
    ["busy", "reject 486 busy"],
    ["no-answer", "reject 480 no-answer"],
    ["canceled", "reject 487 canceled"],
    ["failed", "reject 503 failed"],
  ] as const)("with answerOnBridge that ended %s refuses a caller who hears no more verbs", (outcome, refusal) => {
    expect(trace(`<Dial answerOnBridge="true">${BOB}</Dial>`, [ended(outcome)])[1]).toEqual([refusal]);
  });

  it("passes the callees' own refusal on to a caller who is still ringing", () => {
    const result = parseTwiml(`<Response><Dial answerOnBridge="true">${BOB}</Dial></Response>`);
    if (!result.ok) throw new Error("refused");
    const refusal = { status: 503, reason: "No gateway", retryAfterSeconds: 5 };
    const { state } = startInstructions(result.document);
    expect(advanceInstructions(state, { kind: "dial-ended", outcome: "failed", refusal }).actions).toEqual([
      { kind: "reject", ...refusal, callStatus: "failed" },
    ]);
  });

  it("keeps the caller ringing while its action is asked, and refuses if that says nothing", () => {
    const dial = `<Dial answerOnBridge="true" action="/a">${BOB}</Dial>`;
    expect(trace(dial, [ended("no-answer"), page("")])).toEqual([
      ["dial client on-bridge"],
      ["fetch POST https://app.example/a DialCallStatus=no-answer DialBridged=false"],
      ["reject 480 no-answer"],
    ]);
    expect(trace(dial, [ended("no-answer"), page("<Say>Sorry</Say>")])[2]).toEqual(["answer", "say Sorry"]);
  });

  it("of nobody has failed at once", () => {
    expect(trace("<Dial/><Say>Hi</Say>")).toEqual([["answer", "say Hi"]]);
    expect(trace("<Dial/>")).toEqual([["reject 404 failed"]]);
    expect(trace('<Dial action="/a"><Client/></Dial>')).toEqual([
      ["fetch POST https://app.example/a DialCallStatus=failed DialBridged=false"],
    ]);
    expect(trace(`<Dial/>`.repeat(1_000))).toEqual([["reject 404 failed"]]);
  });
});

describe("a caller who hangs up", () => {
  it.each([
    ["<Say>Hi</Say><Say>no</Say>", media],
    ["<Pause/><Say>no</Say>", pause],
    [`<Dial>${BOB}</Dial><Say>no</Say>`, ended("completed")],
    ["<Redirect/>", page("<Say>no</Say>")],
    ["<Echo/>", media],
  ])("ends %s", (inner, late) => {
    expect(trace(inner, [gone, late, gone]).slice(1)).toEqual([[], [], []]);
  });

  it("in a Dial with action still has it told, and its document is not run", () => {
    const dial = `<Dial action="/a">${BOB}</Dial><Say>no</Say>`;
    const end = ended("completed", { durationSeconds: 4 });
    expect(trace(dial, [gone, gone, end, page("<Say>no</Say>"), media]).slice(1)).toEqual([
      [],
      [],
      ["last fetch POST https://app.example/a DialCallStatus=completed DialCallDuration=4 DialBridged=true"],
      [],
      [],
    ]);
  });
});

describe("documents", () => {
  it("replace each other, and their relative URLs start from where they came from", () => {
    const inputs = [
      page("<Redirect>c/</Redirect>"),
      page("<Redirect>d</Redirect>", "https://cdn.example/x/y"),
      page("<Redirect/>"),
    ];
    expect(trace("<Redirect>b</Redirect>", inputs)).toEqual([
      ["fetch POST https://app.example/voice/b"],
      ["fetch POST https://app.example/voice/c/"],
      ["fetch POST https://cdn.example/x/d"],
      ["fetch POST https://cdn.example/x/d"],
    ]);
  });

  it("that have warnings are run, and reported", () => {
    expect(trace("<Redirect/>", [page("<Gather/><Echo/>")])[1]).toEqual([`report ${URL} 12200`, "answer", "echo"]);
  });

  it("with thousands of mistakes are reported by the first hundred", () => {
    const report = trace("<Redirect/>", [page("<x/>".repeat(900))])[1]?.[0];
    expect(report).toBe(`report ${URL} ${Array(100).fill(12200).join(",")}`);
  });

  it.each([
    ["that did not come", failed, [], 11200],
    ["that are no XML", { kind: "document", text: "404 page" } as const, [`report ${URL} 12100`], 12100],
    ["that are no TwiML", { kind: "document", text: "<html/>" } as const, [`report ${URL} 12102`], 12102],
    ["that are empty", { kind: "document", text: "" } as const, [`report ${URL} 11770`], 11770],
    ["with an error", page("<Jump/><Play/>"), [`report ${URL} 11100,12200`], 11100],
    ["whose URL cannot be resolved", page("<Redirect>n</Redirect>", "nearside:x"), [], 11100],
  ])("%s refuse a caller who rings, and say goodbye to one who talks", (_, input, reports, code) => {
    const goodbye = "say An application error has occurred. Goodbye.";
    expect(trace("<Redirect/>", [input])[1]).toEqual([...reports, `reject 500 failed ${code}`]);
    expect(trace("<Say>Hi</Say><Redirect/>", [media, input, media]).slice(2)).toEqual([
      [...reports, goodbye],
      [`hangup ${code}`],
    ]);
  });

  it.each(["<Redirect/>", "<Redirect>n</Redirect>", "<Play>n.wav</Play>", '<Dial action="n"/>'])(
    "of the platform have no URL for %s",
    (inner) => {
      const result = parseTwiml(`<Response>${inner}</Response>`);
      if (!result.ok) throw new Error("refused");
      expect(startInstructions(result.document).actions.map(line)).toEqual(["reject 500 failed 11100"]);
    },
  );

  it("are at most 100 in one call", () => {
    const steps = trace("<Redirect/>", Array<InstructionInput>(120).fill(page("<Redirect/>")));
    expect(steps.findIndex(([first]) => first === "reject 500 failed 11215")).toBe(99);
    expect(steps.slice(0, 99).every(([first]) => first === `fetch POST ${URL}`)).toBe(true);
    expect(steps.slice(100).flat()).toEqual([]);
  });
});

describe("a step", () => {
  it("does not change the state that it starts from", () => {
    const result = parseTwiml(`<Response><Dial action="/a">${BOB}</Dial></Response>`);
    if (!result.ok) throw new Error("refused");
    const { state } = startInstructions(result.document, { documentUrl: URL });
    const before = JSON.stringify(state);
    for (const input of [gone, ended("busy"), media]) advanceInstructions(state, input);
    expect(JSON.stringify(state)).toBe(before);
  });
});
