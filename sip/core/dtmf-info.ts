/**
 * INFO with a touch tone in it: `application/dtmf-relay` (lines `Signal=` and `Duration=`) and `application/dtmf` (the key
 * alone). Both are legacy usages in the sense of RFC 6086 section 5, without an Info-Package; no RFC defines their bodies.
 */
import { parseTouchTone, touchToneOfCode } from "../../protocol/touch-tone.ts";
import type { TouchTone } from "../../protocol/touch-tone.ts";
import { header } from "../message/headers.ts";
import type { SipRequest } from "../message/sip-message.ts";
import { bodyText, contentTypeOf } from "../message/typed-headers.ts";

export const DTMF_RELAY_TYPE = "application/dtmf-relay";
const DTMF_TYPE = "application/dtmf";
/** Two short lines; what is longer is something else. */
const BODY_LIMIT = 256;

export type InfoReading =
  | { readonly ok: true; readonly tone?: { readonly digit: TouchTone; readonly durationMs?: number } }
  | {
      readonly ok: false;
      readonly status: 400 | 415 | 469;
      readonly code: "dtmf-malformed" | "info-type-unknown" | "info-package-unknown";
      readonly headers: readonly (readonly [name: string, value: string])[];
    };

const MALFORMED: InfoReading = { ok: false, status: 400, code: "dtmf-malformed", headers: [] };

export function readInfo(request: SipRequest): InfoReading {
  // RFC 6086 section 4.2.2: no package is taken here, which an empty Recv-Info says.
  if (header(request, "info-package") !== undefined)
    return { ok: false, status: 469, code: "info-package-unknown", headers: [["Recv-Info", ""]] };
  if (request.body.length === 0) return { ok: true };
  const type = contentTypeOf(request);
  if (type !== DTMF_RELAY_TYPE && type !== DTMF_TYPE) {
    const accept = ["Accept", `${DTMF_RELAY_TYPE}, ${DTMF_TYPE}`] as const;
    return { ok: false, status: 415, code: "info-type-unknown", headers: [accept] };
  }
  if (request.body.length > BODY_LIMIT) return MALFORMED;
  return type === DTMF_TYPE ? readDtmf(bodyText(request)) : readDtmfRelay(bodyText(request));
}

function readDtmf(body: string): InfoReading {
  const digit = parseTouchTone(body.trim().toUpperCase());
  return digit === undefined ? MALFORMED : { ok: true, tone: { digit } };
}

function readDtmfRelay(body: string): InfoReading {
  const digit = readSignal(/^[ \t]*signal[ \t]*=[ \t]*(\S+)[ \t]*$/im.exec(body)?.[1]);
  if (digit === undefined) return MALFORMED;
  const duration = /^[ \t]*duration[ \t]*=(.*)$/im.exec(body)?.[1]?.trim();
  if (duration === undefined) return { ok: true, tone: { digit } };
  return /^\d{1,6}$/.test(duration) ? { ok: true, tone: { digit, durationMs: Number(duration) } } : MALFORMED;
}

/** A key, or its event code where there is no character of its own: some phones write 10 for the star. */
function readSignal(text: string | undefined): TouchTone | undefined {
  if (text === undefined) return undefined;
  return /^1[0-5]$/.test(text) ? touchToneOfCode(Number(text)) : parseTouchTone(text.toUpperCase());
}

export function dtmfRelayBody(digit: TouchTone, durationMs: number): string {
  return `Signal=${digit}\r\nDuration=${String(durationMs)}\r\n`;
}
