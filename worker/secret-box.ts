/** Secrets at rest: AES-256-GCM under a key derived from the Worker's own, bound to what they belong to. */
import { createCipheriv, createDecipheriv, createHmac } from "node:crypto";
import { decodeBase64, decodeHex, encodeBase64Url } from "./encoding.ts";

const IV_BYTES = 12;
const TAG_BYTES = 16;

export class SecretBox {
  readonly #key: Uint8Array;

  /** `context` keeps the boxes of different owners apart: what one sealed, another cannot open. */
  constructor(callTokenKey: string, context: string) {
    const master = decodeHex(callTokenKey);
    if (master === undefined) throw new TypeError("the master key is hex");
    this.#key = createHmac("sha256", master).update(`nearside-secret-box-1\n${context}`).digest();
  }

  seal(secret: string): string {
    const iv = crypto.getRandomValues(new Uint8Array(IV_BYTES));
    const cipher = createCipheriv("aes-256-gcm", this.#key, iv);
    const sealed = [cipher.update(new TextEncoder().encode(secret)), cipher.final()];
    return encodeBase64Url(Uint8Array.from([...iv, ...sealed.flatMap((part) => [...part]), ...cipher.getAuthTag()]));
  }

  /** `undefined` when it was sealed under another key or changed since. */
  open(sealed: string): string | undefined {
    const bytes = decodeBase64(sealed);
    if (bytes === undefined || bytes.length < IV_BYTES + TAG_BYTES) return undefined;
    const decipher = createDecipheriv("aes-256-gcm", this.#key, bytes.subarray(0, IV_BYTES));
    decipher.setAuthTag(bytes.subarray(bytes.length - TAG_BYTES));
    try {
      const opened = [decipher.update(bytes.subarray(IV_BYTES, bytes.length - TAG_BYTES)), decipher.final()];
      return new TextDecoder().decode(Uint8Array.from(opened.flatMap((part) => [...part])));
    } catch {
      return undefined;
    }
  }
}
