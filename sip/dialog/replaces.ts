/** The Replaces header field: which dialog an INVITE takes the place of (RFC 3891). */
import { Scanner } from "../message/characters.ts";

export interface Replaces {
  readonly callId: string;
  /** Tag of the side that gets the INVITE. */
  readonly toTag: string;
  readonly fromTag: string;
  /** Only while that dialog is an early one. */
  readonly earlyOnly: boolean;
}

/** `undefined` for what is malformed: both tags and a Call-ID must be there (section 6.1). */
export function parseReplaces(value: string): Replaces | undefined {
  const end = value.indexOf(";");
  const callId = value.slice(0, end).trim();
  if (end < 0 || callId === "" || /\s/.test(callId)) return undefined;
  const scanner = new Scanner(value, end);
  const params = scanner.params();
  const [toTag, fromTag, earlyOnly] = [params?.get("to-tag"), params?.get("from-tag"), params?.get("early-only")];
  if (!scanner.atEnd() || typeof toTag !== "string" || typeof fromTag !== "string") return undefined;
  return { callId, toTag, fromTag, earlyOnly: earlyOnly !== undefined };
}
