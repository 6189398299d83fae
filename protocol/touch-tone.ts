/** Touch tones as Worker and gateway speak of them: one key of a telephone, however it was sent (RFC 4733 section 3.2, table 3). */

export const TOUCH_TONES = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "*", "#", "A", "B", "C", "D"] as const;
export type TouchTone = (typeof TOUCH_TONES)[number];

/** How a tone came: as telephone-event in the leg's media, or in an INFO request. */
export type TouchToneSource = "rtp" | "info";

/** What a tone lasts when nobody says it, and what a receiver may be asked to bear. */
export const TOUCH_TONE_MS = { usual: 160, shortest: 80, longest: 2_000 } as const;

/** The event code of RFC 4733; the place in the list is the code. */
export function touchToneCode(digit: TouchTone): number {
  return TOUCH_TONES.indexOf(digit);
}

/** `undefined` for what is no key: flash, fax and modem events. */
export function touchToneOfCode(code: number): TouchTone | undefined {
  return TOUCH_TONES[code];
}

export function parseTouchTone(text: unknown): TouchTone | undefined {
  return TOUCH_TONES.find((digit) => digit === text);
}

export function clampToneMs(durationMs: number | undefined): number {
  const { usual, shortest, longest } = TOUCH_TONE_MS;
  return Math.min(Math.max(durationMs ?? usual, shortest), longest);
}
