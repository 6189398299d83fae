/** Dialogs as pure functions over `DialogState` (RFC 3261 section 12). */
export { dialogFromInvite, dialogFromResponse, type DialogSeed } from "./create-dialog.ts";
export { dialogKey, dialogKeyOf, type DialogKey } from "./dialog-id.ts";
export {
  acceptDialogRequest,
  createAck,
  createDialogRequest,
  refreshTarget,
  type DialogRequestOptions,
  type DialogRequestOutcome,
} from "./dialog-request.ts";
export { EPOCH_BLOCK, type DialogState } from "./dialog-state.ts";
export { enterEpoch, raiseSdpVersion } from "./epoch.ts";
export {
  createCancelFromCapsule,
  createResponseFromCapsule,
  inviteRemains,
  type CapsuleResponseOptions,
  type InviteRemains,
} from "./invite-remains.ts";
