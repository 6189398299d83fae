/** Numbers that no two owners of a dialog may both use (docs/design/capsule.md). */
import { EPOCH_BLOCK, type DialogState } from "./dialog-state.ts";

/** The dialog under a new owner: CSeq and SDP version start in the epoch's own block, whatever the old owner used. */
export function enterEpoch(dialog: DialogState, epoch: number): DialogState {
  const floor = epoch * EPOCH_BLOCK;
  if (dialog.localCseq >= floor && dialog.localSdpVersion >= floor) return dialog;
  return {
    ...dialog,
    localCseq: Math.max(dialog.localCseq, floor),
    localSdpVersion: Math.max(dialog.localSdpVersion, floor),
  };
}

/** The dialog before it sends another description: its `localSdpVersion` is the one to write into `o=` (RFC 3264 section 8: plus one each time). */
export function raiseSdpVersion(dialog: DialogState): DialogState {
  return { ...dialog, localSdpVersion: dialog.localSdpVersion + 1 };
}
