/** A TwiML document from text: verbs, or every mistake with its place. */
import { ElementReader, shortened } from "./element-reader.ts";
import type { TwimlDocument } from "./instruction.ts";
import { readVerb } from "./read-verb.ts";
import { parseSourceTree } from "./source-tree.ts";
import type { SourceElement } from "./source-tree.ts";
import { twimlError } from "./twiml-problem.ts";
import type { TwimlError, TwimlErrorCode, TwimlProblem } from "./twiml-problem.ts";

export type TwimlResult =
  /** Warnings say what is left out or replaced by its default. */
  | { readonly ok: true; readonly document: TwimlDocument; readonly warnings: readonly TwimlProblem[] }
  /** Errors and warnings in the order of the text; `code` is the first error's. */
  | { readonly ok: false; readonly code: TwimlErrorCode; readonly problems: readonly TwimlProblem[] };

const BYTE_LIMIT = 65_536;
/** A document is stored with the call; far more verbs than any call gets to hear. */
const VERB_LIMIT = 1_000;
const BEGINNING = { line: 1, column: 1 };

/** Never throws, whatever the text. Names are case-sensitive, as with Twilio. */
export function parseTwiml(text: string): TwimlResult {
  if (text.length > BYTE_LIMIT || new TextEncoder().encode(text).length > BYTE_LIMIT)
    return refused(twimlError(11750, BEGINNING, `the document is longer than ${BYTE_LIMIT} bytes`));
  if (/^\uFEFF?\s*$/.test(text)) return refused(twimlError(11770, BEGINNING, "the document is empty"));
  const tree = parseSourceTree(text.replace(/^\uFEFF/, ""));
  if (!tree.ok) return refused(tree.problem);
  const { root } = tree;
  if (root.name !== "Response") {
    const name = shortened(root.name);
    return refused(twimlError(12102, root.at, `the root must be <Response>, not <${name}>`, name));
  }
  return readResponse(root);
}

function readResponse(root: SourceElement): TwimlResult {
  const problems: TwimlProblem[] = [];
  const reader = new ElementReader(root, problems);
  reader.skipOtherAttributes();
  reader.skipText();
  const elements = reader.childElements;
  const excess = elements[VERB_LIMIT];
  if (excess !== undefined)
    return refused(twimlError(12100, excess.at, `there are more than ${VERB_LIMIT} verbs`, shortened(excess.name)));
  const verbs = elements.flatMap((element) => readVerb(element, problems) ?? []);
  const inOrder = problems.toSorted((one, other) => one.line - other.line || one.column - other.column);
  const error = inOrder.find((problem) => problem.level === "error");
  if (error !== undefined) return { ok: false, code: error.code, problems: inOrder };
  return { ok: true, document: { verbs }, warnings: inOrder };
}

function refused(problem: TwimlError): TwimlResult {
  return { ok: false, code: problem.code, problems: [problem] };
}
