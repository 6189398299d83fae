/** A TwiML document as a function: state and input in, state and actions out. No clock, no I/O; every timeout is the owner's. */
import type { DialInstruction, DialPlan, HttpMethod, Instruction, TwimlDocument } from "./instruction.ts";
import type {
  DialOutcome,
  InstructionAction,
  InstructionInput,
  InstructionState,
  InstructionStep,
} from "./instruction-state.ts";
import { parseTwiml } from "./parse-twiml.ts";
import type { TwimlProblem } from "./twiml-problem.ts";
import { resolveUrlReference } from "./url-reference.ts";

/** Redirects and Dial actions that one call may follow: a loop costs the application and us a request each time. */
const DOCUMENT_LIMIT = 100;
/** 64 kB can hold thousands of mistakes; nobody reads them all. */
const REPORT_LIMIT = 100;
const BAD_URL = 11100;
const TOO_MANY_DOCUMENTS = 11215;
const APPLICATION_ERROR = "An application error has occurred. Goodbye.";
const NOWHERE = { line: 1, column: 1 };

type DialEnd = Extract<InstructionInput, { kind: "dial-ended" }>;

/** Runs the verbs of a first document up to the first that takes time. */
export function startInstructions(
  document: TwimlDocument,
  {
    documentUrl,
    after,
  }: {
    readonly documentUrl?: string;
    /** What the call followed before. */
    readonly after?: Pick<InstructionState, "answered" | "documents"> | undefined;
  } = {},
): InstructionStep {
  const run = new InstructionRun({
    ...(documentUrl === undefined ? {} : { documentUrl }),
    remaining: document.verbs,
    wait: { for: "nothing" },
    answered: after?.answered ?? false,
    callerGone: false,
    documents: (after?.documents ?? 0) + 1,
  });
  run.proceed();
  return run.step();
}

/** Applies one input. The given state is not changed. */
export function advanceInstructions(state: InstructionState, input: InstructionInput): InstructionStep {
  const run = new InstructionRun(state);
  run.apply(input);
  return run.step();
}

class InstructionRun {
  #state: InstructionState;
  readonly #actions: InstructionAction[] = [];

  constructor(state: InstructionState) {
    this.#state = state;
  }

  step(): InstructionStep {
    return { state: this.#state, actions: this.#actions };
  }

  apply(input: InstructionInput): void {
    const { wait } = this.#state;
    switch (input.kind) {
      case "dial-ended":
        if (wait.for === "dial") this.#dialEnded(wait.dial, input);
        return;
      case "media-ended":
        if (wait.for === "media") this.proceed();
        return;
      case "pause-ended":
        if (wait.for === "pause") this.proceed();
        return;
      case "document":
        if (wait.for === "document") this.#document(input.text, input.url ?? wait.url);
        return;
      case "document-failed":
        if (wait.for === "document") this.#fail(input.code);
        return;
      case "caller-gone":
        // The action of a Dial is told how it ended even then; its document is not run.
        if (wait.for === "dial" && wait.dial.action !== undefined) this.#change({ callerGone: true });
        else this.#end();
    }
  }

  /** Begins verbs until one takes time or the call is over. */
  proceed(): void {
    for (;;) {
      const verb = this.#state.remaining[0];
      if (verb === undefined) return this.#endOfDocument();
      this.#change({ remaining: this.#state.remaining.slice(1), wait: { for: "nothing" } });
      if (this.#begin(verb) === "stop") return;
    }
  }

  /** There is no Answer in TwiML: each verb that needs the caller's ear answers, and so does Hangup. */
  #begin(verb: Instruction): "stop" | "next" {
    switch (verb.kind) {
      case "dial":
        return this.#dial(verb);
      case "play":
        return this.#play(verb);
      case "play-digits":
        this.#media({ kind: "play-digits", digits: verb.digits, loop: verb.loop });
        return "stop";
      case "say": {
        const { at: _, ...say } = verb;
        this.#media(say);
        return "stop";
      }
      case "pause":
        // Before the answer it delays it: the caller hears ringing.
        this.#act({ kind: "pause", seconds: verb.seconds });
        this.#change({ wait: { for: "pause" } });
        return "stop";
      case "echo":
        this.#answer();
        this.#act({ kind: "echo" });
        this.#change({ wait: { for: "echo" } });
        return "stop";
      case "redirect":
        this.#fetch(verb.url, verb.method, {});
        return "stop";
      case "reject":
        this.#reject(verb.reason);
        return "stop";
      case "hangup":
        this.#hangUp();
        return "stop";
    }
  }

  #play(verb: Extract<Instruction, { kind: "play" }>): "stop" {
    const url = resolveUrlReference(verb.url, this.#state.documentUrl);
    if (url === undefined) this.#fail(BAD_URL);
    else this.#media({ kind: "play", url, loop: verb.loop });
    return "stop";
  }

  #media(action: Extract<InstructionAction, { kind: "play" | "play-digits" | "say" }>): void {
    this.#answer();
    this.#act(action);
    this.#change({ wait: { for: "media" } });
  }

  #dial(dial: DialInstruction): "stop" | "next" {
    if (dial.targets.length === 0) {
      // Nobody to ring: the attempt has failed before it began (13223 has been reported).
      return this.#afterDial(dial, {
        kind: "dial-ended",
        outcome: "failed",
        refusal: { status: 404, reason: "Not Found" },
      });
    }
    // A room is there at once, so there is no bridge to wait for.
    if (!dial.answerOnBridge || isConference(dial)) this.#answer();
    this.#act({ kind: "dial", ...planOf(dial) });
    this.#change({ wait: { for: "dial", dial } });
    return "stop";
  }

  #dialEnded(dial: DialInstruction, end: DialEnd): void {
    if (this.#state.callerGone) {
      if (dial.action !== undefined) this.#fetch(dial.action.url, dial.action.method, dialParameters(dial, end));
      return this.#end();
    }
    if (this.#afterDial(dial, end) === "next") this.proceed();
  }

  #afterDial(dial: DialInstruction, end: DialEnd): "stop" | "next" {
    if (wasBridged(end.outcome)) this.#change({ answered: true });
    else if (!this.#state.answered) this.#change({ refusal: refusalAfter(end) });
    if (dial.action === undefined) return "next";
    this.#fetch(dial.action.url, dial.action.method, dialParameters(dial, end));
    return "stop";
  }

  #fetch(reference: string, method: HttpMethod, parameters: Readonly<Record<string, string>>): void {
    const last = this.#state.callerGone;
    const url = resolveUrlReference(reference, this.#state.documentUrl);
    if (url === undefined) return this.#fail(BAD_URL);
    if (this.#state.documents >= DOCUMENT_LIMIT) return this.#fail(TOO_MANY_DOCUMENTS);
    this.#act({ kind: "fetch", url, method, parameters, last });
    this.#change({ remaining: [], wait: { for: "document", url } });
  }

  #document(text: string, url: string): void {
    const result = parseTwiml(text);
    const problems = result.ok ? result.warnings : result.problems;
    if (problems.length > 0) this.#act({ kind: "report", url, problems: errorsFirst(problems).slice(0, REPORT_LIMIT) });
    if (!result.ok) return this.#fail(result.code);
    this.#change({
      documentUrl: url,
      remaining: result.document.verbs,
      documents: this.#state.documents + 1,
    });
    this.proceed();
  }

  #reject(reason: "rejected" | "busy"): void {
    if (this.#state.answered) return this.#hangUp();
    if (reason === "busy") this.#act({ kind: "reject", status: 486, reason: "Busy Here", callStatus: "busy" });
    else this.#act({ kind: "reject", status: 404, reason: "Not Found", callStatus: "no-answer" });
    this.#end();
  }

  /** An implicit Hangup, but for a caller who still rings because a Dial failed: he learns how. */
  #endOfDocument(): void {
    const { answered, refusal } = this.#state;
    if (answered || refusal === undefined) return this.#hangUp();
    this.#act({ kind: "reject", ...refusal });
    this.#end();
  }

  #hangUp(): void {
    const { failure } = this.#state;
    this.#answer();
    this.#act({ kind: "hangup", ...(failure === undefined ? {} : { failure }) });
    this.#end();
  }

  /** The application is broken: who talks is told, who rings is refused. */
  #fail(failure: number): void {
    if (this.#state.callerGone) return this.#end();
    if (!this.#state.answered) {
      this.#act({ kind: "reject", status: 500, reason: "Server Internal Error", callStatus: "failed", failure });
      return this.#end();
    }
    this.#change({ failure, remaining: [{ kind: "say", at: NOWHERE, text: APPLICATION_ERROR, loop: 1 }] });
    this.proceed();
  }

  #answer(): void {
    if (this.#state.answered) return;
    this.#act({ kind: "answer" });
    this.#change({ answered: true });
  }

  #end(): void {
    this.#change({ remaining: [], wait: { for: "nothing" } });
  }

  #act(action: InstructionAction): void {
    this.#actions.push(action);
  }

  #change(change: Partial<InstructionState>): void {
    this.#state = { ...this.#state, ...change };
  }
}

function errorsFirst(problems: readonly TwimlProblem[]): readonly TwimlProblem[] {
  const [errors, warnings] = [problems.filter(isError), problems.filter((problem) => !isError(problem))];
  return [...errors, ...warnings];
}

function isError(problem: TwimlProblem): boolean {
  return problem.level === "error";
}

function planOf(dial: DialInstruction): DialPlan {
  const { kind: _kind, at: _at, action: _action, ...plan } = dial;
  return plan;
}

function isConference(dial: DialInstruction): boolean {
  return dial.targets.some((target) => target.kind === "conference");
}

function wasBridged(outcome: DialOutcome): boolean {
  return outcome === "completed" || outcome === "answered";
}

/** Of a room Twilio tells `answered`, and neither a call nor its length. */
function dialParameters(dial: DialInstruction, end: DialEnd): Readonly<Record<string, string>> {
  const bridged = wasBridged(end.outcome);
  if (isConference(dial)) return { DialCallStatus: bridged ? "answered" : end.outcome, DialBridged: String(bridged) };
  return {
    DialCallStatus: bridged ? "completed" : end.outcome,
    ...(end.dialCallSid === undefined ? {} : { DialCallSid: end.dialCallSid }),
    ...(end.durationSeconds === undefined ? {} : { DialCallDuration: String(end.durationSeconds) }),
    DialBridged: String(bridged),
  };
}

function refusalAfter({ outcome, refusal }: DialEnd): NonNullable<InstructionState["refusal"]> {
  switch (outcome) {
    case "busy":
      return { ...(refusal ?? { status: 486, reason: "Busy Here" }), callStatus: "busy" };
    case "no-answer":
      return { ...(refusal ?? { status: 480, reason: "Temporarily Unavailable" }), callStatus: "no-answer" };
    case "canceled":
      return { ...(refusal ?? { status: 487, reason: "Request Terminated" }), callStatus: "canceled" };
    default:
      return { ...(refusal ?? { status: 503, reason: "Service Unavailable" }), callStatus: "failed" };
  }
}
