/**
 * Percent escapes of URI parts. An escape names an octet; octets that are UTF-8 become characters, any other octet
 * becomes a lone low surrogate (U+DC80 + octet - 0x80), so that every URI survives parsing and serialising unchanged in meaning.
 */
const HEX = "0123456789ABCDEF";
const PERCENT = 37;
const SURROGATE_ESCAPE = 0xdc00;

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function hexValue(code: number): number {
  if (code >= 48 && code <= 57) return code - 48;
  const upper = code & ~32;
  return upper >= 65 && upper <= 70 ? upper - 55 : -1;
}

/** The unescaped span; undefined when it holds a character outside `allowed` or a broken escape. */
export function unescapeUriPart(text: string, start: number, end: number, allowed: Uint8Array): string | undefined {
  let hasEscape = false;
  for (let at = start; at < end; at++) {
    const code = text.charCodeAt(at);
    if (code === PERCENT) {
      if (at + 2 >= end || hexValue(text.charCodeAt(at + 1)) < 0 || hexValue(text.charCodeAt(at + 2)) < 0)
        return undefined;
      hasEscape = true;
      at += 2;
    } else if (allowed[code] !== 1) return undefined;
  }
  const part = text.slice(start, end);
  return hasEscape ? decodeEscapes(part) : part;
}

/** `part` has well-formed escapes and is ASCII otherwise. */
function decodeEscapes(part: string): string {
  const octets = new Uint8Array(part.length);
  let length = 0;
  for (let at = 0; at < part.length; at++) {
    const code = part.charCodeAt(at);
    if (code === PERCENT) {
      octets[length++] = hexValue(part.charCodeAt(at + 1)) * 16 + hexValue(part.charCodeAt(at + 2));
      at += 2;
    } else octets[length++] = code;
  }
  return decodeOctets(octets.subarray(0, length));
}

function decodeOctets(octets: Uint8Array): string {
  try {
    return decoder.decode(octets);
  } catch {
    // Not UTF-8 as a whole: find the characters one by one and keep what is between them as octets.
    let text = "";
    let at = 0;
    while (at < octets.length) {
      const length = characterLength(octets, at);
      text +=
        length === 0
          ? String.fromCharCode(SURROGATE_ESCAPE + (octets[at] ?? 0))
          : decoder.decode(octets.subarray(at, at + length));
      at += length === 0 ? 1 : length;
    }
    return text;
  }
}

/** How many octets the UTF-8 character at `at` has; 0 when there is none. */
function characterLength(octets: Uint8Array, at: number): number {
  for (let length = 1; length <= 4 && at + length <= octets.length; length++) {
    try {
      decoder.decode(octets.subarray(at, at + length));
      return length;
    } catch {
      // Too short, or no character at all: the next length tells.
    }
  }
  return 0;
}

/** Escapes every character outside `allowed`. */
export function escapeUriPart(text: string, allowed: Uint8Array): string {
  let result = "";
  let copied = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (allowed[code] === 1) continue;
    const next = code >= 0xd800 && code < 0xdc00 ? at + 2 : at + 1;
    result += text.slice(copied, at) + escapeCharacter(text.slice(at, next));
    copied = next;
    at = next - 1;
  }
  return copied === 0 ? text : result + text.slice(copied);
}

function escapeCharacter(character: string): string {
  const code = character.charCodeAt(0);
  const octets =
    code >= SURROGATE_ESCAPE + 0x80 && code <= SURROGATE_ESCAPE + 0xff
      ? [code - SURROGATE_ESCAPE]
      : encoder.encode(character);
  let result = "";
  for (const octet of octets) result += `%${HEX.charAt(octet >> 4)}${HEX.charAt(octet & 15)}`;
  return result;
}
