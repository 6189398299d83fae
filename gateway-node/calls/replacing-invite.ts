/** INVITE with Replaces: it names one of our tags, and that names the call, whichever gateways carry it (RFC 3891 section 3). */
import { parseCallTag, parseLegId } from "#protocol/ids";
import type { CallToken, LegId } from "#protocol/ids";
import { parseReplaces } from "#sip/dialog/replaces";
import type { CallContext } from "./call-context.ts";

const REPLACES_LIMIT = 1_024;
const LEG_NUMBERS = 999;
const TRIES = 5;

/** Whether the dialog is there, and may be replaced by whom, is the Call object's to say. */
export function replacingPlace(
  context: CallContext,
  value: string,
): { readonly call: CallToken; readonly leg: LegId } | { readonly status: number; readonly code: string } {
  const replaces = value.length > REPLACES_LIMIT ? undefined : parseReplaces(value);
  if (replaces === undefined) return { status: 400, code: "replaces-malformed" };
  // Ours is To for who talks with us, and From for who learnt of the dialog from its other side.
  const named = parseCallTag(replaces.toTag) ?? parseCallTag(replaces.fromTag);
  if (named === undefined) return { status: 481, code: "replaces-no-dialog" };
  const leg = freeLeg(context, named.call);
  return leg === undefined ? { status: 503, code: "replaces-no-leg" } : { call: named.call, leg };
}

/** Other gateways choose too, without asking; the Call object refuses the second of two equal ones. */
function freeLeg(context: CallContext, call: CallToken): LegId | undefined {
  for (let tries = 0; tries < TRIES; tries += 1) {
    const leg = parseLegId(`r${String(1 + Math.floor(context.random() * LEG_NUMBERS))}`);
    if (leg !== undefined && context.legs.get(call, leg) === undefined) return leg;
  }
  return undefined;
}
