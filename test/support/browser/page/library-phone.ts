/** The seam between the page and the two SIP libraries. */
import type { DialogIds, DigitWay, PhoneEventKind } from "../phone-page.ts";

/** Calls, as far as both libraries can do them. What is asked for happens to the newest one, or to the one swapped to. */
export interface LibraryPhone {
  connect(): Promise<void>;
  register(): Promise<void>;
  unregister(): Promise<void>;
  call(uri: string): Promise<void>;
  answer(): Promise<void>;
  reject(status: number): Promise<void>;
  hangup(): Promise<void>;
  /** Both settle when the other side has agreed. */
  hold(): Promise<void>;
  resume(): Promise<void>;
  /** Makes the call before the present one the present one. Holds and resumes nothing. */
  swap(): Promise<void>;
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

interface HeaderReader {
  getHeader?(name: string): string | undefined;
}

/** What the message that ended a call says beside its status: why, and when to try again. */
export function told(message: HeaderReader | null | undefined): string {
  return ["Reason", "Retry-After"]
    .flatMap((name) => {
      const value = message?.getHeader?.(name);
      return value === undefined ? [] : [` ${name}: ${value}`];
    })
    .join("");
}

export type Report = (kind: PhoneEventKind, detail?: string) => void;

/** Processing would take a test tone for noise and remove it. */
export const MICROPHONE: MediaTrackConstraints = {
  echoCancellation: false,
  noiseSuppression: false,
  autoGainControl: false,
};
