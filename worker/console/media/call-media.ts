import { signal } from "@preact/signals";
import type { Web } from "sip.js";
import type { AudioDevices } from "./devices.ts";
import { readCallFigures } from "./call-figures.ts";
import type { CallFigures } from "./call-figures.ts";
import { LevelMeter } from "./level.ts";
import type { Microphone } from "./microphone.ts";

const LOOK_EVERY_MS = 1_000;
/** How long a call may be without a path for its sound before it is given up, as long as it never had one. */
const PATH_LIMIT_MS = 20_000;
/** Two looks may follow each other at once; only what lasts is worth a word. */
const QUIET_AFTER_MS = 1_500;
const KEY_MS = 160;
const KEY_GAP_MS = 70;

/** The sound of one call: a clone of the microphone, an element that plays, and what the browser measures. */
export class CallMedia {
  readonly figures = signal<CallFigures | undefined>(undefined);
  /** Touch tones were agreed upon (RFC 4733). */
  readonly canSendKeys = signal(false);
  /** The other side has stopped listening or sending: it holds. */
  readonly heldByPeer = signal(false);
  /** The other side is heard before it has answered. */
  readonly early = signal(false);
  /** No packets arrive though they should. */
  readonly quiet = signal(false);
  readonly #microphone: Microphone;
  readonly #devices: AudioDevices;
  readonly #element = new Audio();
  #track: MediaStreamTrack | undefined;
  #handler: Web.SessionDescriptionHandler | undefined;
  #meter: LevelMeter | undefined;
  #timer: ReturnType<typeof setInterval> | undefined;
  #startedAtMs = 0;
  #wasConnected = false;
  #arrivedAtMs = 0;
  #silence = { microphone: false, speaker: false };

  constructor(microphone: Microphone, devices: AudioDevices) {
    this.#microphone = microphone;
    this.#devices = devices;
    this.#element.autoplay = true;
  }

  async openMicrophone(): Promise<void> {
    this.#track ??= await this.#microphone.open((track) => this.#replaceTrack(track));
    void this.#devices.refresh();
  }

  /** What sip.js asks for when it builds the offer or answer. */
  localStream(): MediaStream {
    return new MediaStream(this.#track === undefined ? [] : [this.#track]);
  }

  attach(handler: Web.SessionDescriptionHandler): void {
    this.#handler = handler;
  }

  /** The call was answered. `onNoPath`: no way for its sound was found. */
  start(onNoPath: () => void): void {
    const stream = this.#handler?.remoteMediaStream;
    if (stream === undefined) return;
    this.#startedAtMs = Date.now();
    this.#play(stream);
    this.#meter = new LevelMeter(stream);
    this.#timer = setInterval(() => void this.#look(onNoPath), LOOK_EVERY_MS);
    // Keys can be sent from the moment on that there is a path.
    this.#handler?.peerConnection?.addEventListener("connectionstatechange", () => void this.#look(onNoPath));
    void this.#look(onNoPath);
  }

  /** Before the answer: what the other side plays in place of a ringback. */
  hearEarly(): void {
    const stream = this.#handler?.remoteMediaStream;
    if (stream === undefined || this.early.value) return;
    this.early.value = true;
    this.#play(stream);
  }

  #play(stream: MediaStream): void {
    this.#element.srcObject = stream;
    void this.applySpeaker();
    void this.#element.play().catch(() => {});
  }

  async applySpeaker(): Promise<void> {
    await this.#devices.applySpeaker(this.#element);
  }

  /** How loud the other side is now, 0 to 1. */
  level(): number {
    return this.#silence.speaker ? 0 : (this.#meter?.read() ?? 0);
  }

  setSilence(silence: { readonly microphone: boolean; readonly speaker: boolean }): void {
    this.#silence = silence;
    this.#element.muted = silence.speaker;
    if (this.#track !== undefined) this.#track.enabled = !silence.microphone;
  }

  /** For a call that nobody listens to. */
  mutePlayback(): void {
    this.#element.volume = 0;
  }

  sendKey(key: string): boolean {
    const dtmf = this.#sender()?.dtmf;
    if (dtmf?.canInsertDTMF !== true) return false;
    dtmf.insertDTMF(dtmf.toneBuffer + key, KEY_MS, KEY_GAP_MS);
    return true;
  }

  close(): void {
    clearInterval(this.#timer);
    this.#element.srcObject = null;
    this.#meter?.close();
    this.#meter = undefined;
    if (this.#track !== undefined) this.#microphone.giveBack(this.#track);
    this.#track = undefined;
  }

  #sender(): RTCRtpSender | undefined {
    return this.#handler?.peerConnection?.getSenders()[0];
  }

  #replaceTrack(track: MediaStreamTrack): void {
    this.#track = track;
    track.enabled = !this.#silence.microphone;
    void this.#sender()
      ?.replaceTrack(track)
      .catch(() => {});
  }

  async #look(onNoPath: () => void): Promise<void> {
    const connection = this.#handler?.peerConnection;
    if (connection === undefined) return;
    const direction = connection.getTransceivers()[0]?.currentDirection;
    this.heldByPeer.value = direction === "recvonly" || direction === "inactive";
    this.canSendKeys.value = this.#sender()?.dtmf?.canInsertDTMF === true;
    this.#wasConnected ||= connection.connectionState === "connected";
    if (!this.#wasConnected && Date.now() - this.#startedAtMs > PATH_LIMIT_MS) return onNoPath();
    const before = this.figures.value;
    const reports: Readonly<Record<string, unknown>>[] = [];
    // A closed connection has no statistics.
    const found = await connection.getStats().catch(() => undefined);
    found?.forEach((report: Readonly<Record<string, unknown>>) => reports.push(report));
    if (reports.length === 0) return;
    const figures = readCallFigures(reports, before);
    this.figures.value = figures;
    if (before === undefined || figures.packetsReceived > before.packetsReceived) this.#arrivedAtMs = Date.now();
    this.quiet.value = direction === "sendrecv" && Date.now() - this.#arrivedAtMs > QUIET_AFTER_MS;
  }
}
