import { batch, computed, effect, signal } from "@preact/signals";
import { ApiClient } from "../api/api-client.ts";
import type { Me } from "../api/types.ts";
import { AudioDevices } from "../media/devices.ts";
import { Microphone } from "../media/microphone.ts";
import { parseDialTarget } from "../phone/dial-target.ts";
import type { DialTarget } from "../phone/dial-target.ts";
import { wordsForEnd } from "../phone/call-end.ts";
import type { KeptCall } from "../phone/kept-call.ts";
import { SipClient } from "../phone/sip-client.ts";
import type { LinkStatus } from "../phone/sip-client.ts";
import type { SipCall } from "../phone/sip-call.ts";
import { chosenRegion, readPageSettings } from "../settings.ts";
import { Alerts } from "./alerts.ts";
import { CallKeeper } from "./call-keeper.ts";
import { CallSettings } from "./call-settings.ts";
import { CallWatch } from "./call-watch.ts";
import { Contacts } from "./contacts.ts";
import { History } from "./history.ts";
import { SessionKeeper } from "./session.ts";
import type { Session } from "./session.ts";

/** How long a call that ended as it should stays on the screen. */
const LINGER_MS = 4_000;
const HISTORY_AFTER_MS = 600;
const ME_AGAIN_MS = 2_000;
/** How long talks of the page before this one are asked for. */
const TAKE_UP_LIMIT_MS = 30_000;
const TAKE_UP_AGAIN_MS = 1_000;

/** Everything that the page knows and can do; views read its signals and call its methods. */
export class Softphone {
  readonly settings = readPageSettings();
  readonly region = chosenRegion(this.settings);
  readonly keeper = new SessionKeeper();
  readonly api = new ApiClient(() => this.keeper.token, this.region);
  readonly devices = new AudioDevices();
  readonly microphone = new Microphone();
  readonly link = signal<LinkStatus>({ kind: "stopped" });
  readonly me = signal<Me | undefined>(undefined);
  readonly calls = signal<readonly SipCall[]>([]);
  readonly activeId = signal<string | undefined>(undefined);
  readonly watches = signal<ReadonlyMap<string, CallWatch>>(new Map());
  readonly contacts = signal<Contacts | undefined>(undefined);
  readonly history = signal<History | undefined>(undefined);
  readonly callSettings = signal<CallSettings | undefined>(undefined);
  readonly dialText = signal("");
  readonly lastDialled = signal("");
  readonly alerts: Alerts;
  readonly active = computed(() => this.calls.value.find(({ id }) => id === this.activeId.value));
  readonly ringing = computed(() => this.calls.value.filter((call) => call.stage.value === "incoming"));
  readonly session = computed(() => this.keeper.session.value);
  readonly #callKeeper = new CallKeeper(() => ({
    session: this.session.value,
    calls: this.calls.value,
    shown: this.active.value,
  }));
  client: SipClient | undefined;

  constructor() {
    this.alerts = new Alerts(this);
    this.keeper.onRenewed = () => void this.client?.register();
    this.keeper.watch(this.api);
    void this.microphone.choose(this.devices.microphone.value);
    void this.devices.refresh();
    addEventListener("beforeunload", (event) => {
      // Only a page that is loaded again here goes on with its calls: the browser asks first.
      if (this.calls.value.some(({ stage }) => stage.value !== "ended")) event.preventDefault();
    });
    let running: string | undefined;
    effect(() => {
      const session = this.keeper.session.value;
      const who = session === undefined ? undefined : `${session.identity}@${session.sipDomain}`;
      if (who === running) return;
      running = who;
      if (session === undefined) this.#close();
      else this.#open(session);
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

  signOut(): void {
    for (const call of this.calls.value) void call.hangUp();
    this.keeper.end();
  }

  /** Reads what was typed and calls it; what is wrong with it is the answer otherwise. */
  dial(typed: string): DialTarget {
    const target = parseDialTarget(typed, this.session.value?.sipDomain ?? "");
    if (!target.ok || this.client === undefined) return target;
    this.lastDialled.value = target.user;
    this.dialText.value = "";
    const call = this.client.call(target.user);
    this.#add(call);
    void this.#talkTo(call);
    void call.invite();
    return target;
  }

  /** Puts the other side of a call through to what was typed, while this page stays in the call until that is done. */
  transfer(call: SipCall, typed: string): DialTarget {
    const target = parseDialTarget(typed, this.session.value?.sipDomain ?? "");
    if (target.ok) void this.client?.transfer(call, target.user);
    return target;
  }

  /** What an empty field brings back. */
  lastNumber(): string {
    if (this.lastDialled.value !== "") return this.lastDialled.value;
    return this.history.value?.calls.value?.find(({ direction }) => direction === "outgoing")?.peer ?? "";
  }

  /** Busy is who talks; who does not just declines. */
  async decline(call: SipCall): Promise<void> {
    await call.decline({ busy: this.calls.value.some(({ stage }) => stage.value === "talking") });
  }

  async answer(call: SipCall): Promise<void> {
    await Promise.all([this.#talkTo(call), call.answer()]);
  }

  /** Puts one call on the screen and the ear, and the others on hold. */
  async switchTo(call: SipCall): Promise<void> {
    await this.#talkTo(call);
    if (call.held.value) await call.setHeld(false);
  }

  /** Back to the keypad while calls wait. */
  showKeypad(): void {
    this.activeId.value = undefined;
  }

  dismiss(call: SipCall): void {
    this.watches.value.get(call.id)?.close();
    batch(() => {
      this.calls.value = this.calls.value.filter((other) => other !== call);
      this.watches.value = new Map([...this.watches.value].filter(([id]) => id !== call.id));
      if (this.activeId.value !== call.id) return;
      const next = this.calls.value.find(({ stage }) => stage.value !== "ended" && stage.value !== "incoming");
      this.activeId.value = next?.id;
    });
  }

  async chooseSpeaker(id: string): Promise<void> {
    this.devices.chooseSpeaker(id);
    await Promise.all(this.calls.value.map((call) => call.media.applySpeaker()));
  }

  async chooseMicrophone(id: string): Promise<void> {
    this.devices.chooseMicrophone(id);
    await this.microphone.choose(id);
  }

  async #talkTo(call: SipCall): Promise<void> {
    this.activeId.value = call.id;
    const others = this.calls.value.filter((other) => other !== call && other.stage.value === "talking");
    await Promise.all(others.map((other) => other.setHeld(true)));
  }

  #open(session: Session): void {
    const url = new URL("/sip", location.href);
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    if (this.region !== undefined) url.searchParams.set("region", this.region);
    this.client = new SipClient({
      server: url.href,
      identity: session.identity,
      sipDomain: session.sipDomain,
      token: () => this.keeper.token ?? "",
      microphone: this.microphone,
      devices: this.devices,
      onStatus: (status) => this.#linkChanged(status),
      onIncoming: (call) => this.#add(call),
    });
    this.client.start();
    this.contacts.value = new Contacts(this.api);
    this.history.value = new History(this.api);
    this.callSettings.value = new CallSettings(this.api);
    void this.history.value.refresh();
    void this.#readMe();
  }

  #close(): void {
    void this.client?.stop();
    this.client = undefined;
    this.contacts.value?.close();
    this.callSettings.value?.close();
    for (const watch of this.watches.value.values()) watch.close();
    batch(() => {
      this.contacts.value = undefined;
      this.history.value = undefined;
      this.callSettings.value = undefined;
      this.me.value = undefined;
      this.calls.value = [];
      this.watches.value = new Map();
      this.activeId.value = undefined;
    });
  }

  /** Until there is an answer, as long as the same person is signed in. */
  async #readMe(): Promise<void> {
    const { client } = this;
    while (this.client === client && this.me.value === undefined) {
      try {
        const me = await this.api.me();
        if (this.client === client) this.me.value = me;
      } catch {
        await new Promise((resolve) => setTimeout(resolve, ME_AGAIN_MS));
      }
    }
  }

  #linkChanged(status: LinkStatus): void {
    this.link.value = status;
    // The token is no longer taken and there is no password to make another from.
    if (status.kind === "refused" && status.status === 401) this.keeper.end({ expired: true });
    if (status.kind === "ready") void this.#takeUpCalls();
  }

  /** Goes on with the talks that the page before this one had, one by one. */
  async #takeUpCalls(): Promise<void> {
    const { session, client } = this;
    if (session.value === undefined || client === undefined) return;
    const { calls, wait } = this.#callKeeper.take(session.value);
    const untilMs = Date.now() + (wait ? TAKE_UP_LIMIT_MS : 0);
    for (const kept of calls) await this.#takeUp(kept, client, untilMs);
  }

  async #takeUp(kept: KeptCall, client: SipClient, untilMs: number): Promise<void> {
    const call = client.takeUp(kept);
    this.#add(call);
    if (kept.shown || this.activeId.value === undefined) this.activeId.value = call.id;
    if (Date.now() >= untilMs) return call.giveUp();
    await call.invite();
    await whenSettled(call);
    const end = call.end.value;
    if (end?.kind !== "refused" || end.status !== 503 || this.client !== client) return;
    await new Promise((resolve) => setTimeout(resolve, (end.retryAfterSeconds ?? 0) * 1_000 || TAKE_UP_AGAIN_MS));
    this.dismiss(call);
    await this.#takeUp(kept, client, untilMs);
  }

  #add(call: SipCall): void {
    this.calls.value = [...this.calls.value, call];
    const watch = new CallWatch(this.api, call, this.session.value?.identity ?? "");
    this.watches.value = new Map([...this.watches.value, [call.id, watch]]);
    const stop = effect(() => {
      if (call.stage.value === "ended") queueMicrotask(() => this.#ended(call, stop));
    });
  }

  #ended(call: SipCall, stop: () => void): void {
    stop();
    this.watches.value.get(call.id)?.close();
    this.alerts.callEnded(call);
    setTimeout(() => void this.history.value?.refresh(), HISTORY_AFTER_MS);
    const end = call.end.value;
    const wasShown = this.activeId.value === call.id;
    // A failure stays until it was read.
    if (wasShown && end !== undefined && wordsForEnd(end, call.peer).tone === "problem") return;
    setTimeout(() => this.dismiss(call), wasShown ? LINGER_MS : 0);
  }
}

/** It talks, or it has ended. */
async function whenSettled(call: SipCall): Promise<void> {
  await new Promise<void>((resolve) => {
    const stop = effect(() => {
      if (call.stage.value === "connecting") return;
      queueMicrotask(() => {
        stop();
        resolve();
      });
    });
  });
}
