/** A call's words with the Room object of its conference. */
import { regionLinkOf } from "../../adapters/object-region-link.ts";
import { count } from "../../counters.ts";
import type { CallEffect, CallInput } from "../../domain/calls/call-input.ts";
import type { CallState } from "../../domain/calls/call-state.ts";
import type { Env } from "../../env.ts";
import { faultCode, log } from "../../log.ts";

type EnterRoom = Extract<CallEffect, { kind: "enter-room" }>;
type RoomAnswer = Extract<CallInput, { kind: "room-entered" | "room-refused" }>;

/** Pauses before a room that could not be told is told again; after that its lease ends the membership. */
const LEAVE_PAUSES_MS = [250, 1_000, 4_000] as const;

export class CallRooms {
  readonly #env: Env;

  constructor(env: Env) {
    this.#env = env;
  }

  async enter({ name, own, lost }: EnterRoom, { account, token }: CallState): Promise<RoomAnswer> {
    try {
      const entrance = await regionLinkOf(this.#env).room(account, name).enter({ token, own, lost });
      return entrance.ok
        ? { kind: "room-entered", host: entrance.host }
        : { kind: "room-refused", code: entrance.code };
    } catch (error) {
      log({ event: "fault", where: "call.enter-room", code: faultCode(error) });
      return { kind: "room-refused", code: "room-unreachable" };
    }
  }

  async leave(name: string, call: CallState | undefined): Promise<void> {
    if (call === undefined) return;
    const { account, token } = call;
    for (const pauseMs of [...LEAVE_PAUSES_MS, undefined]) {
      try {
        await regionLinkOf(this.#env).room(account, name).leave({ token });
        return;
      } catch (error) {
        log({ event: "fault", where: "call.leave-room", code: faultCode(error) });
        if (pauseMs === undefined) count("call.room-not-left");
        else await scheduler.wait(pauseMs);
      }
    }
  }
}
