/** The rim of call handling: a defect met in one leg ends that leg, never the process or another call. */
import type { CallToken, LegId } from "#protocol/ids";
import { EventTooLongError } from "../control/event-too-long-error.ts";
import type { LogEvent } from "../observability/log-event.ts";
import type { Leg } from "./leg.ts";
import type { LegTable } from "./leg-table.ts";

export interface FaultRimOptions {
  readonly legs: LegTable;
  /** Ends it towards its peer and its Call object; a peer that still waits for an answer gets this status. */
  readonly failLeg: (leg: Leg, status: 500 | 513) => void;
  /** When even that goes wrong: takes it out of everything here. */
  readonly dropLeg: (leg: Leg) => void;
  readonly count: (name: string) => void;
  readonly log: (event: LogEvent) => void;
}

export class FaultRim {
  readonly #options: FaultRimOptions;

  constructor(options: FaultRimOptions) {
    this.#options = options;
  }

  /** For work on one leg. Never rejects. */
  async run(call: CallToken, leg: LegId, work: () => void | Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#report(call, leg, error);
      this.#fail(this.#options.legs.get(call, leg), error);
    }
  }

  /** For what the network or a timer brings to a leg. */
  guard(leg: Leg, work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#report(leg.call, leg.leg, error);
      this.#fail(leg, error);
    }
  }

  /** For work that belongs to no leg yet; `recover` tells the peer. */
  async runLoose(code: string, work: () => void | Promise<void>, recover: () => void): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#loose(code, error);
      try {
        recover();
      } catch (second) {
        this.#loose(`${code}-recovery`, second);
      }
    }
  }

  #fail(leg: Leg | undefined, cause: unknown): void {
    if (leg === undefined || leg.gone) return;
    try {
      // 513 Message Too Large (RFC 3261 section 21.5.7).
      this.#options.failLeg(leg, cause instanceof EventTooLongError ? 513 : 500);
    } catch (error) {
      this.#report(leg.call, leg.leg, error);
      this.#drop(leg);
    }
  }

  #drop(leg: Leg): void {
    try {
      this.#options.dropLeg(leg);
    } catch (error) {
      this.#report(leg.call, leg.leg, error);
      this.#options.legs.remove(leg);
    }
  }

  #report(call: CallToken, leg: LegId, error: unknown): void {
    if (error instanceof EventTooLongError) {
      // The peer's doing, no defect of ours.
      this.#options.count(`calls.${error.code}`);
      return this.#options.log({ event: "leg.event-too-long", call, leg, problem: error.message });
    }
    const { code, problem, stack } = describeFault(error);
    this.#options.count(`calls.fault.${code}`);
    this.#options.log({ event: "leg.fault", call, leg, code, problem, stack });
  }

  #loose(code: string, error: unknown): void {
    const { problem, stack } = describeFault(error);
    this.#options.count(`calls.fault.${code}`);
    this.#options.log({ event: "gateway.fault", code, problem, stack });
  }
}

/** `code` is stable: that of the error when it has one, its class otherwise. */
export function describeFault(error: unknown): {
  readonly code: string;
  readonly problem: string;
  readonly stack?: string;
} {
  if (!(error instanceof Error)) return { code: "thrown-value", problem: String(error) };
  const code = "code" in error && typeof error.code === "string" ? error.code : error.name;
  return {
    code: code.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-"),
    problem: error.message,
    ...(error.stack === undefined ? {} : { stack: error.stack }),
  };
}
