/** Netstrings (`5:hello,`), the framing of baresip's control port. */

export function encodeNetstring(text: string): Buffer {
  const body = Buffer.from(text);
  return Buffer.concat([Buffer.from(`${body.length}:`), body, Buffer.from(",")]);
}

/** Takes bytes in any portions and returns the texts that they complete. */
export class NetstringDecoder {
  #rest = Buffer.alloc(0);

  push(bytes: Buffer): readonly string[] {
    this.#rest = Buffer.concat([this.#rest, bytes]);
    const texts: string[] = [];
    for (;;) {
      const colon = this.#rest.indexOf(":");
      if (colon < 0) return texts;
      const length = Number(this.#rest.toString("latin1", 0, colon));
      if (!Number.isInteger(length)) throw new Error(`not a netstring: ${this.#rest.toString("latin1", 0, 40)}`);
      const end = colon + 1 + length;
      if (this.#rest.length <= end) return texts;
      texts.push(this.#rest.toString("utf8", colon + 1, end));
      this.#rest = this.#rest.subarray(end + 1);
    }
  }
}
