import type { JSX } from "preact";
import type { SipCall } from "../phone/sip-call.ts";
import { wordsForTransfer } from "../phone/transfer.ts";
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
  return (
    <li>
      <button type="button" class="strip-switch" onClick={() => void phone.switchTo(call)}>
        <b>{call.peer}</b>
        <small>
          <StripText call={call} />
        </small>
        <span class="hidden">Switch to this call</span>
      </button>
      <ConnectButton call={call} />
      <button type="button" class="round end" aria-label={`Hang up ${call.peer}`} onClick={() => void call.hangUp()}>
        <HangUpIcon />
      </button>
    </li>
  );
}

function StripText({ call }: { readonly call: SipCall }): JSX.Element {
  if (call.stage.value !== "talking") return call.takesUp === undefined ? <>Calling…</> : <>Going on…</>;
  if (call.transfer.value !== undefined) return <>{wordsForTransfer(call.transfer.value, call.peer)}</>;
  return call.held.value ? <>On hold</> : <Timer sinceMs={call.answeredAtMs.value ?? 0} />;
}

/** Attended transfer: the call that waits and the one on the screen become one, without me. */
function ConnectButton({ call }: { readonly call: SipCall }): JSX.Element | null {
  const { active } = usePhone();
  const other = active.value;
  const bothTalk = call.stage.value === "talking" && other?.stage.value === "talking";
  if (!bothTalk || other === undefined || call.isBeingTransferred.value) return null;
  return (
    <button
      type="button"
      class="secondary"
      aria-label={`Connect ${call.peer} and ${other.peer}`}
      onClick={() => void call.connectWith(other)}
    >
      Connect the two
    </button>
  );
}
