/** Cuts a TCP or TLS stream into SIP messages (RFC 3261 section 18.3) and keep-alives (RFC 5626 section 4.4.1). */
import { CR, LF, parseDecimal, printable } from "./characters.ts";
import { decodeHead, findHeadEnd, scanContentLength, type ProblemSeed } from "./head-scanner.ts";
import { SIP_LIMITS, type SipLimits } from "./limits.ts";
import { parseSipMessage, type SipParseProblem } from "./parser.ts";

export type FramedInput =
  | { readonly kind: "message"; readonly bytes: Uint8Array }
  /** CRLFCRLF: answer with CRLF. */
  | { readonly kind: "ping" }
  /** Where the next message starts cannot be known any more: answer if `respondable`, then close. */
  | { readonly kind: "broken"; readonly problem: SipParseProblem };

const NO_OCTETS = new Uint8Array(0);
/** Buffers up to this size stay with an idle connection, larger ones are given back. */
const IDLE_BUFFER_OCTETS = 4_096;

/**
 * One per connection. Frames by Content-Length, which must be there exactly once; anything in doubt is "broken", because two
 * readers that disagree about a message's end allow one to be smuggled past the other. Work is linear in the octets pushed.
 */
export class SipStreamFramer {
  readonly #limits: SipLimits;
  /** Holds what has arrived of the unfinished input, in its first `#buffered` octets. */
  #buffer: Uint8Array = NO_OCTETS;
  #buffered = 0;
  /** Octets of the unfinished message that were searched for the end of its head. */
  #searched = 0;
  /** Length of the unfinished message, once its head is complete. */
  #messageLength: number | undefined;
  /** An empty line has come that may be the first half of a ping. */
  #hasBlankLine = false;
  #isBroken = false;

  constructor(limits: SipLimits = SIP_LIMITS) {
    this.#limits = limits;
  }

  /** What became complete with these octets. The chunk is not kept; messages are copies. */
  push(chunk: Uint8Array): readonly FramedInput[] {
    if (this.#isBroken) return [];
    const data = this.#buffered === 0 ? chunk : this.#append(chunk);
    const inputs: FramedInput[] = [];
    let pos = 0;
    for (;;) {
      const next = this.#isBetweenMessages() ? this.#skipBlankLines(data, pos, inputs) : pos;
      const end = this.#isBroken ? undefined : this.#frameMessage(data, next, inputs);
      pos = end ?? next;
      if (end === undefined) break;
    }
    this.#keep(data, pos);
    return inputs;
  }

  #isBetweenMessages(): boolean {
    return this.#searched === 0;
  }

  /** Reports pings and returns where the start line is, or where the octets end. */
  #skipBlankLines(data: Uint8Array, start: number, inputs: FramedInput[]): number {
    let pos = start;
    while (data[pos] === CR && pos + 1 < data.length) {
      if (data[pos + 1] !== LF) {
        this.#break({ code: "line-end-invalid", status: 400, detail: "CR alone between messages" }, NO_OCTETS, inputs);
        return pos;
      }
      if (this.#hasBlankLine) inputs.push({ kind: "ping" });
      this.#hasBlankLine = !this.#hasBlankLine;
      pos += 2;
    }
    if (pos < data.length && data[pos] !== CR) this.#hasBlankLine = false;
    return pos;
  }

  /** Returns the end of the message at `start`, undefined when it is not complete or never will be. */
  #frameMessage(data: Uint8Array, start: number, inputs: FramedInput[]): number | undefined {
    const available = data.length - start;
    // A CR may be half of a blank line still.
    if (available === 0 || data[start] === CR) return undefined;
    this.#messageLength ??= this.#measure(data, start, inputs);
    if (this.#messageLength === undefined || available < this.#messageLength) return undefined;
    const end = start + this.#messageLength;
    inputs.push({ kind: "message", bytes: copy(data, start, end) });
    this.#messageLength = undefined;
    this.#searched = 0;
    return end;
  }

  /** The length of the message at `start`, undefined while its head is not complete or when it is beyond repair. */
  #measure(data: Uint8Array, start: number, inputs: FramedInput[]): number | undefined {
    const max = this.#limits.maxMessageBytes;
    const searchEnd = Math.min(data.length, start + max);
    // The empty line may have begun in the octets of an earlier push.
    const headEnd = findHeadEnd(data, start + Math.max(0, this.#searched - 3), searchEnd);
    this.#searched = searchEnd - start;
    if (headEnd === -1) {
      if (data.length - start >= max)
        this.#break(
          { code: "message-too-long", status: 513, detail: `no end of the head within ${max} octets` },
          NO_OCTETS,
          inputs,
        );
      return undefined;
    }
    const bodyStart = headEnd + 4;
    const length = contentLength(decodeHead(data.subarray(start, headEnd + 2)), max - (bodyStart - start));
    if (typeof length === "number") return bodyStart - start + length;
    this.#break(length, data.subarray(start, bodyStart), inputs);
    return undefined;
  }

  #break(seed: ProblemSeed, head: Uint8Array, inputs: FramedInput[]): void {
    this.#isBroken = true;
    inputs.push({ kind: "broken", problem: withRespondable(seed, head) });
  }

  #append(chunk: Uint8Array): Uint8Array {
    const length = this.#buffered + chunk.length;
    this.#reserve(length, this.#buffer.subarray(0, this.#buffered));
    this.#buffer.set(chunk, this.#buffered);
    return this.#buffer.subarray(0, length);
  }

  /** Makes room for `length` octets, with `kept` at the start. Doubling keeps the copying linear. */
  #reserve(length: number, kept: Uint8Array): void {
    if (length <= this.#buffer.length) {
      if (kept.buffer !== this.#buffer.buffer || kept.byteOffset !== this.#buffer.byteOffset) this.#buffer.set(kept);
      return;
    }
    const grown = new Uint8Array(Math.max(length, 2 * this.#buffer.length));
    grown.set(kept);
    this.#buffer = grown;
  }

  #keep(data: Uint8Array, start: number): void {
    const rest = this.#isBroken ? NO_OCTETS : data.subarray(start);
    if (rest.length === 0 && this.#buffer.length > IDLE_BUFFER_OCTETS) this.#buffer = NO_OCTETS;
    else if (rest.length > 0) this.#reserve(rest.length, rest);
    this.#buffered = rest.length;
  }
}

/** Not slice(): of a Node Buffer that is a view. */
function copy(data: Uint8Array, start: number, end: number): Uint8Array {
  const octets = new Uint8Array(end - start);
  octets.set(data.subarray(start, end));
  return octets;
}

function contentLength(head: string, max: number): number | ProblemSeed {
  const value = scanContentLength(head);
  if (value === undefined)
    return { code: "content-length-missing", status: 400, detail: "a stream needs Content-Length" };
  if (typeof value !== "string") return value;
  const length = parseDecimal(value, Number.POSITIVE_INFINITY);
  if (length === undefined)
    return { code: "content-length-invalid", status: 400, detail: `Content-Length is ${printable(value)}` };
  if (length > max) return { code: "message-too-long", status: 413, detail: `Content-Length is ${printable(value)}` };
  return length;
}

/** The rest of the head tells whom to answer. */
function withRespondable(seed: ProblemSeed, head: Uint8Array): SipParseProblem {
  const outcome = parseSipMessage(head);
  if (!outcome.ok)
    return outcome.problem.respondable === undefined ? seed : { ...seed, respondable: outcome.problem.respondable };
  const { message } = outcome;
  return message.kind === "request" && message.method !== "ACK" ? { ...seed, respondable: message } : seed;
}
