/** What a REGISTER does to the bindings of its address of record (RFC 3261 section 10.3 steps 6 and 7). Pure. */
import type { SipFlow } from "#protocol/capsule";
import { parseSipUri } from "#sip/message/sip-uri";
import { contactsOf, callIdOf, cseqOf, expiresOf, parseDeltaSeconds } from "#sip/message/typed-headers";
import type { NameAddr } from "#sip/message/name-addr";
import type { SipRequest } from "#sip/message/sip-message";
import { header } from "#sip/message/headers";
import { deviceOf, isSameBinding, regIdOf, sipInstanceOf } from "./contact-binding.ts";
import type { AddressOfRecord, ContactBinding } from "./contact-binding.ts";

export const MIN_EXPIRES_SECONDS = 60;
export const MAX_EXPIRES_SECONDS = 3_600;
export const DEFAULT_EXPIRES_SECONDS = 600;
export const MAX_BINDINGS = 10;
const MAX_USER_AGENT = 256;
/** As over WebSocket: the longest that a route holds (docs/operations.md, "Registering and calling"). */
const MAX_CONTACT = 1_024;

export type RegistrationPlan =
  | { readonly ok: true; readonly bindings: readonly ContactBinding[] }
  | {
      readonly ok: false;
      readonly status: number;
      readonly code:
        | "contact-invalid"
        | "contact-too-long"
        | "wildcard-with-expires"
        | "expires-too-brief"
        | "out-of-order"
        | "too-many-bindings";
      readonly headers?: readonly (readonly [name: string, value: string])[];
    };

export interface RegistrationInput {
  readonly address: AddressOfRecord;
  readonly current: readonly ContactBinding[];
  readonly request: SipRequest;
  readonly flow: SipFlow;
  readonly nowMs: number;
}

export function planRegistration(input: RegistrationInput): RegistrationPlan {
  const { request, nowMs } = input;
  const live = input.current.filter((binding) => binding.expiresAtMs > nowMs);
  const contacts = contactsOf(request);
  const order = { callId: callIdOf(request), cseq: cseqOf(request)?.number };
  if (contacts === undefined || order.callId === undefined || order.cseq === undefined)
    return refuse(400, "contact-invalid");
  const { callId, cseq } = { callId: order.callId, cseq: order.cseq };

  if (contacts === "*") {
    if (expiresOf(request) !== 0) return refuse(400, "wildcard-with-expires");
    return live.some((binding) => isOutOfOrder(binding, callId, cseq))
      ? refuse(500, "out-of-order")
      : { ok: true, bindings: [] };
  }

  let bindings: readonly ContactBinding[] = live;
  for (const contact of contacts) {
    const step = applyContact(input, bindings, contact, { callId, cseq });
    if (!step.ok) return step;
    bindings = step.bindings;
  }
  return bindings.length > MAX_BINDINGS ? refuse(403, "too-many-bindings") : { ok: true, bindings };
}

function applyContact(
  { address, request, flow, nowMs }: RegistrationInput,
  bindings: readonly ContactBinding[],
  contact: NameAddr,
  order: { readonly callId: string; readonly cseq: number },
): RegistrationPlan {
  const uri = parseSipUri(contact.uri);
  if (uri === undefined || uri.scheme === "tel") return refuse(400, "contact-invalid");
  if (contact.uri.length > MAX_CONTACT) return refuse(400, "contact-too-long");
  const expiresSeconds = expiresFor(contact, request);
  if (expiresSeconds > 0 && expiresSeconds < MIN_EXPIRES_SECONDS) {
    return { ...refuse(423, "expires-too-brief"), headers: [["Min-Expires", String(MIN_EXPIRES_SECONDS)]] };
  }
  const [sipInstance, regId] = [sipInstanceOf(contact), regIdOf(contact)];
  const same = bindings.filter((binding) => isSameBinding(binding, uri, sipInstance, regId));
  // All or nothing: an old REGISTER that arrives late must not undo any part of a newer one (step 7).
  if (same.some((binding) => isOutOfOrder(binding, order.callId, order.cseq))) return refuse(500, "out-of-order");
  const others = bindings.filter((binding) => !same.includes(binding));
  if (expiresSeconds === 0) return { ok: true, bindings: others };
  const grantedSeconds = Math.min(expiresSeconds, MAX_EXPIRES_SECONDS);
  const binding: ContactBinding = {
    contact,
    uri,
    ...order,
    expiresAtMs: nowMs + grantedSeconds * 1000,
    grantedSeconds,
    flow,
    device: deviceOf(address, sipInstance, uri),
    userAgent: header(request, "user-agent")?.slice(0, MAX_USER_AGENT),
    sipInstance,
    regId,
  };
  return { ok: true, bindings: [...others, binding] };
}

function expiresFor(contact: NameAddr, request: SipRequest): number {
  const own = contact.params.get("expires");
  const parsed = typeof own === "string" ? parseDeltaSeconds(own) : expiresOf(request);
  // A malformed value counts as the default (sections 10.2.1.1 and 20.19).
  return parsed ?? DEFAULT_EXPIRES_SECONDS;
}

function isOutOfOrder(binding: ContactBinding, callId: string, cseq: number): boolean {
  return binding.callId === callId && cseq <= binding.cseq;
}

function refuse(
  status: number,
  code: Extract<RegistrationPlan, { ok: false }>["code"],
): Extract<RegistrationPlan, { ok: false }> {
  return { ok: false, status, code };
}
