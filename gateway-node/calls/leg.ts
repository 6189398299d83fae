/** The legs of this gateway: what is held for one while it lives here. */
import type { PhoneLegCapsule } from "#protocol/capsule";
import { callTag } from "#protocol/ids";
import type { CallToken, LegId } from "#protocol/ids";
import type { CodecName } from "#protocol/media";
import type { DialogState } from "#sip/dialog/dialog-state";
import type { SipRequest } from "#sip/message/sip-message";
import type { Clock, Timer } from "../clock.ts";
import type { ClientTransaction, ServerTransaction } from "../sip-transport/sip-stack.ts";
import type { MediaLegKey } from "../media/media-plane.ts";
import { KeyAllowance } from "./key-allowance.ts";

/** Each timer of a leg by what it waits for; setting one again replaces it. */
export type LegTimer =
  | "stored"
  | "ringing"
  | "cancelled"
  | "forget"
  | "success-repeat"
  | "adoption"
  | "adoption-retry"
  | "next-way"
  | "refer";

abstract class LegBase {
  readonly call: CallToken;
  readonly leg: LegId;
  /** Also the leg's dialog tag. */
  readonly key: MediaLegKey;
  /** The highest epoch that the Call object named for this leg. */
  epoch: number;
  /** Gone from the table: what still arrives for it is late. */
  gone = false;
  /** When its figures last went to the Call object. */
  figuresToldAtMs: number | undefined;
  readonly keys = new KeyAllowance();
  readonly #timers = new Map<LegTimer, Timer>();

  constructor(call: CallToken, leg: LegId, epoch: number) {
    this.call = call;
    this.leg = leg;
    this.key = callTag(call, leg);
    this.epoch = epoch;
  }

  setTimer(clock: Clock, name: LegTimer, delayMs: number, fire: () => void): void {
    this.clearTimer(name);
    const timer = clock.setTimer(delayMs, () => {
      this.#timers.delete(name);
      fire();
    });
    this.#timers.set(name, timer);
  }

  clearTimer(name: LegTimer): void {
    this.#timers.get(name)?.clear();
    this.#timers.delete(name);
  }

  clearTimers(): void {
    for (const timer of this.#timers.values()) timer.clear();
    this.#timers.clear();
  }
}

/** `uas`: the phone called us; `uac`: we called the phone. */
export type LegRole = "uas" | "uac";

export class PhoneLeg extends LegBase {
  readonly kind = "phone";
  readonly role: LegRole;
  capsule: PhoneLegCapsule;
  /** The phone's INVITE, until its ACK; absent for an adopted leg. */
  inviteTransaction: ServerTransaction | undefined;
  /** Our INVITE, until its final response. */
  outgoingInvite: ClientTransaction | undefined;
  /** Our re-INVITE that has no final response: the phone's own meets 491 meanwhile (RFC 3261 section 14.2). */
  pendingReinvite: ClientTransaction | undefined;
  /** The phone's re-INVITE that we answered 2xx, until its ACK. `offered`: the SDP in that 2xx was our offer. */
  answeredReinvite: { readonly transaction: ServerTransaction; readonly offered: boolean } | undefined;
  /** The ACK to the phone's 2xx, for each repeat of it. */
  acknowledgement: SipRequest | undefined;
  /** Where the phone sends its audio. */
  mediaAddress: { readonly host: string; readonly port: number } | undefined;
  /** The phone wants or sends no audio now: silence from it is no sign of death. */
  held = false;
  /** Its INVITE is to take the place of a dialog (RFC 3891). */
  replacing = false;
  /** CANCEL was received or sent. */
  cancelled = false;
  /** The Call object was told that this leg failed; once is enough. */
  failureReported = false;
  /** BYE is sent or waits for the ACK; only its end is awaited. */
  ending = false;
  /** BYE waits for the phone's ACK (RFC 3261 section 15). */
  byeAfterAck: { readonly reason?: string } | undefined;
  /** The phone's REFER that waits for the Call object's word. */
  pendingRefer: { readonly cseq: number; readonly transaction: ServerTransaction } | undefined;
  /** An adoption in progress, and when it began. */
  adoptingSinceMs: number | undefined;
  readonly ringingSeen = new Set<number>();
  /** The answer that a 183 of ours gave. */
  early: { readonly codec: CodecName; readonly sdp: string } | undefined;
  /** What the 200 says is not what an earlier 183 said: a re-INVITE follows the ACK. */
  renegotiates = false;

  constructor(init: {
    readonly call: CallToken;
    readonly leg: LegId;
    readonly epoch: number;
    readonly role: LegRole;
    readonly capsule: PhoneLegCapsule;
  }) {
    super(init.call, init.leg, init.epoch);
    this.role = init.role;
    this.capsule = init.capsule;
  }

  get dialog(): DialogState {
    return this.capsule.dialog;
  }

  set dialog(dialog: DialogState) {
    this.capsule = { ...this.capsule, dialog };
  }
}

/** Only the media of a browser: its SIP goes over the Worker. */
export class WebRtcLeg extends LegBase {
  readonly kind = "webrtc";
  secured = false;
}

export type Leg = PhoneLeg | WebRtcLeg;
