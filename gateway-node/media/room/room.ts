/** A room: voices of all members in, for each member the others' out, every 20 ms. Who says nothing costs nothing to hear. */
import { type CodecName, ROOM_MEMBER_LIMIT } from "#protocol/media";
import { G711_CODECS } from "../codecs/g711.ts";
import { FRAME_SAMPLES, type FrameTask } from "../frame-scheduler.ts";
import { Mixer } from "./mixer.ts";
import type { RoomMember } from "./room-member.ts";

/** More voices at once are noise: only the loudest are mixed. */
export const MAX_SPEAKERS = 6;

const SILENCE: Readonly<Record<CodecName, Uint8Array>> = {
  PCMU: new Uint8Array(FRAME_SAMPLES).fill(G711_CODECS.PCMU.silence),
  PCMA: new Uint8Array(FRAME_SAMPLES).fill(G711_CODECS.PCMA.silence),
};

export class Room implements FrameTask {
  readonly #members = new Set<RoomMember>();
  /** Members that may have something to say. */
  readonly #active = new Set<RoomMember>();
  readonly #mixer = new Mixer();
  #speakers: RoomMember[] = [];

  get size(): number {
    return this.#members.size;
  }

  /** False when the room is full. */
  enter(member: RoomMember): boolean {
    if (this.#members.size >= ROOM_MEMBER_LIMIT) return false;
    this.#members.add(member);
    member.onActive = () => void this.#active.add(member);
    return true;
  }

  leave(member: RoomMember): void {
    this.#members.delete(member);
    this.#active.delete(member);
    member.onActive = () => undefined;
  }

  onFrame(frame: number, atMs: number): void {
    this.#listen(atMs);
    this.#mixer.clear();
    for (const speaker of this.#speakers) this.#mixer.add(speaker.frame);
    this.#answerListeners(frame, atMs);
    this.#answerSpeakers(frame, atMs);
  }

  #listen(atMs: number): void {
    const speakers: RoomMember[] = [];
    for (const member of this.#active) {
      if (!member.listen(atMs)) this.#active.delete(member);
      else if (member.speaking) speakers.push(member);
    }
    if (speakers.length > MAX_SPEAKERS) {
      speakers.sort((a, b) => b.level - a.level);
      for (const quiet of speakers.splice(MAX_SPEAKERS)) quiet.speaking = false;
    }
    this.#speakers = speakers;
  }

  /** Those who say nothing hear the same: it is encoded once for each codec. */
  #answerListeners(frame: number, atMs: number): void {
    for (const codec of ["PCMU", "PCMA"] as const) {
      let mix: Uint8Array | undefined;
      for (const member of this.#members) {
        if (member.speaking || member.hears !== codec) continue;
        mix ??= this.#speakers.length === 0 ? SILENCE[codec] : this.#mixer.encode(G711_CODECS[codec]);
        member.say(codec, mix, frame, atMs);
      }
    }
  }

  #answerSpeakers(frame: number, atMs: number): void {
    for (const speaker of this.#speakers) {
      const codec = speaker.hears;
      if (codec === undefined) continue;
      const others =
        this.#speakers.length === 1 ? SILENCE[codec] : this.#mixer.encodeWithout(speaker.frame, G711_CODECS[codec]);
      speaker.say(codec, others, frame, atMs);
    }
  }
}
