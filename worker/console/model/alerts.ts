import { effect, signal } from "@preact/signals";
import { playKnocks, playRing, playRingback } from "../media/tones.ts";
import type { Sound } from "../media/tones.ts";
import { wordsForEnd } from "../phone/call-end.ts";
import { wordsForTransfer } from "../phone/transfer.ts";
import type { SipCall } from "../phone/sip-call.ts";
import type { Softphone } from "./softphone.ts";

const TITLE = "Nearside";

/** Everything that calls for attention: tones, the notification outside the page, the title, and what screen readers say. */
export class Alerts {
  /** Said when the reader is done with what it says; and said at once. */
  readonly polite = signal("");
  readonly urgent = signal("");
  readonly permission = signal<NotificationPermission | "unsupported">(
    "Notification" in globalThis ? Notification.permission : "unsupported",
  );
  readonly #phone: Softphone;
  readonly #notes = new Map<string, Notification>();
  #ring: { readonly kind: "ring" | "knock"; readonly sound: Sound } | undefined;
  #ringback: Sound | undefined;

  constructor(phone: Softphone) {
    this.#phone = phone;
    // After the phone itself is whole.
    queueMicrotask(() => {
      effect(() => this.#soundRing());
      effect(() => this.#soundRingback());
      effect(() => this.#showRinging());
      effect(() => this.#sayStage());
    });
  }

  async askPermission(): Promise<void> {
    if (this.permission.value === "unsupported") return;
    this.permission.value = await Notification.requestPermission();
  }

  callEnded(call: SipCall): void {
    const end = call.end.value;
    if (end === undefined) return;
    const { title, advice } = wordsForEnd(end, call.peer);
    this.polite.value = [title, advice].filter((text) => text !== undefined).join(". ");
  }

  #soundRing(): void {
    const { ringing, calls } = this.#phone;
    const talking = calls.value.some(({ stage }) => stage.value === "talking" || stage.value === "connecting");
    const kind = ringing.value.length === 0 ? undefined : talking ? "knock" : "ring";
    // Who rings goes on when the call beside it ends, and then as loud as any.
    if (kind === this.#ring?.kind) return;
    this.#ring?.sound.stop();
    this.#ring = kind === undefined ? undefined : { kind, sound: kind === "ring" ? playRing() : playKnocks() };
  }

  #soundRingback(): void {
    const { active, me } = this.#phone;
    const call = active.value;
    const rings = call?.stage.value === "ringing" && !call.media.early.value;
    if (rings && this.#ringback === undefined) this.#ringback = playRingback(me.peek()?.region ?? "");
    if (rings) return;
    this.#ringback?.stop();
    this.#ringback = undefined;
  }

  #showRinging(): void {
    const ringing = this.#phone.ringing.value;
    const [first] = ringing;
    document.title = first === undefined ? TITLE : `${first.peer} is calling · ${TITLE}`;
    for (const [id, note] of this.#notes) {
      if (ringing.some((call) => call.id === id)) continue;
      note.close();
      this.#notes.delete(id);
    }
    for (const call of ringing) {
      if (this.#notes.has(call.id) || this.permission.peek() !== "granted" || document.hasFocus()) continue;
      const note = notify(call);
      if (note !== undefined) this.#notes.set(call.id, note);
    }
  }

  #sayStage(): void {
    const [first] = this.#phone.ringing.value;
    if (first !== undefined) {
      this.urgent.value = `${first.peer} is calling`;
      return;
    }
    this.urgent.value = "";
    const call = this.#phone.active.value;
    if (call === undefined) return;
    const words = stageWords(call);
    if (words !== undefined) this.polite.value = words;
  }
}

function stageWords(call: SipCall): string | undefined {
  switch (call.stage.value) {
    case "dialling":
      return `Calling ${call.peer}`;
    case "ringing":
      return `It rings at ${call.peer}`;
    case "talking":
      if (call.transfer.value !== undefined) return wordsForTransfer(call.transfer.value, call.peer);
      return call.held.value ? `${call.peer} is on hold` : `You are talking to ${call.peer}`;
    case "incoming":
    case "connecting":
    case "ended":
      return undefined;
  }
}

function notify(call: SipCall): Notification | undefined {
  try {
    const note = new Notification(`${call.peer} is calling`, {
      body: "Open the page to answer.",
      tag: call.id,
      requireInteraction: true,
    });
    note.addEventListener("click", () => {
      window.focus();
      note.close();
    });
    return note;
  } catch {
    // Some browsers only take them from service workers.
    return undefined;
  }
}
