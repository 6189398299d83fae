/** Finds the leg of each SIP message that comes in or goes out, and tells its call's ladder of it in short. */
import type { SipFlow } from "#protocol/capsule";
import type { CallToken, LegId } from "#protocol/ids";
import { parseCallTag } from "#protocol/ids";
import type { LadderMessage } from "#protocol/ladder";
import { ladderMessage, ownTagOf } from "#sip/ladder/ladder-message";
import { parseNameAddr, tagOf } from "#sip/message/name-addr";
import { header } from "#sip/message/headers";
import type { SipMessage, SipRequest } from "#sip/message/sip-message";
import { callIdOf, cseqOf, topVia } from "#sip/message/typed-headers";
import type { Clock } from "../clock.ts";

/** Challenge and ACK before the INVITE that begins a call: kept until it comes. */
export const LOOSE_MS = 32_000;
const LOOSE_INVITES = 1_000;
const LOOSE_MESSAGES = 16;
/** INVITEs whose own transaction is known: CANCEL and repeats bear no tag of ours. The longest ringing, and Timer H. */
export const INVITE_MS = 332_000;
const INVITES = 10_000;
/** Of the last messages, to know repeats by; timers A, G and E repeat within seconds. */
const REMEMBERED = 8_192;
/** Peers choose these texts; longer ones are compared by their beginning. */
const KEY_LENGTH = 512;

interface Owner {
  readonly call: CallToken;
  readonly leg: LegId;
}

/** A caller's leg is `a` before it exists. */
const CALLER = "a" as LegId;

interface LooseInvite {
  readonly atMs: number;
  readonly messages: readonly LadderMessage[];
}

export interface LadderRecorderOptions {
  readonly clock: Clock;
  readonly note: (call: CallToken, message: LadderMessage) => void;
}

export class LadderRecorder {
  readonly #options: LadderRecorderOptions;
  /** By `inviteKey`, oldest first. */
  readonly #loose = new Map<string, LooseInvite>();
  readonly #invites = new Map<string, Owner & { readonly atMs: number }>();
  readonly #seen = new Set<string>();

  constructor(options: LadderRecorderOptions) {
    this.#options = options;
  }

  onMessage(message: SipMessage, sent: boolean, flow: SipFlow): void {
    const method = message.kind === "request" ? message.method : cseqOf(message)?.method;
    if (method === undefined || method === "REGISTER") return;
    const tag = ownTagOf(message, sent);
    const tagged = tag === undefined ? undefined : parseCallTag(tag);
    if (tagged === undefined && method !== "INVITE" && method !== "ACK" && method !== "CANCEL") return;
    const invite = inviteKey(message, flow);
    const owner = tagged ?? this.#invites.get(invite);
    const short = ladderMessage(message, { leg: owner?.leg ?? CALLER, atMs: this.#options.clock.nowMs(), sent });
    if (short === undefined) return;
    const noted = this.#isRepeat(`${sent ? ">" : "<"} ${invite}`, message)
      ? { ...short, repeat: true as const }
      : short;
    if (owner === undefined) this.#keepLoose(invite, noted);
    else this.#options.note(owner.call, noted);
  }

  /** A phone's INVITE began a call: what was said about it until now is the call's too. */
  begin(request: SipRequest, flow: SipFlow, { call, leg }: Owner): void {
    const nowMs = this.#options.clock.nowMs();
    const key = inviteKey(request, flow);
    const loose = this.#loose.get(key)?.messages ?? [];
    this.#loose.delete(key);
    this.#invites.delete(key);
    this.#invites.set(key, { call, leg, atMs: nowMs });
    dropOldest(this.#invites, nowMs - INVITE_MS, INVITES);
    for (const message of loose) {
      if (message.atMs > nowMs - LOOSE_MS) this.#options.note(call, { ...message, leg });
    }
  }

  #keepLoose(key: string, message: LadderMessage): void {
    const nowMs = this.#options.clock.nowMs();
    const before = this.#loose.get(key)?.messages ?? [];
    const messages = before.length < LOOSE_MESSAGES ? [...before, message] : before;
    this.#loose.delete(key);
    this.#loose.set(key, { atMs: nowMs, messages });
    dropOldest(this.#loose, nowMs - LOOSE_MS, LOOSE_INVITES);
  }

  /** The same request has the same branch; the same response besides that its status and tag. */
  #isRepeat(scope: string, message: SipMessage): boolean {
    const cseq = header(message, "cseq") ?? "";
    const end = message.kind === "request" ? "" : `${message.status} ${header(message, "to") ?? ""}`;
    const key = `${scope} ${topVia(message)?.branch ?? ""} ${cseq} ${end} ${message.body.length}`.slice(0, KEY_LENGTH);
    if (this.#seen.has(key)) return true;
    this.#seen.add(key);
    for (const oldest of this.#seen) {
      if (this.#seen.size <= REMEMBERED) break;
      this.#seen.delete(oldest);
    }
    return false;
  }
}

/** What all messages of an INVITE and its challenges share; whoever else learns it comes from another host. */
function inviteKey(message: SipMessage, flow: SipFlow): string {
  const from = parseNameAddr(header(message, "from") ?? "");
  const fromTag = from === undefined ? undefined : tagOf(from);
  return `${flow.host} ${fromTag ?? ""} ${callIdOf(message) ?? ""}`.slice(0, KEY_LENGTH);
}

function dropOldest(entries: Map<string, { readonly atMs: number }>, beforeMs: number, limit: number): void {
  for (const [key, { atMs }] of entries) {
    if (atMs >= beforeMs && entries.size <= limit) return;
    entries.delete(key);
  }
}
