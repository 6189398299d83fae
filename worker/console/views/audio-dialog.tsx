import type { JSX } from "preact";
import { useCallback, useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { AudioDevice } from "../media/devices.ts";
import { LevelMeter } from "../media/level.ts";
import { playRing } from "../media/tones.ts";
import { PrecallTest } from "../model/precall-test.ts";
import { wordsForMicrophone } from "../phone/call-end.ts";
import { CheckIcon, CloseIcon } from "./icons.tsx";
import { Meter } from "./meter.tsx";
import { usePhone } from "./phone-context.ts";

const SAMPLE_MS = 1_600;

/** Microphone, speaker, notifications, and a test of all that a call needs. */
export function AudioDialog({ onClose }: { readonly onClose: () => void }): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog class="card dialog" ref={dialog} aria-labelledby="audio-title" onClose={onClose}>
      <div class="dialog-head">
        <h2 id="audio-title">Audio</h2>
        <button type="button" class="plain" aria-label="Close" onClick={() => dialog.current?.close()}>
          <CloseIcon />
        </button>
      </div>
      <MicrophoneChoice />
      <SpeakerChoice />
      <NotificationChoice />
      <TestPart />
    </dialog>
  );
}

function MicrophoneChoice(): JSX.Element {
  const phone = usePhone();
  const problem = phone.microphone.problem.value;
  const read = useMicrophoneLevel();
  return (
    <div class="choice">
      <label class="field">
        <span>Microphone</span>
        <DeviceSelect
          devices={phone.devices.microphones.value}
          chosen={phone.devices.microphone.value}
          onChoose={(id) => void phone.chooseMicrophone(id)}
        />
      </label>
      <Meter label="Microphone level" read={read} />
      {problem !== undefined && (
        <p class="note" role="alert">
          {wordsForMicrophone(problem).title}. {wordsForMicrophone(problem).advice}
        </p>
      )}
    </div>
  );
}

function SpeakerChoice(): JSX.Element {
  const phone = usePhone();
  const call = phone.active.value;
  const read = useCallback(() => call?.media.level() ?? 0, [call]);
  return (
    <div class="choice">
      {phone.devices.canChooseSpeaker && (
        <label class="field">
          <span>Speaker</span>
          <DeviceSelect
            devices={phone.devices.speakers.value}
            chosen={phone.devices.speaker.value}
            onChoose={(id) => void phone.chooseSpeaker(id)}
          />
        </label>
      )}
      {call !== undefined && <Meter label="Level of the other side" read={read} />}
      <button type="button" class="secondary" onClick={playSample}>
        Play the ring tone
      </button>
    </div>
  );
}

function NotificationChoice(): JSX.Element | null {
  const { alerts } = usePhone();
  const permission = alerts.permission.value;
  if (permission === "unsupported") return null;
  return (
    <div class="choice">
      <p class="quiet">
        {permission === "granted" && "Calls are announced outside this page too."}
        {permission === "denied" &&
          "This browser does not let the page announce calls. Its settings for this page can change that."}
        {permission === "default" && "Calls ring in this page. They can be announced outside it as well."}
      </p>
      {permission === "default" && (
        <button type="button" class="secondary" onClick={() => void alerts.askPermission()}>
          Announce calls
        </button>
      )}
    </div>
  );
}

function TestPart(): JSX.Element {
  const phone = usePhone();
  const test = useMemo(() => new PrecallTest(phone), [phone]);
  const isBusy = phone.calls.value.some(({ stage }) => stage.value !== "ended");
  const isRunning = test.state.value === "running";
  return (
    <section class="test" aria-labelledby="test-title">
      <h3 id="test-title">Test before a call</h3>
      <p class="quiet">Listens to your microphone, asks the network, and calls the echo for five seconds.</p>
      <ul class="results" aria-live="polite">
        {test.results.value.map(({ what, verdict, words }) => (
          <li key={what} data-verdict={verdict}>
            <CheckIcon verdict={verdict} />
            <span>
              <b>{what}</b> <span class="quiet">{words}</span>
            </span>
          </li>
        ))}
        {isRunning && <li class="doing">{test.doing.value}</li>}
      </ul>
      <button type="button" class="primary" disabled={isRunning || isBusy} onClick={() => void test.run()}>
        {isRunning ? "Testing…" : test.state.value === "done" ? "Test again" : "Run the test"}
      </button>
      {isBusy && !isRunning && <p class="quiet">You are in a call: test when it is over.</p>}
    </section>
  );
}

interface DeviceSelectProps {
  readonly devices: readonly AudioDevice[];
  readonly chosen: string;
  readonly onChoose: (id: string) => void;
}

function DeviceSelect({ devices, chosen, onChoose }: DeviceSelectProps): JSX.Element {
  // One that was chosen and is gone now is the system's own again, until it comes back.
  const value = devices.some(({ id }) => id === chosen) ? chosen : "";
  return (
    <select value={value} onChange={({ currentTarget }) => onChoose(currentTarget.value)}>
      <option value="">As the system has it</option>
      {devices.map(({ id, name }) => (
        <option key={id} value={id}>
          {name}
        </option>
      ))}
    </select>
  );
}

/** Opens the microphone for as long as the dialog is there. */
function useMicrophoneLevel(): () => number {
  const { microphone, devices } = usePhone();
  const [meter, setMeter] = useState<LevelMeter | undefined>(undefined);
  useEffect(() => {
    let own: MediaStreamTrack | undefined;
    let current: LevelMeter | undefined;
    let isOver = false;
    const show = (track: MediaStreamTrack): void => {
      own = track;
      current?.close();
      current = new LevelMeter(new MediaStream([track]));
      setMeter(current);
    };
    microphone.open(show).then(
      (track) => {
        if (isOver) microphone.giveBack(track);
        else show(track);
        void devices.refresh();
      },
      // Why is told by `problem`.
      () => {},
    );
    return () => {
      isOver = true;
      current?.close();
      if (own !== undefined) microphone.giveBack(own);
    };
  }, [microphone, devices]);
  return useCallback(() => meter?.read() ?? 0, [meter]);
}

function playSample(): void {
  const ring = playRing();
  setTimeout(() => ring.stop(), SAMPLE_MS);
}
