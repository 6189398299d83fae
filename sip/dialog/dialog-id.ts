/** Look-up keys for dialogs (RFC 3261 section 12: Call-ID, local tag, remote tag). */
import type { SipMessage } from "../message/sip-message.ts";
import { callIdOf, fromOf, toOf } from "../message/typed-headers.ts";
import { tagOf } from "../message/name-addr.ts";
import type { DialogState } from "./dialog-state.ts";

/** A key for maps; neither Call-IDs nor tags can hold a space. */
export type DialogKey = string;

export function dialogKey(dialog: Pick<DialogState, "callId" | "localTag" | "remoteTag">): DialogKey {
  return keyOf(dialog.callId, dialog.localTag, dialog.remoteTag);
}

/**
 * The dialog that a message belongs to. `uas`: we received the request (our tag is in To); `uac`: we sent it, or
 * received a response to it (our tag is in From). Our own tag must be there; the peer's may be missing (RFC 2543).
 */
export function dialogKeyOf(message: SipMessage, side: "uas" | "uac"): DialogKey | undefined {
  const callId = callIdOf(message);
  const [local, remote] = side === "uas" ? [toOf(message), fromOf(message)] : [fromOf(message), toOf(message)];
  const localTag = local === undefined ? undefined : tagOf(local);
  if (callId === undefined || localTag === undefined || remote === undefined) return undefined;
  return keyOf(callId, localTag, tagOf(remote));
}

function keyOf(callId: string, localTag: string, remoteTag: string | undefined): DialogKey {
  return `${callId} ${localTag} ${remoteTag ?? ""}`;
}
