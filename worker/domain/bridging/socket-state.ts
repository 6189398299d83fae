/** What a bridge knows of one socket: kept as its attachment, so it must stay small (16,384 bytes) and survives hibernation. */
import type { AccountSid, CallToken, EndpointId, SipDomain } from "#protocol/ids";
import type { ContactParams } from "./register-request.ts";
import type { SocketNonce } from "./socket-digest.ts";

/** INVITEs without final response that a socket may have at once; the oldest is forgotten. */
const PENDING_LIMIT = 8;
const NONCE_LIMIT = 4;
/** A socket that shows no credentials is closed. */
export const GREETING_LIMIT_MS = 10_000;
/** Wrong credentials in a row before a socket is closed. */
export const FAILURE_LIMIT = 8;

export interface SocketUser {
  readonly account: AccountSid;
  readonly sipDomain: SipDomain;
  readonly identity: EndpointId;
  /** Requests without credentials are believed until then. */
  readonly untilMs: number;
  /** End of the access token that it came with, if it came with one. */
  readonly tokenUntilMs?: number;
  /** Whether calls may reach it: an access token can be for calling out only. */
  readonly mayReceive: boolean;
}

export interface SocketRegistration {
  readonly device: string;
  readonly contact: string;
  readonly contactParams: ContactParams;
  readonly untilMs: number;
  /** End of the route as the endpoint object has it: only past it does a refresh leave the bridge. */
  readonly storedUntilMs: number;
}

export interface PendingInvite {
  readonly transaction: string;
  readonly call: CallToken;
}

export interface SocketState {
  readonly id: string;
  readonly openedAtMs: number;
  /** The last challenges: two requests may be under way at once. */
  readonly nonces: readonly SocketNonce[];
  readonly failures: number;
  readonly user?: SocketUser;
  readonly registration?: SocketRegistration;
  readonly pending: readonly PendingInvite[];
}

export function newSocketState(id: string, nowMs: number): SocketState {
  return { id, openedAtMs: nowMs, failures: 0, nonces: [], pending: [] };
}

/** Adds a challenge, or replaces it by its later self. */
export function withNonce(state: SocketState, nonce: SocketNonce): SocketState {
  const others = state.nonces.filter((other) => other.nonce !== nonce.nonce);
  return { ...state, nonces: [...others, nonce].slice(-NONCE_LIMIT) };
}

export function withPending(state: SocketState, invite: PendingInvite): SocketState {
  const others = state.pending.filter(({ transaction }) => transaction !== invite.transaction);
  return { ...state, pending: [...others, invite].slice(-PENDING_LIMIT) };
}

/** When this socket next needs a look; `undefined` when it can sleep for good. */
export function wakeAtMs(state: SocketState): number | undefined {
  if (state.registration !== undefined) return state.registration.untilMs;
  return state.user === undefined ? state.openedAtMs + GREETING_LIMIT_MS : undefined;
}
