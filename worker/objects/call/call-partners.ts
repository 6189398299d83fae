/** A call's words with the call that it is linked to. */
import { regionLinkOf } from "../../adapters/object-region-link.ts";
import { openCallToken } from "../../call-token.ts";
import { count } from "../../counters.ts";
import type { LinkAnswer, LinkRequest } from "../../domain/calls/call-link.ts";
import type { CallEffect, PartnerEffect, PartnerInput } from "../../domain/calls/call-input.ts";
import type { CallObjectApi } from "../../domain/calls/call-object-api.ts";
import type { CallState, LinkEnd } from "../../domain/calls/call-state.ts";
import { settingsOf } from "../../env.ts";
import type { Env } from "../../env.ts";
import { faultCode, log } from "../../log.ts";
import type { CallToken, LegId } from "#protocol/ids";

/** Whatever did not arrive is said again: asking and telling twice is harmless. */
const PAUSES_MS = [100, 500] as const;
/** Above what any link has counted to: it is over. */
const LAST_VERSION = Number.MAX_SAFE_INTEGER;
// Of an end that is over nobody looks at the leg.
const NO_LEG = "a" as LegId;

/** The call whose words these are. */
interface OwnCall {
  state(): CallState | undefined;
  /** Applies, stores, and lets the effects leave. */
  take(input: PartnerInput): Promise<readonly CallEffect[]>;
  remindLater(): void;
}

export class CallPartners {
  readonly #env: Env;
  readonly #own: OwnCall;

  constructor(env: Env, own: OwnCall) {
    this.#env = env;
    this.#own = own;
  }

  /** Another call asks. */
  async link(request: LinkRequest): Promise<LinkAnswer> {
    const effects = await this.#own.take({ kind: "link-asked", request });
    const refused = effects.find((effect) => effect.kind === "link-refused");
    const state = this.#own.state();
    const party = state?.legs.find(({ leg }) => leg === state.link?.here.leg)?.identity;
    return refused !== undefined || party === undefined || state?.link?.stream !== request.stream
      ? { ok: false, status: refused?.status ?? 481 }
      : { ok: true, sid: state.sid, party, end: state.link.here };
  }

  /** Another call tells. */
  async changed({ stream, end }: Parameters<CallObjectApi["partnerChanged"]>[0]): Promise<{ readonly known: boolean }> {
    const known = this.#own.state()?.link?.stream === stream;
    if (known) await this.#own.take({ kind: "partner-changed", stream, end });
    return { known };
  }

  /** An alarm stands behind it, in case this object is gone before it was heard. */
  async speak(effect: PartnerEffect): Promise<void> {
    const state = this.#own.state();
    // A refusal is the answer to whoever asked.
    if (state === undefined || effect.kind === "link-refused") return;
    if (effect.kind === "drop-link") return await this.#drop(effect.token, state.token, effect.stream);
    this.#own.remindLater();
    const answer = effect.kind === "ask-link" ? await this.#ask(effect.request) : await this.#tellEnd(state);
    if (answer !== undefined) await this.#own.take(answer);
  }

  async #ask(request: LinkRequest): Promise<PartnerInput> {
    const answer: LinkAnswer = (await this.#say(request.token, (call) => call.link(request))) ?? {
      ok: false,
      status: 503,
    };
    // It may have been taken without our hearing of it.
    if (!answer.ok && answer.status === 503) await this.#drop(request.token, request.from, request.stream);
    return { kind: "link-answered", token: request.token, stream: request.stream, answer };
  }

  /** `undefined`: nobody could be told; the call tries again later. */
  async #tellEnd({ token: from, link }: CallState): Promise<PartnerInput | undefined> {
    if (link === undefined) return undefined;
    const told = await this.#tell(link.token, from, link.stream, link.here);
    if (told === undefined) return undefined;
    return told.known ? { kind: "partner-told", version: link.here.version } : { kind: "partner-gone" };
  }

  async #drop(token: CallToken, from: CallToken, stream: string): Promise<void> {
    await this.#tell(token, from, stream, { version: LAST_VERSION, leg: NO_LEG, ended: true });
  }

  #tell(
    token: CallToken,
    from: CallToken,
    stream: string,
    end: LinkEnd,
  ): Promise<{ readonly known: boolean } | undefined> {
    return this.#say(token, (call) => call.partnerChanged({ token, from, stream, end }));
  }

  async #say<T>(token: CallToken, what: (call: CallObjectApi) => Promise<T>): Promise<T | undefined> {
    const name = openCallToken(settingsOf(this.#env).callTokenKey, token);
    if (name === undefined) return undefined;
    for (const pauseMs of [0, ...PAUSES_MS]) {
      if (pauseMs > 0) await scheduler.wait(pauseMs);
      try {
        return await what(regionLinkOf(this.#env).call(name));
      } catch (error) {
        log({ event: "fault", where: "call.partner", code: faultCode(error) });
      }
    }
    count("call.partner-unreachable");
    return undefined;
  }
}
