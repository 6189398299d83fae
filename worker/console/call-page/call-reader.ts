import { effect, signal } from "@preact/signals";
import { ApiClient, ApiProblem } from "../api/api-client.ts";
import type { Ladder } from "../api/types.ts";
import { SessionKeeper } from "../model/session.ts";
import { chosenRegion, readPageSettings } from "../settings.ts";

const LOOK_EVERY_MS = 1_000;
/** Gateways hold the last messages of a call back for some seconds (docs/design/control-channel.md). */
const LATEST_NEWS_MS = 8_000;

export type Reading =
  | { readonly kind: "reading" }
  | { readonly kind: "read"; readonly ladder: Ladder }
  /** No such call, or none of this user's. */
  | { readonly kind: "unknown" };

/** Reads the call that the address names, once a second while it lasts and somebody looks. */
export class CallReader {
  readonly settings = readPageSettings();
  readonly region = chosenRegion(this.settings);
  readonly keeper = new SessionKeeper();
  readonly api = new ApiClient(() => this.keeper.token, this.region);
  readonly sid = /^\/calls\/(CA[0-9a-f]{32})$/.exec(location.pathname)?.[1];
  readonly reading = signal<Reading>({ kind: "reading" });
  readonly isOutOfReach = signal(false);
  /** What is said to those who do not see it. */
  readonly news = signal("");
  #endSeenAtMs: number | undefined;
  #isLooking = false;

  constructor() {
    this.keeper.watch(this.api);
    setInterval(() => void this.#look(), LOOK_EVERY_MS);
    effect(() => {
      if (this.keeper.session.value !== undefined) void this.#look();
    });
  }

  async signIn(input: {
    readonly sipDomain: string;
    readonly identity: string;
    readonly password: string;
  }): Promise<void> {
    const { identity, sipDomain, token, expiresAt } = await this.api.signIn(input);
    this.keeper.begin({ identity, sipDomain, token, expiresAtMs: Date.parse(expiresAt) });
  }

  get #isOver(): boolean {
    return this.#endSeenAtMs !== undefined && Date.now() - this.#endSeenAtMs > LATEST_NEWS_MS;
  }

  async #look(): Promise<void> {
    const isIdle = this.keeper.token === undefined || this.#isOver || document.visibilityState === "hidden";
    if (isIdle || this.#isLooking) return;
    if (this.sid === undefined) {
      this.reading.value = { kind: "unknown" };
      return;
    }
    this.#isLooking = true;
    try {
      this.#take(await this.api.ladder(this.sid));
      this.isOutOfReach.value = false;
    } catch (error) {
      this.#fail(error);
    } finally {
      this.#isLooking = false;
    }
  }

  #take(ladder: Ladder): void {
    const before = this.reading.peek();
    const known = before.kind === "read" ? before.ladder : undefined;
    const [move] = ladder.moves.slice(known?.moves.length ?? ladder.moves.length);
    if (move !== undefined) this.news.value = move.text;
    if (known?.isLive === true && !ladder.isLive) this.news.value = `The call is over. ${ladder.outcome}`;
    if (!ladder.isLive) this.#endSeenAtMs ??= Date.now();
    if (JSON.stringify(known) !== JSON.stringify(ladder)) this.reading.value = { kind: "read", ladder };
  }

  #fail(error: unknown): void {
    if (!(error instanceof ApiProblem)) this.isOutOfReach.value = true;
    else if (error.status === 401) this.keeper.end({ expired: true });
    // The list of calls is written after a call's own first steps.
    else if (error.status === 404 || error.status === 400) {
      if (this.reading.peek().kind !== "read") this.reading.value = { kind: "unknown" };
    } else this.isOutOfReach.value = true;
  }
}
