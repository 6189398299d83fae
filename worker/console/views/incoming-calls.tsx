import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { SipCall } from "../phone/sip-call.ts";
import { Avatar } from "./avatar.tsx";
import { Action } from "./call-view.tsx";
import { HangUpIcon, PhoneIcon } from "./icons.tsx";
import { isEditable } from "./keypad.tsx";
import { usePhone } from "./phone-context.ts";

/** Who rings, above everything else; it takes the focus unless somebody is typing. */
export function IncomingCalls(): JSX.Element | null {
  const { ringing } = usePhone();
  if (ringing.value.length === 0) return null;
  return (
    <section class="incoming" aria-label="Incoming calls">
      {ringing.value.map((call) => (
        <Incoming key={call.id} call={call} />
      ))}
    </section>
  );
}

function Incoming({ call }: { readonly call: SipCall }): JSX.Element {
  const phone = usePhone();
  const card = useRef<HTMLDivElement>(null);
  const talking = phone.calls.value.find(({ stage, held }) => stage.value === "talking" && !held.value);
  useEffect(() => {
    if (!isEditable(document.activeElement) || phone.dialText.peek() === "")
      card.current?.querySelector<HTMLElement>(".answer")?.focus();
  }, [call]);
  return (
    <div
      class="card incoming-call"
      ref={card}
      role="alertdialog"
      aria-modal="false"
      aria-labelledby={`${call.id}-who`}
      aria-describedby={`${call.id}-what`}
    >
      <Avatar name={call.peer} />
      <p class="row-text">
        <b id={`${call.id}-who`}>{call.peer}</b>
        <small id={`${call.id}-what`}>
          is calling{talking === undefined ? "" : ` · answering puts ${talking.peer} on hold`}
        </small>
      </p>
      <div class="actions">
        <Action label="Decline" tone="end" onPress={() => void phone.decline(call)}>
          <HangUpIcon />
        </Action>
        <Action label="Answer" tone="answer" onPress={() => void phone.answer(call)}>
          <PhoneIcon />
        </Action>
      </div>
    </div>
  );
}
