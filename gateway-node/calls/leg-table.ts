/** Finds legs: by call and leg, which is also the dialog tag that in-dialog requests carry. */
import { callTag } from "#protocol/ids";
import type { CallToken, LegId } from "#protocol/ids";
import type { MediaLegKey } from "../media/media-plane.ts";
import type { Leg } from "./leg.ts";

/** Requests that cross our BYE are told apart from those for legs that moved here unknown. */
const REMEMBERED_ENDS = 4_096;

export class LegTable {
  readonly #byKey = new Map<MediaLegKey, Leg>();
  readonly #byCall = new Map<CallToken, Set<Leg>>();
  readonly #ended = new Set<MediaLegKey>();

  get size(): number {
    return this.#byKey.size;
  }

  get(call: CallToken, leg: LegId): Leg | undefined {
    return this.#byKey.get(callTag(call, leg));
  }

  byKey(key: MediaLegKey): Leg | undefined {
    return this.#byKey.get(key);
  }

  ofCall(call: CallToken): readonly Leg[] {
    return [...(this.#byCall.get(call) ?? [])];
  }

  all(): readonly Leg[] {
    return [...this.#byKey.values()];
  }

  add(leg: Leg): void {
    this.#byKey.set(leg.key, leg);
    this.#ended.delete(leg.key);
    const legs = this.#byCall.get(leg.call) ?? new Set();
    legs.add(leg);
    this.#byCall.set(leg.call, legs);
  }

  /** Returns whether it was the last leg of its call here. */
  remove(leg: Leg): boolean {
    leg.gone = true;
    leg.clearTimers();
    if (this.#byKey.get(leg.key) === leg) this.#byKey.delete(leg.key);
    const legs = this.#byCall.get(leg.call);
    legs?.delete(leg);
    if (legs?.size === 0) this.#byCall.delete(leg.call);
    return legs === undefined || legs.size === 0;
  }

  /** Ended here for good, in contrast to legs that live on elsewhere. */
  rememberEnd(key: MediaLegKey): void {
    this.#ended.add(key);
    for (const oldest of this.#ended) {
      if (this.#ended.size <= REMEMBERED_ENDS) break;
      this.#ended.delete(oldest);
    }
  }

  endedHere(key: MediaLegKey): boolean {
    return this.#ended.has(key);
  }
}
