/** Members of the rooms mixed here whose legs other gateways carry: with them a call has a part here without a leg. */
import type { CallToken, LegId } from "#protocol/ids";

export class HostedMembers {
  readonly #byCall = new Map<CallToken, Set<LegId>>();

  has(call: CallToken): boolean {
    return this.#byCall.has(call);
  }

  ofCall(call: CallToken): readonly LegId[] {
    return [...(this.#byCall.get(call) ?? [])];
  }

  add(call: CallToken, leg: LegId): void {
    this.#byCall.set(call, (this.#byCall.get(call) ?? new Set()).add(leg));
  }

  remove(call: CallToken, leg: LegId): void {
    const legs = this.#byCall.get(call);
    legs?.delete(leg);
    if (legs?.size === 0) this.#byCall.delete(call);
  }
}
