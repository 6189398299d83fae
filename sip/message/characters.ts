/** Character classes of the RFC 3261 section 25.1 grammar and a cursor that reads its common productions. */

export const HT = 9;
export const LF = 10;
export const CR = 13;
export const SP = 32;
export const DQUOTE = 34;
export const COMMA = 44;
export const SLASH = 47;
export const COLON = 58;
export const SEMICOLON = 59;
export const LESS_THAN = 60;
export const EQUALS = 61;
export const GREATER_THAN = 62;
export const QUESTION = 63;
export const AT_SIGN = 64;
export const LEFT_BRACKET = 91;
const BACKSLASH = 92;
export const DEL = 127;

export const ALPHANUMERIC = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

/** A set of ASCII characters as a lookup table: 1 for members, so that `table[code] === 1` also answers for codes beyond it. */
export function characterTable(members: string): Uint8Array {
  const table = new Uint8Array(128);
  for (const member of members) table[member.charCodeAt(0)] = 1;
  return table;
}

const TOKEN = characterTable(`${ALPHANUMERIC}-.!%*_+\`'~`);

/** All visible ASCII but the separators of header values. */
const PLAIN_VALUE = characterTable(`${ALPHANUMERIC}!#$%&'()*+-./:=?@[\\]^_\`{|}~`);

export function isToken(text: string): boolean {
  for (let at = 0; at < text.length; at++) {
    if (TOKEN[text.charCodeAt(at)] !== 1) return false;
  }
  return text.length > 0;
}

/** Where the members of a table that start at `start` end. Stops at the text's end by itself: a lookup with NaN is slow. */
export function skipMembers(text: string, start: number, members: Uint8Array): number {
  let at = start;
  while (at < text.length && members[text.charCodeAt(at)] === 1) at++;
  return at;
}

export function skipToken(text: string, start: number): number {
  return skipMembers(text, start, TOKEN);
}

export function isDigitCode(code: number): boolean {
  return code >= 48 && code <= 57;
}

export function isAlphaCode(code: number): boolean {
  const lower = code | 32;
  return lower >= 97 && lower <= 122;
}

/** A decimal number without sign that fits `max`; undefined for anything else, however long. */
export function parseDecimal(text: string, max: number): number | undefined {
  if (text.length === 0) return undefined;
  let value = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (!isDigitCode(code)) return undefined;
    value = value * 10 + (code - 48);
    if (value > max) return undefined;
  }
  return value;
}

/** Peer text made safe for a log line or a reason: printable ASCII, shortened. */
export function printable(text: string, maxLength = 60): string {
  let result = "";
  for (let at = 0; at < text.length && at < maxLength; at++) {
    const code = text.charCodeAt(at);
    result += code >= 32 && code < 127 ? text.charAt(at) : "?";
  }
  return text.length > maxLength ? `${result}...` : result;
}

export type Params = ReadonlyMap<string, string | true>;

export const NO_PARAMS: Params = new Map();

/** Reads an unfolded header value from left to right. Methods that find nothing leave the position alone. */
export class Scanner {
  readonly text: string;
  pos: number;

  constructor(text: string, pos = 0) {
    this.text = text;
    this.pos = pos;
  }

  /** The next character code; NaN at the end. */
  peek(): number {
    return this.text.charCodeAt(this.pos);
  }

  atEnd(): boolean {
    return this.pos >= this.text.length;
  }

  skipSpace(): void {
    let code = this.text.charCodeAt(this.pos);
    while (code === SP || code === HT) code = this.text.charCodeAt(++this.pos);
  }

  eat(code: number): boolean {
    if (this.text.charCodeAt(this.pos) !== code) return false;
    this.pos++;
    return true;
  }

  /** `token` of the grammar, empty when there is none. */
  token(): string {
    return this.#take(TOKEN);
  }

  #take(members: Uint8Array): string {
    const { text, pos: start } = this;
    this.pos = skipMembers(text, start, members);
    return text.slice(start, this.pos);
  }

  digits(): string {
    const start = this.pos;
    while (isDigitCode(this.text.charCodeAt(this.pos))) this.pos++;
    return this.text.slice(start, this.pos);
  }

  /** `quoted-string`, unescaped; undefined when none starts here or it has no end. */
  quotedString(): string | undefined {
    if (this.peek() !== DQUOTE) return undefined;
    const start = this.pos + 1;
    const quote = this.text.indexOf('"', start);
    if (quote === -1) return undefined;
    const plain = this.text.slice(start, quote);
    if (!plain.includes("\\")) {
      this.pos = quote + 1;
      return plain;
    }
    return this.#escapedString(start);
  }

  #escapedString(start: number): string | undefined {
    let result = "";
    let copied = start;
    for (let at = start; at < this.text.length; at++) {
      const code = this.text.charCodeAt(at);
      if (code === BACKSLASH) {
        result += this.text.slice(copied, at);
        copied = at + 1;
        at++;
      } else if (code === DQUOTE) {
        this.pos = at + 1;
        return result + this.text.slice(copied, at);
      }
    }
    return undefined;
  }

  /**
   * A parameter value without quotes. Wider than `token / host`, because values such as base64 tags are common and
   * harmless: it ends where the grammar around it goes on.
   */
  plainValue(): string {
    return this.#take(PLAIN_VALUE);
  }

  /** `*( SEMI generic-param )`, names in lower case; undefined when it is malformed or a name comes twice (section 7.3.1). */
  params(): Params | undefined {
    let params: Map<string, string | true> | undefined;
    for (;;) {
      const name = this.paramName();
      if (name === undefined) return params ?? NO_PARAMS;
      params ??= new Map();
      const value = this.paramValue();
      if (name === "" || value === undefined || params.has(name)) return undefined;
      params.set(name, value);
    }
  }

  /** `SEMI token` in lower case; undefined when no semicolon comes, empty when no name follows it. */
  paramName(): string | undefined {
    this.skipSpace();
    if (!this.eat(SEMICOLON)) return undefined;
    this.skipSpace();
    const { text, pos: start } = this;
    let at = start;
    let isLower = true;
    for (; at < text.length; at++) {
      const code = text.charCodeAt(at);
      if (TOKEN[code] !== 1) break;
      if (code >= 65 && code <= 90) isLower = false;
    }
    this.pos = at;
    const name = text.slice(start, at);
    return isLower ? name : name.toLowerCase();
  }

  /** What follows a parameter's name: `true` when nothing does, undefined when it is malformed. */
  paramValue(): string | true | undefined {
    this.skipSpace();
    if (!this.eat(EQUALS)) return true;
    this.skipSpace();
    if (this.peek() === DQUOTE) return this.quotedString();
    const value = this.plainValue();
    return value === "" ? undefined : value;
  }
}

/** Whether a parameter value can stand without quotes. */
export function isPlainValue(text: string): boolean {
  for (let at = 0; at < text.length; at++) {
    if (PLAIN_VALUE[text.charCodeAt(at)] !== 1) return false;
  }
  return text.length > 0;
}

export function quote(text: string): string {
  return `"${text.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
}

/** A comma-separated list taken apart, blind to commas within quotes and angle brackets; the parts are trimmed and may be empty. */
export function splitList(text: string): readonly string[] {
  if (!text.includes(",")) return [text];
  const parts: string[] = [];
  let start = 0;
  let quoted = false;
  let bracketed = false;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (quoted) {
      if (code === BACKSLASH) at++;
      else if (code === DQUOTE) quoted = false;
    } else if (code === DQUOTE) quoted = true;
    else if (code === LESS_THAN) bracketed = true;
    else if (code === GREATER_THAN) bracketed = false;
    else if (code === COMMA && !bracketed) {
      parts.push(text.slice(start, at).trim());
      start = at + 1;
    }
  }
  parts.push(text.slice(start).trim());
  return parts;
}
