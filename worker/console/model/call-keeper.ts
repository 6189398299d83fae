import { parseKeptCalls } from "../phone/kept-call.ts";
import type { KeptCall, KeptCalls } from "../phone/kept-call.ts";
import type { SipCall } from "../phone/sip-call.ts";
import type { Session } from "./session.ts";

/** For this tab, and for the page that is loaded in it next. */
const STORED_KEY = "nearside.calls";
/** Nobody ends a talk for this long after the last packet of a browser. */
const TALK_WAITS_MS = 30_000;

export interface TalksOfPage {
  readonly session: Session | undefined;
  readonly calls: readonly SipCall[];
  readonly shown: SipCall | undefined;
}

/**
 * Hands talks over from a page to the next one in its tab. They are written when the page is left and not before: a tab
 * that is copied would take them away from this one.
 */
export class CallKeeper {
  /** Of the page before this one. */
  #left: KeptCalls | undefined;

  constructor(talks: () => TalksOfPage) {
    this.#left = parseKeptCalls(sessionStorage.getItem(STORED_KEY) ?? "null");
    sessionStorage.removeItem(STORED_KEY);
    addEventListener("pagehide", () => this.#write(talks()));
    // It was only put aside, and its calls are still its own.
    addEventListener("pageshow", () => sessionStorage.removeItem(STORED_KEY));
  }

  /** Once, and only to whom they belong. */
  take({ identity, sipDomain }: Session): { readonly calls: readonly KeptCall[]; readonly wait: boolean } {
    const left = this.#left;
    this.#left = undefined;
    if (left?.identity !== identity || left.sipDomain !== sipDomain) return { calls: [], wait: false };
    return { calls: left.calls, wait: Date.now() - left.leftAtMs < TALK_WAITS_MS };
  }

  #write({ session, calls, shown }: TalksOfPage): void {
    const kept = calls.flatMap((call) => {
      const written = call.keep();
      return written === undefined ? [] : [{ ...written, shown: call === shown }];
    });
    if (session === undefined || kept.length === 0) return;
    const { identity, sipDomain } = session;
    const left: KeptCalls = { identity, sipDomain, leftAtMs: Date.now(), calls: kept };
    sessionStorage.setItem(STORED_KEY, JSON.stringify(left));
  }
}
