import type { JSX } from "preact";
import type { SipCall } from "../phone/sip-call.ts";
import { HangUpIcon } from "./icons.tsx";
import { usePhone } from "./phone-context.ts";
import { Timer } from "./timer.tsx";

/** Calls that are not on the screen: one press brings one back. */
export function CallStrip(): JSX.Element | null {
  const { calls, active } = usePhone();
  const others = calls.value.filter(
    (call) => call !== active.value && call.stage.value !== "incoming" && call.stage.value !== "ended",
  );
  if (others.length === 0) return null;
  return (
    <ul class="strip" aria-label="Other calls">
      {others.map((call) => (
        <StripItem key={call.id} call={call} />
      ))}
    </ul>
  );
}

function StripItem({ call }: { readonly call: SipCall }): JSX.Element {
  const phone = usePhone();
  const stage = call.stage.value;
  return (
    <li>
      <button type="button" class="strip-switch" onClick={() => void phone.switchTo(call)}>
        <b>{call.peer}</b>
        <small>
          {stage === "talking" ? (
            call.held.value ? (
              "On hold"
            ) : (
              <Timer sinceMs={call.answeredAtMs.value ?? 0} />
            )
          ) : (
            "Calling…"
          )}
        </small>
        <span class="hidden">Switch to this call</span>
      </button>
      <button type="button" class="round end" aria-label={`Hang up ${call.peer}`} onClick={() => void call.hangUp()}>
        <HangUpIcon />
      </button>
    </li>
  );
}
