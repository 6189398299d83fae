import { computed, signal } from "@preact/signals";
import { Invitation, Inviter, SessionState, Web } from "sip.js";
import type { Core, Session, URI } from "sip.js";
import type { AudioDevices } from "../media/devices.ts";
import type { Microphone } from "../media/microphone.ts";
import { CallMedia } from "../media/call-media.ts";
import type { CallEnd } from "./call-end.ts";
import type { KeptCall } from "./kept-call.ts";
import { refer } from "./transfer.ts";
import type { TransferState } from "./transfer.ts";

/** `connecting`: answered, and sound is being set up. */
export type CallStage = "dialling" | "ringing" | "incoming" | "connecting" | "talking" | "ended";

export interface CallSurroundings {
  readonly microphone: Microphone;
  readonly devices: AudioDevices;
}

export interface SipCallOptions extends CallSurroundings {
  readonly headers: () => string[];
  /** A talk of the page as it was before it was loaded again, which this one goes on with. */
  readonly takesUp?: KeptCall | undefined;
}

const REQUEST_PENDING = 491;
const BUSY_HERE = 486;
const DECLINE = 603;
/** To a Replaces: no such dialog, and one that has ended (RFC 3891 section 3). */
const REPLACED_IS_OVER: readonly number[] = [481, DECLINE];
/** After a transfer the other side says BYE; who waits longer says it. */
const BYE_LIMIT_MS = 5_000;
const TELL_TRIES = 4;
const TELL_AGAIN_MS = 700;

const CALL_SID_HEADER = "X-Nearside-Call-Sid";

let calls = 0;

/** One call of this page; nothing of sip.js shows outside. Everything about it is a signal that views read. */
export class SipCall {
  readonly id = `call-${++calls}`;
  readonly direction: "outgoing" | "incoming";
  /** As it is shown, and as it is dialled. */
  readonly peer: string;
  readonly peerIdentity: string;
  readonly startedAtMs = Date.now();
  readonly stage = signal<CallStage>("dialling");
  readonly end = signal<CallEnd | undefined>(undefined);
  readonly answeredAtMs = signal<number | undefined>(undefined);
  readonly endedAtMs = signal<number | undefined>(undefined);
  /** Names the call in the API, once the other side has told. */
  readonly sid = signal<string | undefined>(undefined);
  readonly muted = signal(false);
  /** I hold it; `changing` while the other side is being told. */
  readonly held = signal(false);
  readonly changing = signal(false);
  readonly problem = signal<string | undefined>(undefined);
  /** Of the last transfer of this call that was asked for. */
  readonly transfer = signal<TransferState | undefined>(undefined);
  readonly isBeingTransferred = computed(() => {
    const transfer = this.transfer.value;
    return transfer !== undefined && transfer.kind !== "failed";
  });
  readonly takesUp: KeptCall | undefined;
  readonly media: CallMedia;
  readonly isOver = computed(() => this.stage.value === "ended");
  readonly #session: Session;
  /** What the other side was told last. */
  #toldHeld = false;
  /** With whom the other call is that is being connected with this one. */
  #leavesFor: string | undefined;
  readonly #headers: () => string[];

  constructor(session: Session, { headers, microphone, devices, takesUp }: SipCallOptions) {
    this.#session = session;
    this.#headers = headers;
    this.takesUp = takesUp;
    const { displayName, uri } = session.remoteIdentity;
    this.direction = takesUp?.direction ?? (session instanceof Inviter ? "outgoing" : "incoming");
    this.peerIdentity = takesUp?.peerIdentity ?? uri.user ?? uri.host;
    this.peer = takesUp?.peer ?? (displayName === "" || displayName === undefined ? this.peerIdentity : displayName);
    this.media = new CallMedia(microphone, devices);
    this.#follow();
    if (takesUp !== undefined) this.#goOn(takesUp);
    if (session instanceof Invitation) {
      this.stage.value = "incoming";
      this.sid.value = session.request.getHeader(CALL_SID_HEADER);
    }
  }

  /** Sends the INVITE; how it goes on is told by `stage` and `end`. */
  async invite(): Promise<void> {
    const session = this.#session;
    if (!(session instanceof Inviter)) throw new TypeError("only an outgoing call is sent");
    if (!(await this.#openMicrophone())) return;
    // It may have been given up while the browser asked for the microphone.
    if (this.stage.value === "ended") return this.media.close();
    try {
      await session.invite({
        requestDelegate: {
          onProgress: (response) => this.#progress(response),
          onAccept: (response) => this.#noteSid(response),
          onReject: (response) => this.#refused(response),
        },
      });
    } catch {
      this.#finish({ kind: "no-network" });
    }
  }

  async answer(): Promise<void> {
    const session = this.#session;
    if (!(session instanceof Invitation) || this.stage.value !== "incoming") return;
    this.stage.value = "connecting";
    if (!(await this.#openMicrophone())) {
      await session.reject({ statusCode: 480 }).catch(() => {});
      return;
    }
    try {
      await session.accept({ sessionDescriptionHandlerOptions: AUDIO_ONLY });
    } catch {
      this.#finish({ kind: "no-media" });
    }
  }

  async hangUp(): Promise<void> {
    const session = this.#session;
    const stage = this.stage.value;
    try {
      if (stage === "incoming") {
        await this.decline();
      } else if (session.state === SessionState.Established) {
        this.#finish({ kind: "hung-up", by: "me" });
        await session.bye();
      } else if (session instanceof Inviter) {
        // What is being taken up talks already: it is ended when it is here (`#established`).
        if (this.takesUp !== undefined) return this.#finish({ kind: "hung-up", by: "me" });
        this.#finish({ kind: "cancelled" });
        if (session.state !== SessionState.Initial) await session.cancel();
      } else if (session instanceof Invitation) {
        this.#finish({ kind: "hung-up", by: "me" });
        await session.reject({ statusCode: 480 });
      }
    } catch {
      // Whether or not the other side could be told, this side has ended.
    }
  }

  /** `busy`: because of another call, which is another thing to say than that one does not want to talk. */
  async decline({ busy = false } = {}): Promise<void> {
    const session = this.#session;
    if (!(session instanceof Invitation) || this.stage.value !== "incoming") return;
    this.#finish({ kind: "declined" });
    await session.reject({ statusCode: busy ? BUSY_HERE : DECLINE }).catch(() => {});
  }

  /** Blind transfer: the other side is put through to somebody, and this call ends when they answer. */
  async transferTo(to: string, target: URI): Promise<void> {
    await this.#refer(to, target);
  }

  /** Attended transfer: the other sides of this call and another one get each other, and both calls end. */
  async connectWith(other: SipCall): Promise<void> {
    if (other.stage.value !== "talking") return;
    other.#leavesFor = this.peer;
    await this.#refer(other.peer, other.#session);
    if (this.end.value?.kind !== "transferred") other.#leavesFor = undefined;
  }

  /** That the last one failed was read. */
  forgetFailedTransfer(): void {
    if (!this.isBeingTransferred.value) this.transfer.value = undefined;
  }

  /** What the page needs to go on with this talk when it is loaded again. */
  keep(): Omit<KeptCall, "shown"> | undefined {
    const { dialog } = this.#session;
    const answeredAtMs = this.answeredAtMs.value;
    if (this.stage.value === "connecting") return this.takesUp;
    if (this.stage.value !== "talking" || dialog === undefined || answeredAtMs === undefined) return undefined;
    return {
      dialog: { callId: dialog.callId, localTag: dialog.localTag, remoteTag: dialog.remoteTag },
      peer: this.peer,
      peerIdentity: this.peerIdentity,
      direction: this.direction,
      sid: this.sid.value,
      answeredAtMs,
      muted: this.muted.value,
      held: this.held.value,
    };
  }

  /** The page was away too long for the talk to be there still. */
  giveUp(): void {
    this.#finish({ kind: "ended-meanwhile" });
  }

  setMuted(muted: boolean): void {
    this.muted.value = muted;
    this.#applySilence();
  }

  /** Tells the other side to wait, or to go on (RFC 3264 section 8.4). Here it is silent, or heard, at once. */
  async setHeld(held: boolean): Promise<void> {
    if (this.stage.value !== "talking") return;
    this.held.value = held;
    this.forgetFailedTransfer();
    this.#applySilence();
    // Whoever is telling already will find the new wish.
    if (this.changing.value) return;
    this.changing.value = true;
    let isTold = true;
    while (this.#toldHeld !== this.held.value && this.stage.value === "talking") {
      this.#toldHeld = this.held.value;
      isTold = await this.#tellHeld(this.#toldHeld);
    }
    this.changing.value = false;
    const untold = `${this.peer} was not told to wait, but hears nothing of you.`;
    this.problem.value = !isTold && this.held.value ? untold : undefined;
  }

  sendKey(key: string): boolean {
    return this.media.sendKey(key);
  }

  #follow(): void {
    const session = this.#session;
    session.delegate = {
      onSessionDescriptionHandler: (handler) => {
        if (handler instanceof Web.SessionDescriptionHandler) this.media.attach(handler);
      },
      onBye: () => this.#finish(this.#farewell()),
      onCancel: ({ request }) => this.#cancelled(request?.getHeader("Reason")),
    };
    session.stateChange.addListener((state) => {
      if (state === SessionState.Established) this.#established();
      // Why it ended is told after that it ended, when there is a why.
      if (state === SessionState.Terminated) setTimeout(() => this.#finish(this.#farewell()));
    });
  }

  /** Why the other side says BYE. */
  #farewell(): CallEnd {
    if (this.#leavesFor !== undefined) return { kind: "transferred", to: this.#leavesFor };
    return { kind: "hung-up", by: "them" };
  }

  #goOn({ sid, answeredAtMs, muted, held }: KeptCall): void {
    this.stage.value = "connecting";
    this.sid.value = sid;
    this.answeredAtMs.value = answeredAtMs;
    this.muted.value = muted;
    this.held.value = held;
  }

  async #refer(to: string, target: URI | Session): Promise<void> {
    if (this.stage.value !== "talking" || this.isBeingTransferred.value) return;
    this.transfer.value = { kind: "asked", to };
    const status = await refer(this.#session, target, {
      extraHeaders: this.#headers(),
      onRinging: () => {
        this.transfer.value = { kind: "ringing", to };
      },
    });
    if (this.stage.value !== "talking") return;
    if (status >= 300) {
      this.transfer.value = { kind: "failed", to, status };
      return;
    }
    this.#finish({ kind: "transferred", to });
    setTimeout(() => {
      if (this.#session.state === SessionState.Established) void this.#session.bye().catch(() => {});
    }, BYE_LIMIT_MS);
  }

  #established(): void {
    if (this.stage.value === "ended") return void this.#session.bye().catch(() => {});
    this.answeredAtMs.value ??= Date.now();
    this.stage.value = "talking";
    this.media.start(() => this.#finishWithoutMedia());
    this.#applySilence();
    // A talk that was taken up has been told nothing yet.
    if (this.held.value) void this.setHeld(true);
  }

  #finishWithoutMedia(): void {
    if (this.stage.value !== "talking") return;
    void this.#session.bye().catch(() => {});
    this.#finish({ kind: "no-media" });
  }

  #cancelled(reason: string | undefined): void {
    // RFC 3326: another device answered when the cause is 200.
    const elsewhere = /cause\s*=\s*200/.test(reason ?? "") || /elsewhere/i.test(reason ?? "");
    this.#finish({ kind: elsewhere ? "answered-elsewhere" : "missed" });
  }

  #progress(response: Core.IncomingResponse): void {
    this.#noteSid(response);
    const { statusCode, body } = response.message;
    if (statusCode === undefined || statusCode <= 100) return;
    if (this.stage.value === "dialling") this.stage.value = "ringing";
    if (body !== "" && this.stage.value === "ringing") this.media.hearEarly();
  }

  #refused({ message }: Core.IncomingResponse): void {
    if (this.takesUp !== undefined && REPLACED_IS_OVER.includes(message.statusCode ?? 0)) return this.giveUp();
    const retryAfter = Number(message.getHeader("Retry-After") ?? Number.NaN);
    this.#finish({
      kind: "refused",
      status: message.statusCode ?? 500,
      ...(Number.isFinite(retryAfter) ? { retryAfterSeconds: retryAfter } : {}),
    });
  }

  #noteSid({ message }: Core.IncomingResponse): void {
    this.sid.value ??= message.getHeader(CALL_SID_HEADER);
  }

  async #openMicrophone(): Promise<boolean> {
    try {
      await this.media.openMicrophone();
      return true;
    } catch (error) {
      this.#finish({ kind: "no-microphone", name: error instanceof DOMException ? error.name : "unknown" });
      return false;
    }
  }

  async #tellHeld(held: boolean): Promise<boolean> {
    const options: Web.SessionDescriptionHandlerOptions = { ...AUDIO_ONLY, hold: held };
    this.#session.sessionDescriptionHandlerOptionsReInvite = options;
    for (let tries = 0; tries < TELL_TRIES && this.stage.value === "talking"; tries += 1) {
      const status = await this.#reInvite();
      if (status < 300) return true;
      if (status !== REQUEST_PENDING) return false;
      // Both sides asked at once; who waits how long is left to chance (RFC 3261 section 14.1).
      await new Promise((resolve) => setTimeout(resolve, TELL_AGAIN_MS * (1 + Math.random())));
    }
    return false;
  }

  /** The final status of the answer. */
  async #reInvite(): Promise<number> {
    return await new Promise<number>((resolve) => {
      this.#session
        .invite({
          requestDelegate: {
            onAccept: () => resolve(200),
            onReject: ({ message }) => resolve(message.statusCode ?? 500),
          },
          requestOptions: { extraHeaders: this.#headers() },
        })
        // sip.js itself has an offer under way, of theirs or of ours.
        .catch(() => resolve(REQUEST_PENDING));
    });
  }

  #applySilence(): void {
    this.media.setSilence({ microphone: this.muted.value || this.held.value, speaker: this.held.value });
  }

  /** The first end counts: what follows are its consequences. */
  #finish(end: CallEnd): void {
    if (this.stage.value === "ended") return;
    this.end.value = end;
    this.endedAtMs.value = Date.now();
    this.stage.value = "ended";
    this.media.close();
  }
}

export const AUDIO_ONLY: Web.SessionDescriptionHandlerOptions = { constraints: { audio: true, video: false } };
