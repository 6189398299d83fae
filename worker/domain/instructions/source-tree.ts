/** XML as a tree in which every element, attribute and text knows its place. The only importer of the XML package. */
import { parseXml, XmlElement, XmlError, XmlText } from "@rgrove/parse-xml";
import { SourceLines } from "./source-lines.ts";
import { twimlError } from "./twiml-problem.ts";
import type { SourcePosition, TwimlError } from "./twiml-problem.ts";

export interface SourceAttribute {
  readonly name: string;
  readonly value: string;
  readonly at: SourcePosition;
}

export interface SourceText {
  readonly kind: "text";
  readonly text: string;
  /** Of the first character that is not white space. */
  readonly at: SourcePosition;
}

export interface SourceElement {
  readonly kind: "element";
  readonly name: string;
  readonly at: SourcePosition;
  readonly attributes: readonly SourceAttribute[];
  /** Comments and processing instructions are gone; white space is not. */
  readonly children: readonly (SourceElement | SourceText)[];
}

type SourceTree =
  | { readonly ok: true; readonly root: SourceElement }
  | { readonly ok: false; readonly problem: TwimlError };

/** TwiML nests four deep, SSML a little more. The XML parser and our readers recurse, so the depth must have an end. */
const DEPTH_LIMIT = 32;

export function parseSourceTree(text: string): SourceTree {
  const lines = new SourceLines(text);
  const refused = unacceptable(text);
  if (refused !== undefined)
    return { ok: false, problem: twimlError(12100, lines.at(refused.offset), refused.message) };
  try {
    const { root } = parseXml(text, { includeOffsets: true });
    if (root === null) return { ok: false, problem: twimlError(12100, lines.at(0), "there is no root element") };
    return { ok: true, root: elementOf(root, text, lines) };
  } catch (error) {
    if (!(error instanceof XmlError)) throw error;
    // Its own line and column are wrong after characters beyond the 16-bit plane.
    const at = lines.at(offsetOfCharacter(text, error.pos));
    return { ok: false, problem: twimlError(12100, at, withoutExcerpt(error.message)) };
  }
}

function elementOf(element: XmlElement, text: string, lines: SourceLines): SourceElement {
  const children: (SourceElement | SourceText)[] = [];
  for (const child of element.children) {
    if (child instanceof XmlElement) children.push(elementOf(child, text, lines));
    else if (child instanceof XmlText) {
      const indent = /^\s*/.exec(text.slice(child.start, child.end))?.[0].length ?? 0;
      children.push({ kind: "text", text: child.text, at: lines.at(child.start + indent) });
    }
  }
  return {
    kind: "element",
    name: element.name,
    at: lines.at(element.start),
    attributes: attributesOf(element, text, lines),
    children,
  };
}

/** The parser keeps no places of attributes. The start tag is well-formed by now: names, `=` and quoted values. */
function attributesOf(element: XmlElement, text: string, lines: SourceLines): readonly SourceAttribute[] {
  const attributes: SourceAttribute[] = [];
  let at = element.start + 1 + element.name.length;
  for (const [name, value] of Object.entries(element.attributes)) {
    at = text.indexOf(name, at);
    attributes.push({ name, value, at: lines.at(at) });
    at = quotedEnd(text, at + name.length);
  }
  return attributes;
}

/** Where the next quoted value ends. */
function quotedEnd(text: string, from: number): number {
  let open = from;
  while (open < text.length && text[open] !== '"' && text[open] !== "'") open += 1;
  return text.indexOf(text[open] ?? '"', open + 1) + 1;
}

/**
 * What the XML parser takes and we do not: document types (they can define entities and TwiML has none) and deep nesting.
 * Reads tags as the parser does; wherever it would stop for an error, stopping is right here too. Each character is read once.
 */
function unacceptable(text: string): { readonly offset: number; readonly message: string } | undefined {
  let depth = 0;
  let at = text.indexOf("<");
  while (at >= 0) {
    let end: number;
    if (text.startsWith("<!--", at)) end = text.indexOf("-->", at + 4);
    else if (text.startsWith("<![CDATA[", at)) end = text.indexOf("]]>", at + 9);
    else if (text.startsWith("<?", at)) end = text.indexOf("?>", at + 2);
    else if (text.startsWith("<!", at))
      return { offset: at, message: "document types and declarations are not accepted" };
    else if (text.startsWith("</", at)) {
      depth = Math.max(0, depth - 1);
      end = at;
    } else {
      if (depth === DEPTH_LIMIT) return { offset: at, message: `elements are nested more than ${DEPTH_LIMIT} deep` };
      end = startTagEnd(text, at + 1);
      if (text[end - 1] !== "/") depth += 1;
    }
    at = end < 0 ? -1 : text.indexOf("<", end + 1);
  }
  return undefined;
}

/** The `>` that ends a start tag, or -1. */
function startTagEnd(text: string, from: number): number {
  for (let at = from; at < text.length; at += 1) {
    const character = text[at];
    if (character === ">") return at;
    if (character === '"' || character === "'") {
      at = text.indexOf(character, at + 1);
      if (at < 0) return -1;
    }
  }
  return -1;
}

/** The parser counts characters; strings count 16-bit units. */
function offsetOfCharacter(text: string, count: number): number {
  let offset = 0;
  for (let seen = 0; seen < count && offset < text.length; seen += 1) {
    offset += (text.codePointAt(offset) ?? 0) > 0xffff ? 2 : 1;
  }
  return offset;
}

/** The message goes on with its place and a drawing of it. */
function withoutExcerpt(message: string): string {
  return message.replace(/ \(line \d+, column \d+\)[^]*$/, "");
}
