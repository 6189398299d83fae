/** Carries out what Call objects command: in the order of each call's stream, and never under an epoch that is past. */
import type { CallCommand, CallEvent } from "#protocol/call-messages";
import { callTag } from "#protocol/ids";
import type { CallToken, LegId } from "#protocol/ids";
import { reasonPhrase } from "#sip/message/build";
import type { ReceivedCommand, UnreadableCommand } from "../control/worker-frame.ts";
import { adoptLeg } from "./adoption.ts";
import { closeMedia, dropLeg } from "./call-context.ts";
import type { CallContext } from "./call-context.ts";
import { endFromHere, sendBye } from "./leg-ending.ts";
import type { FaultRim } from "./fault-rim.ts";
import type { Leg, PhoneLeg, WebRtcLeg } from "./leg.ts";
import { answerRefer, notifyLeg } from "./refer.ts";
import { sendDigit } from "./touch-tones.ts";
import { answerLeg, rejectLeg, ringLeg } from "./uas-leg.ts";
import type { Rejection } from "./uas-leg.ts";
import { cancelLeg, confirmLeg, inviteLeg } from "./uac-leg.ts";
import { adoptWebRtcLeg, completeWebRtcLeg, openWebRtcLeg, reopenWebRtcLeg } from "./webrtc-leg.ts";

const NOT_STORED: Rejection = { status: 503, reason: "Service Unavailable", retryAfterSeconds: 5 };
/** A call that is not there has no dialog to replace (RFC 3891 section 3). */
const NO_SUCH_DIALOG: Rejection = { status: 481, reason: reasonPhrase(481) };

export class CommandHandler {
  readonly #context: CallContext;
  readonly #rim: FaultRim;
  readonly #queues = new Map<CallToken, Promise<void>>();

  constructor(context: CallContext, rim: FaultRim) {
    this.#context = context;
    this.#rim = rim;
  }

  /** Commands of one call wait for each other: opening a port takes a moment, and `join-leg` comes right after it. */
  handle(call: CallToken, numbered: ReceivedCommand): void {
    const earlier = this.#queues.get(call) ?? Promise.resolve();
    const mine = earlier.then(() => this.#rim.run(call, numbered.command.leg, () => this.#perform(call, numbered)));
    this.#queues.set(call, mine);
    void mine.finally(() => {
      if (this.#queues.get(call) === mine) this.#queues.delete(call);
    });
  }

  /** Settles when every command that has arrived is carried out. */
  async idle(): Promise<void> {
    while (this.#queues.size > 0) await Promise.all(this.#queues.values());
  }

  /**
   * `call-gone`: this gateway has no part in the call any more. Its legs live on elsewhere or were ended there, so
   * nothing is said to phones, except to one whose call was never stored, as nobody else knows of it, and when the Worker
   * says that nobody will (`endLegs`).
   */
  handleGone(call: CallToken, endLegs = false): void {
    const stored = this.#context.control.settled(call);
    for (const leg of this.#context.legs.ofCall(call)) {
      this.#context.count("calls.gone");
      if (endLegs) {
        this.#context.guard(leg, () => failFaultyLeg(this.#context, leg));
        continue;
      }
      const unheard = !stored && leg.kind === "phone" && leg.role === "uas" && leg.capsule.phase === "ringing";
      if (unheard) rejectLeg(this.#context, leg, leg.replacing ? NO_SUCH_DIALOG : NOT_STORED);
      else dropLeg(this.#context, leg, "call-gone");
    }
    for (const leg of this.#context.hostedMembers.ofCall(call)) this.#closeRoomPort(call, leg, Infinity);
  }

  #perform(call: CallToken, { epoch, command }: ReceivedCommand): void | Promise<void> {
    const context = this.#context;
    const leg = context.legs.get(call, command.leg);
    if (leg !== undefined && epoch < leg.epoch) {
      context.count("calls.stale-epoch");
      return;
    }
    switch (command.kind) {
      case "unreadable":
        return this.#refuseUnreadable(call, leg, epoch, command);
      case "invite-leg":
        return this.#begin(leg, () => inviteLeg(context, call, epoch, command));
      case "adopt-leg":
        return this.#begin(leg, () => adoptLeg(context, call, epoch, command));
      case "open-webrtc-leg":
        if (leg?.kind === "webrtc" && command.remoteSdp !== undefined)
          return reopenWebRtcLeg(context, leg, epoch, { ...command, remoteSdp: command.remoteSdp });
        return this.#begin(leg, () => openWebRtcLeg(context, call, epoch, command));
      case "adopt-webrtc-leg":
        return this.#begin(leg, () => adoptWebRtcLeg(context, call, epoch, command));
      case "open-room-port":
        context.control.holdCall(call);
        context.hostedMembers.add(call, command.leg);
        return context.media.openRoomPort(callTag(call, command.leg), command.port, epoch);
      case "close-room-port":
        return this.#closeRoomPort(call, command.leg, epoch);
      default:
        return this.#performOn(leg, epoch, command);
    }
  }

  /** To the Call object it is a command that did not work. One of a kind that we do not know is ignored, as frames are. */
  #refuseUnreadable(call: CallToken, leg: Leg | undefined, epoch: number, command: UnreadableCommand): void {
    this.#context.count(`calls.command-unreadable.${command.of ?? "unknown"}`);
    if (command.of === undefined || PASSED_OVER.has(command.of)) return;
    if (leg !== undefined) return failFaultyLeg(this.#context, leg);
    const refusal = refusalOf(command.of, command.leg);
    if (refusal !== undefined) this.#context.control.publish(call, epoch, refusal);
  }

  /** The member left the room or its leg is here by now; with the last of it the call's part here may be over. */
  #closeRoomPort(call: CallToken, leg: LegId, epoch: number): void {
    const { control, hostedMembers, legs, media } = this.#context;
    media.closeRoomPort(callTag(call, leg), epoch);
    if (!hostedMembers.has(call)) return;
    hostedMembers.remove(call, leg);
    if (!hostedMembers.has(call) && legs.ofCall(call).length === 0) control.releaseCall(call, "moved");
  }

  /** Replaces an older life of the same leg; its media port stays open for the new one. */
  #begin(old: Leg | undefined, begin: () => Promise<void>): Promise<void> {
    if (old !== undefined) {
      this.#context.count("calls.leg-replaced");
      forgetSignalling(this.#context, old);
    }
    return begin();
  }

  #performOn(
    leg: Leg | undefined,
    epoch: number,
    command: Exclude<CallCommand, { kind: BeginningKind | RoomKind }>,
  ): void | Promise<void> {
    if (leg === undefined) {
      // It ended here while the command was on its way.
      this.#context.count(`calls.leg-unknown.${command.kind}`);
      return;
    }
    leg.epoch = epoch;
    switch (command.kind) {
      case "join-leg":
        return this.#context.media.join(leg.key, command.join, epoch);
      case "release-leg":
        closeMedia(this.#context, leg);
        return dropLeg(this.#context, leg, "released");
      case "send-digit":
        return sendDigit(this.#context, leg, command);
      case "end-leg":
        return leg.kind === "phone" ? this.#end(leg, command.reason) : this.#endWebRtc(leg);
      case "complete-webrtc-leg":
      case "grant-lease":
        return leg.kind === "webrtc" ? this.#performOnWebRtc(leg, command) : this.#mismatch(command.kind);
      default:
        return leg.kind === "phone" ? this.#performOnPhone(leg, command) : this.#mismatch(command.kind);
    }
  }

  #performOnPhone(leg: PhoneLeg, command: Extract<CallCommand, { kind: PhoneKind }>): void | Promise<void> {
    switch (command.kind) {
      case "ring-leg":
        return ringLeg(this.#context, leg, command.earlyCodec);
      case "answer-leg":
        return answerLeg(this.#context, leg, command.codec);
      case "reject-leg":
        return rejectLeg(this.#context, leg, command);
      case "confirm-leg":
        return confirmLeg(this.#context, leg);
      case "cancel-leg":
        return cancelLeg(this.#context, leg, command.reason);
      case "answer-refer":
        return answerRefer(this.#context, leg, command);
      case "notify-leg":
        return notifyLeg(this.#context, leg, command);
    }
  }

  #performOnWebRtc(
    leg: WebRtcLeg,
    command: Extract<CallCommand, { kind: "complete-webrtc-leg" | "grant-lease" }>,
  ): void {
    if (command.kind === "grant-lease") this.#context.media.grantLease(leg.key, command.lease);
    else completeWebRtcLeg(this.#context, leg, command);
  }

  /** BYE where there is a dialog; before it, whatever ends the INVITE. */
  #end(leg: PhoneLeg, reason: string | undefined): void {
    if (leg.ending) return;
    if (leg.capsule.phase === "ringing")
      return rejectLeg(this.#context, leg, { status: 480, reason: "Temporarily Unavailable" });
    if (leg.capsule.phase === "calling") return cancelLeg(this.#context, leg, reason);
    sendBye(this.#context, leg, reason);
  }

  #endWebRtc(leg: WebRtcLeg): void {
    closeMedia(this.#context, leg);
    dropLeg(this.#context, leg, "ended");
  }

  #mismatch(kind: CallCommand["kind"]): void {
    this.#context.count(`calls.leg-kind-mismatch.${kind}`);
  }
}

type BeginningKind = "invite-leg" | "adopt-leg" | "open-webrtc-leg" | "adopt-webrtc-leg";
type RoomKind = "open-room-port" | "close-room-port";
type PhoneKind =
  | "ring-leg"
  | "answer-leg"
  | "reject-leg"
  | "confirm-leg"
  | "cancel-leg"
  | "answer-refer"
  | "notify-leg";

function forgetSignalling(context: CallContext, leg: Leg): void {
  if (leg.kind === "phone") {
    leg.outgoingInvite?.abandon();
    leg.pendingReinvite?.abandon();
    leg.inviteTransaction?.acknowledged();
    leg.answeredReinvite?.transaction.acknowledged();
  }
  context.legs.remove(leg);
}

/** Without these a talk goes on all the same. */
const PASSED_OVER: ReadonlySet<CallCommand["kind"]> = new Set(["ring-leg", "answer-refer", "notify-leg", "send-digit"]);

/** What a Call object hears when a command that would begin a leg cannot be carried out. */
function refusalOf(kind: CallCommand["kind"], leg: LegId): CallEvent | undefined {
  const reason = "command-unreadable";
  switch (kind) {
    case "invite-leg":
      return { kind: "leg-failed", leg, status: 500, reason: reasonPhrase(500) };
    case "adopt-leg":
      return { kind: "leg-adoption-failed", leg, status: 500, reason };
    case "open-webrtc-leg":
    case "adopt-webrtc-leg":
    case "complete-webrtc-leg":
      return { kind: "webrtc-leg-refused", leg, status: 500, reason };
    default:
      return undefined;
  }
}

/** What the rim does with a leg whose handling went wrong; `status` is what a phone that waits for an answer hears. */
export function failFaultyLeg(context: CallContext, leg: Leg, status: 500 | 513 = 500): void {
  if (leg.kind === "webrtc") {
    context.control.publish(leg.call, leg.epoch, {
      kind: "webrtc-leg-refused",
      leg: leg.leg,
      status: 500,
      reason: "gateway-fault",
    });
    return dropLeg(context, leg, "fault");
  }
  switch (leg.capsule.phase) {
    case "ringing":
    case "calling":
      context.control.publish(leg.call, leg.epoch, {
        kind: "leg-failed",
        leg: leg.leg,
        status,
        reason: reasonPhrase(status),
      });
      leg.failureReported = true;
      if (leg.capsule.phase === "calling") return cancelLeg(context, leg, undefined);
      return rejectLeg(context, leg, { status, reason: reasonPhrase(status) });
    case "answered":
    case "confirmed":
      return endFromHere(context, leg, "flow-failed");
  }
}
