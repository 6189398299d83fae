import { signal } from "@preact/signals";
import type { JSX } from "preact";
import { durationText } from "./time-words.ts";

const nowMs = signal(Date.now());
setInterval(() => {
  nowMs.value = Date.now();
}, 500);

export function Timer({ sinceMs }: { readonly sinceMs: number }): JSX.Element {
  return (
    <span class="timer" role="timer" aria-label="Duration">
      {durationText(nowMs.value - sinceMs)}
    </span>
  );
}
