/** A Call resource as Twilio writes it (2010-04-01). */
import type { CallSummary } from "../../domain/calls/call-object-api.ts";

export const API_VERSION = "2010-04-01";

/** RFC 2822, always in UTC and written as an offset: `Fri, 18 Oct 2019 17:00:00 +0000`. */
export function rfc2822(atMs: number): string {
  return new Date(atMs).toUTCString().replace("GMT", "+0000");
}

const SUBRESOURCES = [
  "notifications",
  "recordings",
  "streams",
  "payments",
  "siprec",
  "transcriptions",
  "events",
  "user_defined_messages",
  "user_defined_message_subscriptions",
] as const;

export function callsPath(account: string): string {
  return `/${API_VERSION}/Accounts/${account}/Calls`;
}

export function callResource(call: CallSummary): Readonly<Record<string, unknown>> {
  const base = `${callsPath(call.account)}/${call.sid}`;
  return {
    sid: call.sid,
    date_created: rfc2822(call.createdAtMs),
    date_updated: rfc2822(call.updatedAtMs),
    parent_call_sid: call.parentSid ?? null,
    account_sid: call.account,
    to: call.to,
    to_formatted: call.to,
    from: call.from,
    from_formatted: call.from,
    phone_number_sid: null,
    status: call.status,
    start_time: call.status === "queued" ? null : rfc2822(call.answeredAtMs ?? call.createdAtMs),
    end_time: call.endedAtMs === undefined ? null : rfc2822(call.endedAtMs),
    duration: durationSeconds(call),
    price: null,
    price_unit: "USD",
    direction: call.direction,
    answered_by: null,
    annotation: null,
    api_version: API_VERSION,
    forwarded_from: null,
    group_sid: null,
    caller_name: null,
    queue_time: "0",
    trunk_sid: null,
    uri: `${base}.json`,
    subresource_uris: Object.fromEntries(SUBRESOURCES.map((name) => [name, `${base}/${camelCase(name)}.json`])),
  };
}

/** A text on the wire, as with Twilio; `null` until the call is over. */
function durationSeconds({ answeredAtMs, endedAtMs }: CallSummary): string | null {
  if (endedAtMs === undefined) return null;
  return answeredAtMs === undefined ? "0" : String(Math.max(0, Math.round((endedAtMs - answeredAtMs) / 1_000)));
}

function camelCase(name: string): string {
  return name.replaceAll(/(^|_)([a-z])/g, (_, __, letter: string) => letter.toUpperCase());
}
