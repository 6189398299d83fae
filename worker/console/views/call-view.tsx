import type { JSX } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { playKey } from "../media/tones.ts";
import { wordsForEnd } from "../phone/call-end.ts";
import type { SipCall } from "../phone/sip-call.ts";
import { wordsForTransfer } from "../phone/transfer.ts";
import { Avatar } from "./avatar.tsx";
import { CallPathCard } from "./call-path-card.tsx";
import {
  HangUpIcon,
  KeypadIcon,
  MicrophoneIcon,
  PauseIcon,
  PhoneIcon,
  PlusIcon,
  ResumeIcon,
  TransferIcon,
} from "./icons.tsx";
import { isEditable, Keys } from "./keypad.tsx";
import { usePhone } from "./phone-context.ts";
import { durationText } from "./time-words.ts";
import { Timer } from "./timer.tsx";
import { TransferPanel } from "./transfer-panel.tsx";

type Panel = "keys" | "transfer";

/** The call that one is in: with whom, since when, what can be done, and the way it takes. */
export function CallView({ call }: { readonly call: SipCall }): JSX.Element {
  const stage = call.stage.value;
  const [panel, setPanel] = useState<Panel | undefined>(undefined);
  const title = useRef<HTMLHeadingElement>(null);
  useLayoutEffect(() => title.current?.focus(), [call]);
  const closePanel = (): void => {
    setPanel(undefined);
    title.current?.focus();
  };
  return (
    <div class="call">
      <section class="call-head" data-stage={stage} aria-labelledby="call-title">
        <Face call={call} />
        <h2 class="call-title" id="call-title" ref={title} tabIndex={-1}>
          {call.peer}
        </h2>
        <p class="call-stage">
          <StageText call={call} />
        </p>
        <TalksWith call={call} />
        {stage === "talking" && call.transfer.value !== undefined && (
          <p class="note">{wordsForTransfer(call.transfer.value, call.peer)}</p>
        )}
        {call.problem.value !== undefined && <p class="note">{call.problem.value}</p>}
        {stage === "talking" && call.media.quiet.value && (
          <p class="note">No sound arrives from {call.peer} at the moment.</p>
        )}
        {stage === "ended" ? (
          <EndedActions call={call} />
        ) : (
          <CallActions
            call={call}
            panel={panel}
            onPanel={(pressed) => setPanel(pressed === panel ? undefined : pressed)}
          />
        )}
        {panel === "keys" && stage === "talking" && <InCallKeys call={call} />}
        {panel === "transfer" && stage === "talking" && <TransferPanel call={call} onDone={closePanel} />}
      </section>
      {stage !== "ended" && panel === undefined && <CallPathCard call={call} />}
    </div>
  );
}

/** Somebody else than was called, or than called: the call was forwarded, or one was put through. */
function TalksWith({ call }: { readonly call: SipCall }): JSX.Element | null {
  const theirs = usePhone().watches.value.get(call.id)?.path.value?.theirs;
  const isOther = theirs !== undefined && theirs.kind !== "number" && theirs.name !== call.peerIdentity;
  if (call.stage.value !== "talking" || !isOther) return null;
  return <p class="quiet">You are talking with {theirs.name}</p>;
}

/** Its ring grows with the other side's voice. */
function Face({ call }: { readonly call: SipCall }): JSX.Element {
  const ring = useRef<HTMLSpanElement>(null);
  useEffect(() => {
    let shown = 0;
    let frame = requestAnimationFrame(function draw() {
      shown = Math.max(call.media.level(), shown * 0.9);
      ring.current?.style.setProperty("--level", shown.toFixed(3));
      frame = requestAnimationFrame(draw);
    });
    return () => cancelAnimationFrame(frame);
  }, [call]);
  return (
    <span class="face" ref={ring}>
      <Avatar name={call.peer} size="large" />
    </span>
  );
}

function StageText({ call }: { readonly call: SipCall }): JSX.Element {
  const since = call.answeredAtMs.value;
  switch (call.stage.value) {
    case "dialling":
      return <>Calling…</>;
    case "ringing":
      return <>Ringing…</>;
    case "incoming":
      return <>is calling you</>;
    case "connecting":
      return call.takesUp === undefined ? <>Connecting…</> : <>Going on with the call…</>;
    case "talking":
      if (call.held.value) return <>On hold</>;
      if (call.media.heldByPeer.value) return <>{call.peer} put you on hold</>;
      return <Timer sinceMs={since ?? call.startedAtMs} />;
    case "ended":
      return <>{endText(call)}</>;
  }
}

function endText(call: SipCall): string {
  const end = call.end.value;
  const title = end === undefined ? "The call has ended" : wordsForEnd(end, call.peer).title;
  const since = call.answeredAtMs.value;
  const until = call.endedAtMs.value;
  // When a call ended that ended without this page is not known here.
  if (end?.kind === "ended-meanwhile") return title;
  return since === undefined || until === undefined ? title : `${title} · ${durationText(until - since)}`;
}

interface CallActionsProps {
  readonly call: SipCall;
  readonly panel: Panel | undefined;
  readonly onPanel: (pressed: Panel) => void;
}

function CallActions({ call, panel, onPanel }: CallActionsProps): JSX.Element {
  const phone = usePhone();
  const muted = call.muted.value;
  const held = call.held.value;
  const isTalking = call.stage.value === "talking";
  return (
    <div class="actions" role="group" aria-label="Call controls">
      {isTalking && (
        <>
          <Action label="Mute" pressed={muted} onPress={() => call.setMuted(!muted)}>
            <MicrophoneIcon off={muted} />
          </Action>
          {call.media.canSendKeys.value && (
            <Action label="Keypad" pressed={panel === "keys"} onPress={() => onPanel("keys")}>
              <KeypadIcon />
            </Action>
          )}
          <Action
            label={held ? "Resume" : "Hold"}
            busy={call.changing.value}
            onPress={() => void (held ? phone.switchTo(call) : call.setHeld(true))}
          >
            {held ? <ResumeIcon /> : <PauseIcon />}
          </Action>
          <Action
            label="Transfer"
            pressed={panel === "transfer"}
            busy={call.isBeingTransferred.value}
            onPress={() => {
              call.forgetFailedTransfer();
              onPanel("transfer");
            }}
          >
            <TransferIcon />
          </Action>
          <Action label="New call" onPress={() => phone.showKeypad()}>
            <PlusIcon />
          </Action>
        </>
      )}
      <Action label="Hang up" tone="end" onPress={() => void call.hangUp()}>
        <HangUpIcon />
      </Action>
    </div>
  );
}

interface ActionProps {
  readonly label: string;
  readonly children: JSX.Element;
  readonly onPress: () => void;
  readonly pressed?: boolean;
  readonly busy?: boolean;
  readonly tone?: "end" | "answer";
}

export function Action({ label, children, onPress, pressed, busy = false, tone }: ActionProps): JSX.Element {
  return (
    <button
      type="button"
      class={`action ${tone ?? ""}`}
      aria-pressed={pressed}
      aria-disabled={busy}
      onClick={() => {
        if (!busy) onPress();
      }}
    >
      <span class="disc">{children}</span>
      <span>{label}</span>
    </button>
  );
}

function InCallKeys({ call }: { readonly call: SipCall }): JSX.Element {
  const [sent, setSent] = useState("");
  function send(key: string): void {
    if (call.sendKey(key)) setSent((before) => (before + key).slice(-24));
  }
  // Before the next key can come.
  useLayoutEffect(() => {
    const listen = (event: KeyboardEvent): void => {
      if (event.ctrlKey || event.metaKey || event.altKey || isEditable(event.target)) return;
      if (!/^[\d*#]$/.test(event.key)) return;
      playKey(event.key);
      send(event.key);
    };
    addEventListener("keydown", listen);
    return () => removeEventListener("keydown", listen);
  }, [call]);
  return (
    <div class="in-call-keys">
      <output aria-label="Sent">{sent}</output>
      <Keys label="Touch tones" onKey={send} />
    </div>
  );
}

function EndedActions({ call }: { readonly call: SipCall }): JSX.Element {
  const phone = usePhone();
  const end = call.end.value;
  const words = end === undefined ? undefined : wordsForEnd(end, call.peer);
  return (
    <div class="ended" data-tone={words?.tone}>
      {words?.advice !== undefined && <p>{words.advice}</p>}
      <div class="buttons">
        {words?.again === true && (
          <button
            type="button"
            class="primary"
            onClick={() => {
              phone.dismiss(call);
              phone.dial(call.peerIdentity);
            }}
          >
            <PhoneIcon /> Call again
          </button>
        )}
        <button type="button" class="secondary" onClick={() => phone.dismiss(call)}>
          Close
        </button>
      </div>
    </div>
  );
}
