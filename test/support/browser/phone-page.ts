/** What the page in the browser offers, and what the driver outside asks of it. Everything that crosses is JSON. */

export type SipLibrary = "sip.js" | "jssip";
export type DigitWay = "rtp" | "info";

export interface PhonePageOptions {
  readonly library: SipLibrary;
  /** WebSocket URL, with its query. */
  readonly server: string;
  readonly identity: string;
  readonly domain: string;
  readonly password?: string;
  /** Sent with REGISTER as `Authorization: Bearer …` (RFC 8898), in place of a password. */
  readonly bearerToken?: string;
  readonly registerSeconds?: number;
  /** Opens the socket again and registers when it is lost. On unless told otherwise. */
  readonly reconnect?: boolean;
  readonly iceServers?: readonly { readonly urls: string }[];
  /** sip.js only: apply the SDP of a 183, as JsSIP always does. */
  readonly earlyMedia?: boolean;
  /** Codecs to offer, best first, such as `audio/PCMU`; the browser's own choice when absent. */
  readonly codecs?: readonly string[];
}

export type PhoneEventKind =
  | "connected"
  | "disconnected"
  | "registered"
  | "unregistered"
  | "registration-failed"
  | "incoming"
  | "trying"
  | "ringing"
  | "established"
  | "ended"
  | "re-invited"
  /** How a transfer goes: the status line that a NOTIFY carries. */
  | "notified"
  | "ice"
  | "track"
  | "error";

export interface PhoneEvent {
  readonly kind: PhoneEventKind;
  readonly atMs: number;
  /** Status code and reason of a refusal, who called, the state of ICE. */
  readonly detail: string;
}

/** A dialog as its own side names it. */
export interface DialogIds {
  readonly callId: string;
  readonly localTag: string;
  readonly remoteTag: string;
}

export interface PhoneRecording {
  readonly rate: number;
  /** Wall time of the first sample. */
  readonly startedAtMs: number;
  /** 16-bit little-endian PCM. */
  readonly base64: string;
}

export interface PhoneStatistics {
  readonly connectionState: string;
  readonly iceConnectionState: string;
  readonly codec: string;
  readonly packetsReceived: number;
  readonly packetsLost: number;
  readonly packetsSent: number;
  readonly concealedSamples: number;
  readonly jitterSeconds: number;
  readonly roundTripSeconds: number;
  /** Transport address of the gateway that the selected pair leads to. */
  readonly remoteAddress: string;
  /** How many PeerConnections the page has made: 1 for a call that was adopted without a new one. */
  readonly peerConnections: number;
  readonly getUserMediaCalls: number;
}

/** Methods of `window.phonePage`; every one may be awaited. */
export interface PhonePage {
  start(options: PhonePageOptions): Promise<void>;
  register(): Promise<void>;
  unregister(): Promise<void>;
  /** Sends INVITE to an identity, or to a whole URI. */
  call(target: string): Promise<void>;
  answer(): Promise<void>;
  reject(status: number): Promise<void>;
  hangup(): Promise<void>;
  hold(): Promise<void>;
  resume(): Promise<void>;
  /** Makes the call before the present one the present one. */
  swap(): Promise<void>;
  /** By telephone-event unless told otherwise. */
  sendDigits(digits: string, way?: DigitWay): Promise<void>;
  /** REFER to an identity, or to a whole URI. */
  transfer(target: string): Promise<void>;
  /** REFER with Replaces: whom it called first is connected with whom it talks with now. */
  transferToOther(): Promise<void>;
  dialog(): DialogIds;
  /** INVITE with Replaces, in the place of a dialog that another page had. */
  takeUp(target: string, replaced: DialogIds): Promise<void>;
  /** Cuts its own socket without a word to SIP. */
  dropSocket(): Promise<void>;
  stop(): Promise<void>;
  events(): readonly PhoneEvent[];
  /** The first event of these kinds at or after place `from`. */
  waitEvent(kinds: readonly PhoneEventKind[], from: number, timeoutMs: number): Promise<PhoneEvent>;
  /** What was played since then, to within a block of 20 ms. */
  recording(sinceMs: number): PhoneRecording;
  statistics(): Promise<PhoneStatistics>;
  /** SDP that the browser has now. */
  descriptions(): { readonly local: string; readonly remote: string };
}
