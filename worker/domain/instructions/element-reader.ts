/** Reads the attributes and text of one element, notes what is wrong with each, and goes on with the default. */
import type { HttpMethod } from "./instruction.ts";
import type { SourceAttribute, SourceElement } from "./source-tree.ts";
import { twimlError, twimlWarning } from "./twiml-problem.ts";
import type { SourcePosition, TwimlErrorCode, TwimlProblem, TwimlWarningCode } from "./twiml-problem.ts";
import { UNSUPPORTED_ATTRIBUTES } from "./twiml-vocabulary.ts";
import { isUrlReference } from "./url-reference.ts";

/** What Twilio means by endless. */
const LOOP_LIMIT = 1_000;

export class ElementReader {
  readonly element: SourceElement;
  readonly problems: TwimlProblem[];
  readonly #read = new Set<string>();

  constructor(element: SourceElement, problems: TwimlProblem[]) {
    this.element = element;
    this.problems = problems;
  }

  warn(code: TwimlWarningCode, message: string, at: SourcePosition = this.element.at): void {
    this.problems.push(twimlWarning(code, at, message, this.element.name));
  }

  fail(code: TwimlErrorCode, message: string, at: SourcePosition = this.element.at): void {
    this.problems.push(twimlError(code, at, message, this.element.name));
  }

  attribute(name: string): SourceAttribute | undefined {
    this.#read.add(name);
    return this.element.attributes.find((attribute) => attribute.name === name);
  }

  /** An attribute that has to match; `undefined` when absent or wrong. */
  matching(
    name: string,
    pattern: RegExp,
    rule: { readonly code: TwimlWarningCode; readonly must: string },
  ): string | undefined {
    const attribute = this.attribute(name);
    const value = attribute?.value.trim();
    if (attribute === undefined || value === undefined) return undefined;
    if (pattern.test(value)) return value;
    this.warn(rule.code, `${name} ${rule.must}; it is ignored`, attribute.at);
    return undefined;
  }

  integer(
    name: string,
    rule: { readonly min: number; readonly max: number; readonly fallback: number; readonly code: TwimlWarningCode },
  ): number {
    const attribute = this.attribute(name);
    if (attribute === undefined) return rule.fallback;
    const text = attribute.value.trim();
    const number = /^\d+$/.test(text) ? Number(text) : undefined;
    const used = number === undefined ? rule.fallback : Math.min(Math.max(number, rule.min), rule.max);
    if (used !== number)
      this.warn(
        rule.code,
        `${name} must be a whole number from ${rule.min} to ${rule.max}; ${used} is used`,
        attribute.at,
      );
    return used;
  }

  /** As Twilio has it: a number of times, where 0 means the most that there is. */
  loop(code: TwimlWarningCode): number {
    const count = this.integer("loop", { min: 0, max: LOOP_LIMIT, fallback: 1, code });
    return count === 0 ? LOOP_LIMIT : count;
  }

  /** `false` when absent or wrong. */
  flag(name: string, code: TwimlWarningCode): boolean {
    const attribute = this.attribute(name);
    const text = attribute?.value.trim().toLowerCase();
    if (attribute !== undefined && text !== "true" && text !== "false")
      this.warn(code, `${name} must be true or false; false is used`, attribute.at);
    return text === "true";
  }

  method(code: TwimlWarningCode): HttpMethod {
    const attribute = this.attribute("method");
    const text = attribute?.value.trim().toUpperCase();
    if (attribute !== undefined && text !== "GET" && text !== "POST")
      this.warn(code, "method must be GET or POST; POST is used", attribute.at);
    return text === "GET" ? "GET" : "POST";
  }

  /** A URL, absolute or relative, of one of the schemes; an error when it cannot be one. */
  url(text: string, at: SourcePosition, schemes: readonly string[]): string | undefined {
    const url = text.trim();
    if (isUrlReference(url, schemes)) return url;
    this.fail(11100, `"${shortened(url)}" is not a URL of ${schemes.join(", ")}, nor a relative one`, at);
    return undefined;
  }

  /** The trimmed text right inside the element, with its place. Elements inside are not looked at. */
  text(): { readonly text: string; readonly at: SourcePosition } {
    const texts = this.element.children.filter((child) => child.kind === "text");
    const first = texts.find((child) => child.text.trim() !== "");
    return {
      text: texts
        .map((child) => child.text)
        .join("")
        .trim(),
      at: first?.at ?? this.element.at,
    };
  }

  get childElements(): readonly SourceElement[] {
    return this.element.children.filter((child) => child.kind === "element");
  }

  /** To be called after the last attribute was read: whatever else there is, is not ours. */
  skipOtherAttributes(): void {
    const unsupported = UNSUPPORTED_ATTRIBUTES[this.element.name];
    for (const { name, at } of this.element.attributes) {
      // Name spaces, schema locations and white space say nothing about the call.
      if (this.#read.has(name) || /^(?:xmlns$|xmlns:|xml:|xsi:)/.test(name)) continue;
      if (unsupported?.has(name)) this.warn(12200, `attribute ${name} is not supported yet and is ignored`, at);
      else this.warn(12200, `attribute ${shortened(name)} is unknown and is ignored`, at);
    }
  }

  skipElements(except: readonly string[] = []): void {
    for (const child of this.childElements) if (!except.includes(child.name)) this.skipUnknown(child);
  }

  skipUnknown(child: SourceElement): void {
    const message = `<${shortened(child.name)}> in <${this.element.name}> is unknown and is skipped`;
    this.problems.push(twimlWarning(12200, child.at, message, shortened(child.name)));
  }

  skipText(): void {
    for (const child of this.element.children) {
      if (child.kind === "text" && child.text.trim() !== "")
        this.warn(12200, `text in <${this.element.name}> is ignored`, child.at);
    }
  }
}

/** Messages are stored and shown; what they quote has an end. */
export function shortened(text: string): string {
  return text.length <= 80 ? text : `${text.slice(0, 80)}…`;
}
