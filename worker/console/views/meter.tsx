import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";

const SPOKEN_EVERY_MS = 500;
/** The bar falls slower than speech, so that the eye can follow. */
const FALL = 0.86;

/** A bar as long as `read` is loud, drawn past the view tree because it changes sixty times a second. */
export function Meter({ label, read }: { readonly label: string; readonly read: () => number }): JSX.Element {
  const bar = useRef<HTMLSpanElement>(null);
  const whole = useRef<HTMLDivElement>(null);
  useEffect(() => {
    let shown = 0;
    let spokenAtMs = 0;
    let frame = requestAnimationFrame(function draw(atMs) {
      shown = Math.max(read(), shown * FALL);
      if (bar.current !== null) bar.current.style.transform = `scaleX(${shown.toFixed(3)})`;
      if (atMs - spokenAtMs > SPOKEN_EVERY_MS) {
        spokenAtMs = atMs;
        whole.current?.setAttribute("aria-valuenow", String(Math.round(shown * 100)));
      }
      frame = requestAnimationFrame(draw);
    });
    return () => cancelAnimationFrame(frame);
  }, [read]);
  return (
    <div
      class="meter"
      role="meter"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={0}
      ref={whole}
    >
      <span ref={bar} />
    </div>
  );
}
