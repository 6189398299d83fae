/** Touch tones at a gateway: from its peers to the Call object, and from there to its peers. */
import type { CallCommand } from "#protocol/call-messages";
import { clampToneMs } from "#protocol/touch-tone";
import type { TouchTone, TouchToneSource } from "#protocol/touch-tone";
import { DTMF_RELAY_TYPE, dtmfRelayBody, readInfo } from "#sip/core/dtmf-info";
import { createDialogRequest } from "#sip/dialog/dialog-request";
import { createResponse } from "#sip/message/build";
import type { ServerTransaction } from "../sip-transport/sip-stack.ts";
import { contactOf, publish, sendRequest } from "./call-context.ts";
import type { CallContext } from "./call-context.ts";
import type { HeaderPairs } from "./capabilities.ts";
import type { Leg, PhoneLeg } from "./leg.ts";

/** `false`: it was one too many. */
export function reportDigit(
  context: CallContext,
  leg: Leg,
  digit: TouchTone,
  source: TouchToneSource,
  durationMs?: number,
): boolean {
  if (!leg.keys.take(context.clock.nowMs())) {
    context.count(`calls.digits-too-fast.${source}`);
    return false;
  }
  context.count(`calls.digits.${source}`);
  publish(context, leg, { kind: "digit-received", leg: leg.leg, digit, source, durationMs });
  return true;
}

/** INFO of a phone in its dialog (RFC 6086). */
export function receiveInfo(context: CallContext, leg: PhoneLeg, transaction: ServerTransaction): void {
  const reading = readInfo(transaction.request);
  const respond = (status: number, headers: HeaderPairs = []): void =>
    transaction.respond(createResponse(transaction.request, status, { headers }));
  if (!reading.ok) {
    context.count(`info.refused.${reading.code}`);
    return respond(reading.status, reading.headers);
  }
  const { tone } = reading;
  if (tone !== undefined && !reportDigit(context, leg, tone.digit, "info", tone.durationMs))
    return respond(503, [["Retry-After", "1"]]);
  respond(200);
}

/** `send-digit`. */
export function sendDigit(
  context: CallContext,
  leg: Leg,
  { digit, durationMs }: Extract<CallCommand, { kind: "send-digit" }>,
): void {
  const lastsMs = clampToneMs(durationMs);
  if (context.media.sendDigit(leg.key, digit, lastsMs)) return;
  if (leg.kind === "phone" && takesInfo(leg)) return sendInfo(context, leg, dtmfRelayBody(digit, lastsMs));
  context.count("calls.digit-undeliverable");
}

function takesInfo({ ending, capsule, dialog }: PhoneLeg): boolean {
  const allowed = dialog.remoteAllow.length === 0 || dialog.remoteAllow.includes("INFO");
  return allowed && !ending && capsule.phase === "confirmed";
}

function sendInfo(context: CallContext, leg: PhoneLeg, body: string): void {
  const contact = contactOf(context, leg);
  const { request, dialog } = createDialogRequest(leg.dialog, "INFO", { contact, body, contentType: DTMF_RELAY_TYPE });
  leg.dialog = dialog;
  // The key is lost; the call goes on.
  const lost = (): void => context.count("calls.digit-undeliverable");
  sendRequest(context, leg, request, {
    onResponse: ({ status }) => {
      if (status >= 300) lost();
    },
    onTimeout: lost,
    onTransportError: lost,
  });
}
