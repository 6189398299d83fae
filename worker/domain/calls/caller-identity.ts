/** Who is calling, as a callee's device shows it. */
import type { CallDraft } from "./call-draft.ts";
import type { RingGroup } from "./ring-group-state.ts";

/** From of an INVITE to a callee, without its tag: the caller, or whom a Dial shows in its place. */
export function callerUri(draft: CallDraft, group: RingGroup | undefined): string {
  const { from, fromDisplayName, sipDomain } = draft.state;
  if (group?.callerId !== undefined) return `<sip:${userOfCallerId(group.callerId)}@${sipDomain}>`;
  const display = fromDisplayName?.replaceAll(/["\\\r\n]/g, "");
  const uri = `<sip:${from}@${sipDomain}>`;
  return display === undefined || display === "" ? uri : `"${display}" ${uri}`;
}

/** `client:alice`, `sip:alice@…` and `+15551234` are shown under the account's own domain, whatever they name. */
function userOfCallerId(callerId: string): string {
  return callerId.replace(/^(?:client|sip):/, "").replace(/@.*$/, "");
}
