import { signal } from "@preact/signals";

const PROCESSING = { echoCancellation: true, noiseSuppression: true, autoGainControl: true } as const;

/**
 * The one open microphone. Calls and meters get clones of its track, and it is closed, so that the browser's sign goes
 * out, when the last of them gave its clone back.
 */
export class Microphone {
  /** Why it could not be opened last time: the name of the DOMException. */
  readonly problem = signal<string | undefined>(undefined);
  #deviceId: string | undefined;
  #source: Promise<MediaStreamTrack> | undefined;
  readonly #users = new Map<MediaStreamTrack, (track: MediaStreamTrack) => void>();

  /** The device to use; empty for the one that the system prefers. */
  async choose(deviceId: string): Promise<void> {
    this.#deviceId = deviceId === "" ? undefined : deviceId;
    if (this.#source !== undefined) await this.#replace();
  }

  /** A track of its own for the caller. `onReplaced` hands over another when the device changes or is unplugged. */
  async open(onReplaced: (track: MediaStreamTrack) => void = () => {}): Promise<MediaStreamTrack> {
    this.#source ??= this.#start();
    try {
      const clone = (await this.#source).clone();
      this.#users.set(clone, onReplaced);
      return clone;
    } catch (error) {
      this.#source = undefined;
      throw error;
    }
  }

  giveBack(track: MediaStreamTrack): void {
    track.stop();
    this.#users.delete(track);
    if (this.#users.size > 0) return;
    void this.#source?.then((source) => source.stop()).catch(() => {});
    this.#source = undefined;
  }

  async #start(): Promise<MediaStreamTrack> {
    try {
      const [track] = (await getAudio(this.#deviceId)).getAudioTracks();
      if (track === undefined) throw new DOMException("no audio track", "NotFoundError");
      track.addEventListener("ended", () => void this.#replace(), { once: true });
      this.problem.value = undefined;
      return track;
    } catch (error) {
      this.problem.value = error instanceof DOMException ? error.name : "unknown";
      throw error;
    }
  }

  async #replace(): Promise<void> {
    const before = this.#source;
    this.#source = this.#start();
    const source = await this.#source.catch(() => undefined);
    void before?.then((track) => track.stop()).catch(() => {});
    if (source === undefined) {
      this.#source = undefined;
      return;
    }
    // A copy: the replacements join the users while they are gone through.
    const users = [...this.#users];
    for (const [track, onReplaced] of users) {
      const clone = source.clone();
      clone.enabled = track.enabled;
      this.#users.delete(track);
      this.#users.set(clone, onReplaced);
      track.stop();
      onReplaced(clone);
    }
  }
}

/** A device that was unplugged since it was chosen is no reason for silence. */
async function getAudio(deviceId: string | undefined): Promise<MediaStream> {
  if (deviceId !== undefined) {
    try {
      return await navigator.mediaDevices.getUserMedia({ audio: { ...PROCESSING, deviceId: { exact: deviceId } } });
    } catch (error) {
      if (!(error instanceof DOMException) || error.name !== "OverconstrainedError") throw error;
    }
  }
  return await navigator.mediaDevices.getUserMedia({ audio: PROCESSING });
}
