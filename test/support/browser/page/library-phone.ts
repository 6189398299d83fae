/** The seam between the page and the two SIP libraries. */
import type { DialogIds, DigitWay, PhoneEventKind } from "../phone-page.ts";

/** One call, as far as both libraries can do it. */
export interface LibraryPhone {
  connect(): Promise<void>;
  register(): Promise<void>;
  unregister(): Promise<void>;
  call(uri: string): Promise<void>;
  answer(): Promise<void>;
  reject(): Promise<void>;
  hangup(): Promise<void>;
  hold(): Promise<void>;
  resume(): Promise<void>;
  sendDigit(digit: string, way: DigitWay): Promise<void>;
  /** Has whom it talks with call somebody else. */
  transfer(uri: string): Promise<void>;
  /** Connects whom it talks with and whom it talked with before. */
  transferToOther(): Promise<void>;
  /** Of the call that it has; what a page keeps to take its call up again. */
  dialog(): DialogIds;
  /** INVITE that takes the place of a dialog (RFC 3891). */
  takeUp(uri: string, replaced: DialogIds): Promise<void>;
  dropSocket(): Promise<void>;
  stop(): Promise<void>;
}

export type Report = (kind: PhoneEventKind, detail?: string) => void;

/** Processing would take a test tone for noise and remove it. */
export const MICROPHONE: MediaTrackConstraints = {
  echoCancellation: false,
  noiseSuppression: false,
  autoGainControl: false,
};
