/** `<Dial>`: its nouns and what may be said about the call that it makes. */
import { parseEndpointId } from "#protocol/ids";
import { parseSipUri } from "#sip/message/sip-uri";
import { ElementReader, shortened } from "./element-reader.ts";
import type { CustomParameter, DialInstruction, DialTarget } from "./instruction.ts";
import type { SourceElement } from "./source-tree.ts";
import { twimlWarning } from "./twiml-problem.ts";
import type { SourcePosition, TwimlProblem } from "./twiml-problem.ts";
import { SUPPORTED_VERBS, UNSUPPORTED_NOUNS, UNSUPPORTED_VERBS } from "./twiml-vocabulary.ts";

const TIMEOUT = { min: 5, max: 600, fallback: 30, code: 13212 } as const;
const TIME_LIMIT = { min: 1, max: 86_400, fallback: 14_400, code: 13216 } as const;
/** As many as ring together. */
const TARGET_LIMIT = 10;
/** `nearside:` asks the call itself; only its own documents have it (`forwarding-documents.ts`). */
const ACTION_SCHEMES = ["http", "https", "nearside"];
const CALLER_ID_LIMIT = 255;
const SIP_URI_LIMIT = 255;
const SIP_HEADERS_LIMIT = 1_024;
const CONFERENCE_NAME_LIMIT = 128;

export function readDial(element: SourceElement, problems: TwimlProblem[]): DialInstruction {
  const reader = new ElementReader(element, problems);
  const action = readAction(reader);
  const callerId = readCallerId(reader);
  const ringTone = reader.matching("ringTone", /^[a-z]{2}(?:-old)?$/, {
    code: 12200,
    must: "must be the two letters of a country",
  });
  const dial: DialInstruction = {
    kind: "dial",
    at: element.at,
    targets: readTargets(reader),
    timeoutSeconds: reader.integer("timeout", TIMEOUT),
    timeLimitSeconds: reader.integer("timeLimit", TIME_LIMIT),
    answerOnBridge: reader.flag("answerOnBridge", 13219),
    hangupOnStar: reader.flag("hangupOnStar", 13213),
    ...(callerId === undefined ? {} : { callerId }),
    ...(ringTone === undefined ? {} : { ringTone }),
    ...(action === undefined ? {} : { action }),
  };
  reader.skipOtherAttributes();
  return dial;
}

function readAction(reader: ElementReader): DialInstruction["action"] {
  const attribute = reader.attribute("action");
  const method = reader.method(13210);
  const url = attribute === undefined ? undefined : reader.url(attribute.value, attribute.at, ACTION_SCHEMES);
  return url === undefined ? undefined : { url, method };
}

/** Whether the account may show this number is the owner's to say. */
function readCallerId(reader: ElementReader): string | undefined {
  const attribute = reader.attribute("callerId");
  const callerId = attribute?.value.trim();
  if (attribute === undefined || callerId === undefined) return undefined;
  if (callerId.length > CALLER_ID_LIMIT)
    reader.warn(13248, `callerId is longer than ${CALLER_ID_LIMIT}; the caller's is used`, attribute.at);
  else if (!/^(?:client:|sip:)?[\w+.@:-]+$/.test(callerId))
    reader.warn(13214, "callerId is no number, client or SIP user; the caller's is used", attribute.at);
  else return callerId;
  return undefined;
}

function readTargets(reader: ElementReader): readonly DialTarget[] {
  const found: FoundTarget[] = [];
  let nouns = 0;
  for (const child of reader.childElements) {
    if (UNSUPPORTED_NOUNS.has(child.name)) skip(reader, child, 12200, "is not supported yet and is skipped");
    else if (SUPPORTED_VERBS.has(child.name) || UNSUPPORTED_VERBS.has(child.name))
      skip(reader, child, 13215, "cannot stand in <Dial> and is skipped");
    else if (!NOUNS.has(child.name)) reader.skipUnknown(child);
    else {
      nouns += 1;
      const target = readNoun(child, reader.problems);
      if (target !== undefined) found.push({ target, element: child });
    }
  }
  const { text, at } = reader.text();
  if (nouns > 0) reader.skipText();
  else if (text === "") reader.warn(13223, "there is nobody to call; the attempt fails");
  else {
    const number = parseNumber(text);
    if (number === undefined) warnOfNumber(reader, text, at);
    else return [{ kind: "number", number }];
  }
  return compatibleTargets(found, reader.problems);
}

interface FoundTarget {
  readonly target: DialTarget;
  readonly element: SourceElement;
}

function skip(reader: ElementReader, child: SourceElement, code: 12200 | 13215, what: string): void {
  reader.problems.push(twimlWarning(code, child.at, `<${child.name}> ${what}`, child.name));
}

/** The first noun decides: a room, alone, or devices that ring together. */
function compatibleTargets(found: readonly FoundTarget[], problems: TwimlProblem[]): readonly DialTarget[] {
  const first = found[0];
  if (first === undefined) return [];
  const room = first.target.kind === "conference";
  const kept: DialTarget[] = [];
  for (const { target, element } of found) {
    const fits = room ? element === first.element : target.kind !== "conference";
    if (!fits)
      problems.push(
        twimlWarning(
          13000,
          element.at,
          "a conference cannot be dialled beside another noun; it is skipped",
          element.name,
        ),
      );
    else if (kept.length === TARGET_LIMIT)
      problems.push(
        twimlWarning(13250, element.at, `no more than ${TARGET_LIMIT} ring together; it is skipped`, element.name),
      );
    else kept.push(target);
  }
  return kept;
}

const NOUNS: ReadonlySet<string> = new Set(["Client", "Conference", "Number", "Sip"]);

function readNoun(element: SourceElement, problems: TwimlProblem[]): DialTarget | undefined {
  const reader = new ElementReader(element, problems);
  reader.skipOtherAttributes();
  if (element.name === "Client") return readClient(reader);
  reader.skipElements();
  const { text, at } = reader.text();
  switch (element.name) {
    case "Number": {
      const number = parseNumber(text);
      if (number !== undefined) return { kind: "number", number };
      warnOfNumber(reader, text, at);
      return undefined;
    }
    case "Sip": {
      if (isDialableSipUri(text)) return { kind: "sip", uri: text };
      reader.warn(13243, `"${shortened(text)}" is no SIP URI; it is skipped`, at);
      return undefined;
    }
    default: {
      if (text !== "" && text.length <= CONFERENCE_NAME_LIMIT) return { kind: "conference", name: text };
      reader.warn(13237, `a conference needs a name of 1 to ${CONFERENCE_NAME_LIMIT} characters; it is skipped`, at);
      return undefined;
    }
  }
}

function readClient(reader: ElementReader): DialTarget | undefined {
  reader.skipElements(["Identity", "Parameter"]);
  const named = reader.childElements.find((child) => child.name === "Identity");
  if (named !== undefined) reader.skipText();
  const { text, at } = named === undefined ? reader.text() : readIdentity(named, reader.problems);
  const parameters = reader.childElements
    .filter((child) => child.name === "Parameter")
    .flatMap((child) => readParameter(child, reader.problems));
  const identity = parseEndpointId(text);
  if (identity !== undefined) return { kind: "client", identity, parameters };
  reader.warn(12200, `"${shortened(text)}" is no identity of a client; it is skipped`, at);
  return undefined;
}

function readIdentity(
  element: SourceElement,
  problems: TwimlProblem[],
): { readonly text: string; readonly at: SourcePosition } {
  const reader = new ElementReader(element, problems);
  reader.skipOtherAttributes();
  reader.skipElements();
  return reader.text();
}

function readParameter(element: SourceElement, problems: TwimlProblem[]): readonly CustomParameter[] {
  const reader = new ElementReader(element, problems);
  const name = reader.attribute("name")?.value.trim() ?? "";
  const value = reader.attribute("value")?.value ?? "";
  reader.skipOtherAttributes();
  reader.skipElements();
  reader.skipText();
  if (name !== "") return [{ name, value }];
  reader.warn(12200, "<Parameter> needs a name; it is skipped");
  return [];
}

/** Numbers as people write them: E.164, or digits as dialled on a phone. */
function parseNumber(text: string): string | undefined {
  const number = text.replaceAll(/[\s().\-/]/g, "");
  return /^(?:\+[1-9]\d{1,14}|[\d*#]{1,32})$/.test(number) ? number : undefined;
}

function warnOfNumber(reader: ElementReader, text: string, at: SourcePosition): void {
  reader.warn(13223, `"${shortened(text)}" is no telephone number; it is skipped`, at);
}

/** The limits count what is before and after the question mark. */
function isDialableSipUri(text: string): boolean {
  const question = text.indexOf("?");
  const length = question < 0 ? text.length : question;
  if (length > SIP_URI_LIMIT || text.length - length > SIP_HEADERS_LIMIT + 1) return false;
  const uri = parseSipUri(text);
  return uri !== undefined && uri.scheme !== "tel";
}
