import { signal } from "@preact/signals";

export interface AudioDevice {
  readonly id: string;
  readonly name: string;
}

const MICROPHONE_KEY = "nearside.microphone";
const SPEAKER_KEY = "nearside.speaker";

/** Which microphones and speakers there are, and which of them were chosen; the choice is kept in this browser. */
export class AudioDevices {
  readonly microphones = signal<readonly AudioDevice[]>([]);
  readonly speakers = signal<readonly AudioDevice[]>([]);
  /** Empty: whichever the system prefers. */
  readonly microphone = signal(localStorage.getItem(MICROPHONE_KEY) ?? "");
  readonly speaker = signal(localStorage.getItem(SPEAKER_KEY) ?? "");
  /** Not every browser lets pages choose. */
  readonly canChooseSpeaker = "setSinkId" in HTMLMediaElement.prototype;

  constructor() {
    navigator.mediaDevices?.addEventListener("devicechange", () => void this.refresh());
  }

  /** Names are only told once the microphone was allowed. */
  async refresh(): Promise<void> {
    const all = (await navigator.mediaDevices?.enumerateDevices()) ?? [];
    this.microphones.value = named(all, "audioinput", "Microphone");
    this.speakers.value = named(all, "audiooutput", "Speaker");
  }

  chooseMicrophone(id: string): void {
    this.microphone.value = id;
    localStorage.setItem(MICROPHONE_KEY, id);
  }

  chooseSpeaker(id: string): void {
    this.speaker.value = id;
    localStorage.setItem(SPEAKER_KEY, id);
  }

  /** Lets an element play on the chosen speaker; one that is gone leaves it on the system's. */
  async applySpeaker(element: HTMLMediaElement): Promise<void> {
    if (this.canChooseSpeaker) await element.setSinkId(this.speaker.value).catch(() => {});
  }
}

/** The system's own choice is listed by us, under one name in every browser. */
function named(all: readonly MediaDeviceInfo[], kind: MediaDeviceKind, word: string): readonly AudioDevice[] {
  return all
    .filter((device) => device.kind === kind && device.deviceId !== "" && device.deviceId !== "default")
    .map(({ deviceId, label }, index) => ({ id: deviceId, name: label === "" ? `${word} ${index + 1}` : label }));
}
