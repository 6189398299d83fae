/** A talk that the page left, as the page that is loaded next finds it: what takes it up again (RFC 3891), and what was shown. */

export interface KeptCall {
  readonly dialog: { readonly callId: string; readonly localTag: string; readonly remoteTag: string };
  readonly peer: string;
  readonly peerIdentity: string;
  readonly direction: "outgoing" | "incoming";
  readonly sid?: string | undefined;
  readonly answeredAtMs: number;
  readonly muted: boolean;
  readonly held: boolean;
  /** It was the one on the screen. */
  readonly shown: boolean;
}

export interface KeptCalls {
  readonly identity: string;
  readonly sipDomain: string;
  readonly leftAtMs: number;
  readonly calls: readonly KeptCall[];
}

/** Its tags are the other way round than ours: the one that is remote to us is local to whoever gets this. */
export function replacesHeaders({ dialog: { callId, localTag, remoteTag } }: KeptCall): string[] {
  return [`Replaces: ${callId};to-tag=${remoteTag};from-tag=${localTag}`, "Require: replaces"];
}

export function parseKeptCalls(text: string): KeptCalls | undefined {
  try {
    const stored: Partial<KeptCalls> | null = JSON.parse(text);
    const { identity, sipDomain, leftAtMs, calls } = stored ?? {};
    if (identity === undefined || sipDomain === undefined || leftAtMs === undefined) return undefined;
    return { identity, sipDomain, leftAtMs, calls: (calls ?? []).filter(isWhole) };
  } catch {
    return undefined;
  }
}

function isWhole({ dialog, peer, peerIdentity, answeredAtMs }: Partial<KeptCall>): boolean {
  const texts = [dialog?.callId, dialog?.localTag, dialog?.remoteTag, peer, peerIdentity];
  return texts.every((text) => typeof text === "string") && typeof answeredAtMs === "number";
}
