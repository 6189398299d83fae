import { signal } from "@preact/signals";
import type { ApiClient } from "../api/api-client.ts";
import type { CallRecord } from "../api/types.ts";
import type { SipCall } from "../phone/sip-call.ts";
import { callPathOf, gatewayMoves } from "./call-path.ts";
import type { CallPath, GatewayMove } from "./call-path.ts";

const LOOK_EVERY_MS = 1_000;

/** Follows one call in the API while it lasts: which gateways carry it, and when that changes. */
export class CallWatch {
  readonly record = signal<CallRecord | undefined>(undefined);
  readonly path = signal<CallPath | undefined>(undefined);
  readonly moves = signal<readonly (GatewayMove & { readonly atMs: number })[]>([]);
  readonly #api: ApiClient;
  readonly #call: SipCall;
  readonly #identity: string;
  readonly #timer: ReturnType<typeof setInterval>;
  #isLooking = false;

  constructor(api: ApiClient, call: SipCall, identity: string) {
    this.#api = api;
    this.#call = call;
    this.#identity = identity;
    this.#timer = setInterval(() => void this.#look(), LOOK_EVERY_MS);
  }

  close(): void {
    clearInterval(this.#timer);
  }

  async #look(): Promise<void> {
    const sid = this.#call.sid.value;
    const isIdle = this.#call.stage.value === "incoming" || document.visibilityState === "hidden";
    if (sid === undefined || isIdle || this.#isLooking) return;
    this.#isLooking = true;
    try {
      const record = await this.#api.call(sid);
      const path = callPathOf(record, this.#identity, this.#call.direction === "outgoing");
      if (path !== undefined) {
        const moved = gatewayMoves(this.path.value, path).map((move) => ({ ...move, atMs: Date.now() }));
        if (moved.length > 0) this.moves.value = [...this.moves.value, ...moved];
        this.path.value = path;
      }
      this.record.value = record;
    } catch {
      // The list is written after the call's own steps; the next look finds it.
    } finally {
      this.#isLooking = false;
    }
  }
}
