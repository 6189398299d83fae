/** The verbs of a document, each with its attributes; `<Dial>` has a file of its own. */
import { ElementReader, shortened } from "./element-reader.ts";
import type { Instruction } from "./instruction.ts";
import { readDial } from "./read-dial.ts";
import type { SourceElement } from "./source-tree.ts";
import { twimlWarning } from "./twiml-problem.ts";
import type { TwimlProblem } from "./twiml-problem.ts";
import { SSML_ELEMENTS, UNSUPPORTED_VERBS } from "./twiml-vocabulary.ts";

const SAY_LIMIT = 4_096;
const PAUSE_LENGTH = { min: 1, max: 86_400, fallback: 1, code: 13910 } as const;
/** `nearside:` names what the platform itself can play; an extension. */
const PLAY_SCHEMES = ["http", "https", "nearside"];

/** `undefined` for what cannot be run; the problems say why. */
export function readVerb(element: SourceElement, problems: TwimlProblem[]): Instruction | undefined {
  switch (element.name) {
    case "Dial":
      return readDial(element, problems);
    case "Play":
      return readPlay(new ElementReader(element, problems));
    case "Say":
      return readSay(new ElementReader(element, problems));
    case "Pause":
      return readPause(new ElementReader(element, problems));
    case "Redirect":
      return readRedirect(new ElementReader(element, problems));
    case "Reject":
      return readReject(new ElementReader(element, problems));
    case "Hangup":
      return readBare(new ElementReader(element, problems), "hangup");
    case "Echo":
      return readBare(new ElementReader(element, problems), "echo");
    default:
      problems.push(unknownVerb(element));
      return undefined;
  }
}

function unknownVerb({ name, at }: SourceElement): TwimlProblem {
  const unsupported = UNSUPPORTED_VERBS.has(name);
  const message = `<${shortened(name)}> is ${unsupported ? "not supported yet" : "unknown"} and is skipped`;
  return twimlWarning(12200, at, message, shortened(name));
}

function readPlay(reader: ElementReader): Instruction | undefined {
  const loop = reader.loop(13410);
  const digits = reader.matching("digits", /^[0-9A-D#*wW]+$/, {
    code: 13430,
    must: "must be of 0-9, A-D, #, *, w and W",
  });
  reader.skipOtherAttributes();
  reader.skipElements();
  const { at } = reader.element;
  if (digits !== undefined) {
    reader.skipText();
    return { kind: "play-digits", at, digits, loop };
  }
  const { text, at: textAt } = reader.text();
  if (text === "") {
    // Digits that were wrong have been reported, and there is nothing else to play.
    if (reader.attribute("digits") === undefined) reader.fail(11100, "<Play> needs a URL");
    return undefined;
  }
  const url = reader.url(text, textAt, PLAY_SCHEMES);
  return url === undefined ? undefined : { kind: "play", at, url, loop };
}

function readSay(reader: ElementReader): Instruction | undefined {
  const loop = reader.loop(13510);
  const voice = reader.matching("voice", /^[\w.-]{1,100}$/, { code: 13511, must: "must be the name of a voice" });
  const language = reader.matching("language", /^[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})*$/, {
    code: 13512,
    must: "must be a language tag such as en-US",
  });
  reader.skipOtherAttributes();
  const text = spokenText(reader).replaceAll(/\s+/g, " ").trim();
  if (text === "") reader.warn(13520, "<Say> has nothing to say and is skipped");
  else if (text.length > SAY_LIMIT) reader.warn(13521, `<Say> has more than ${SAY_LIMIT} characters and is skipped`);
  else {
    return {
      kind: "say",
      at: reader.element.at,
      text,
      ...(voice === undefined ? {} : { voice }),
      ...(language === undefined ? {} : { language }),
      loop,
    };
  }
  return undefined;
}

/** The words in all marks of SSML. What ends a sentence or makes a pause also parts words. */
function spokenText(reader: ElementReader): string {
  let text = "";
  for (const child of reader.element.children) {
    if (child.kind === "text") text += child.text;
    else if (SSML_ELEMENTS.has(child.name)) {
      const inner = spokenText(new ElementReader(child, reader.problems));
      text += ["break", "p", "s"].includes(child.name) ? ` ${inner} ` : inner;
    } else reader.skipUnknown(child);
  }
  return text;
}

function readPause(reader: ElementReader): Instruction {
  const seconds = reader.integer("length", PAUSE_LENGTH);
  skipTheRest(reader);
  return { kind: "pause", at: reader.element.at, seconds };
}

function readRedirect(reader: ElementReader): Instruction | undefined {
  const method = reader.method(13710);
  reader.skipOtherAttributes();
  reader.skipElements();
  const { text, at } = reader.text();
  const url = reader.url(text, at, ["http", "https"]);
  return url === undefined ? undefined : { kind: "redirect", at: reader.element.at, url, method };
}

function readReject(reader: ElementReader): Instruction {
  const attribute = reader.attribute("reason");
  const reason = attribute?.value.trim() ?? "rejected";
  if (reason !== "rejected" && reason !== "busy")
    reader.warn(13810, "reason must be rejected or busy; rejected is used", attribute?.at);
  skipTheRest(reader, ["Parameter"]);
  return { kind: "reject", at: reader.element.at, reason: reason === "busy" ? "busy" : "rejected" };
}

function readBare(reader: ElementReader, kind: "hangup" | "echo"): Instruction {
  skipTheRest(reader, kind === "hangup" ? ["Parameter"] : []);
  return { kind, at: reader.element.at };
}

function skipTheRest(reader: ElementReader, exceptElements: readonly string[] = []): void {
  reader.skipOtherAttributes();
  reader.skipElements(exceptElements);
  reader.skipText();
}
