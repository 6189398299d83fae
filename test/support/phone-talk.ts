/** Two real phones at the stack, each with a tone of its own: who is called by whom, and what each side heard. */
import { startBaresip } from "./baresip.ts";
import type { Baresip, BaresipOptions } from "./baresip.ts";
import type { Lab } from "./lab.ts";
import type { Stack } from "./stack.ts";
import { longestSilenceMs, spectrumShare, toneStartMs } from "./tone.ts";

/** Tones that no harmonic of the other covers. */
export const CALLER_TONE = 700;
export const CALLEE_TONE = 1_100;

export interface PhoneWay {
  readonly gateway: string;
  readonly transport?: "udp" | "tcp" | "tls";
}

export interface PhonePair {
  readonly caller: Baresip;
  readonly callee: Baresip;
}

/** Starts alice and bob at their gateways, both registered. */
export async function startPair(
  lab: Lab,
  stack: Stack,
  ways: { readonly caller: PhoneWay; readonly callee: PhoneWay },
  options: Partial<BaresipOptions> = {},
): Promise<PhonePair> {
  const start = async (identity: string, { gateway, transport = "udp" }: PhoneWay, toneFrequency: number) =>
    await lab.own(
      startBaresip({
        ...stack.user(identity),
        gateway: stack.sip(gateway, transport),
        transport,
        toneFrequency,
        ...options,
      }),
    );
  const [caller, callee] = await Promise.all([
    start("alice", ways.caller, CALLER_TONE),
    start("bob", ways.callee, CALLEE_TONE),
  ]);
  await Promise.all([caller.waitRegistered(), callee.waitRegistered()]);
  return { caller, callee };
}

/** The caller dials, the callee rings and answers, both are in the call. */
export async function connect({ caller, callee }: PhonePair): Promise<void> {
  await ring({ caller, callee });
  await callee.answer();
  await Promise.all([caller.waitEstablished(), callee.waitEstablished()]);
}

export async function ring({ caller, callee }: PhonePair): Promise<void> {
  await caller.dial(callee.uri);
  await callee.waitIncoming();
  await caller.waitEvent("CALL_RINGING");
}

/** Real time for people to talk in: what is not spoken cannot be heard. */
export async function talk(milliseconds: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, milliseconds));
}

export interface Heard {
  /** Share of the other's tone in all that was heard since it began. */
  readonly share: number;
  /** The longest time without it, by the clock on the wall, to within 40 ms. */
  readonly longestSilenceMs: number;
  readonly lastsMs: number;
}

/** What a phone heard of a tone from its first sound until `untilMs`, which is now unless given. */
export async function heardBy(phone: Baresip, frequency: number, untilMs = Date.now()): Promise<Heard> {
  const { samples, rate } = await phone.receivedInRealTime(untilMs);
  const from = toneStartMs(samples, rate, frequency);
  if (from === undefined) return { share: 0, longestSilenceMs: Infinity, lastsMs: 0 };
  return {
    share: spectrumShare(samples, rate, frequency, { from }),
    longestSilenceMs: longestSilenceMs(samples, rate, frequency, { from }),
    lastsMs: (samples.length * 1_000) / rate - from,
  };
}
