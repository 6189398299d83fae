/** Offsets in a text as line and column. */
import type { SourcePosition } from "./twiml-problem.ts";

export class SourceLines {
  /** Where each line starts. */
  readonly #starts: readonly number[];
  /** Second halves of the characters that take two 16-bit units. */
  readonly #secondHalves: readonly number[];

  constructor(text: string) {
    // XML 1.0 section 2.11: CR LF, CR and LF all end a line.
    this.#starts = [0, ...offsets(text, /\r\n|\r|\n/g, 0)];
    this.#secondHalves = offsets(text, /[\u{10000}-\u{10FFFF}]/gu, -1);
  }

  at(offset: number): SourcePosition {
    const line = countUpTo(this.#starts, offset);
    const start = this.#starts[line - 1] ?? 0;
    const doubled = countUpTo(this.#secondHalves, offset - 1) - countUpTo(this.#secondHalves, start - 1);
    return { line, column: offset - start - doubled + 1 };
  }
}

/** The end of each match, moved. */
function offsets(text: string, pattern: RegExp, move: number): readonly number[] {
  return Array.from(text.matchAll(pattern), (match) => match.index + match[0].length + move);
}

/** How many of the ascending numbers are not above the limit. */
function countUpTo(numbers: readonly number[], limit: number): number {
  let low = 0;
  let high = numbers.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((numbers[middle] ?? 0) <= limit) low = middle + 1;
    else high = middle;
  }
  return low;
}
