/**
 * An ICE-lite agent (RFC 8445): answers checks, never decides. Pure: datagrams and their sources in, answers out.
 * It may hold two sets of credentials: an adopter is also spoken to under those of the gateway that it replaces.
 */
import { randomBytes, randomInt } from "node:crypto";
import type { IceCredentials } from "../media/key-seal.ts";
import {
  encodeStunMessage,
  errorCode,
  hasIntegrity,
  parseStunMessage,
  STUN_ATTRIBUTE,
  type StunMessage,
  xorMappedAddress,
} from "./stun-message.ts";

export interface IcePair {
  readonly local: IceCredentials;
  /** Absent until the peer's description came. Needed for checks of our own only. */
  readonly remote: IceCredentials | undefined;
}

export type IceOutcome =
  /** A valid check: answer it; the source is proved. */
  | { readonly kind: "check"; readonly response: Buffer; readonly nominated: boolean; readonly current: boolean }
  | { readonly kind: "refused"; readonly reason: IceRefusal; readonly response?: Buffer }
  /** A valid answer to one of our own requests. */
  | { readonly kind: "answered" }
  | { readonly kind: "ignored" };

export type IceRefusal = "malformed" | "unauthenticated" | "wrong-credentials" | "unknown-attribute" | "role-conflict";

const REQUESTS_REMEMBERED = 16;

/** RFC 8445 section 5.3: at least 24 and 128 bits of randomness, in ice-char. */
export function createIceCredentials(): IceCredentials {
  return { ufrag: iceText(6), password: iceText(18) };
}

/** base64 without padding is ice-char. */
function iceText(bytes: number): string {
  return randomBytes(bytes).toString("base64");
}

export class IceLiteAgent {
  current: IcePair;
  /** Credentials before the last restart or adoption. */
  previous: IcePair | undefined;
  readonly #tieBreaker = randomBytes(8);
  readonly #requests = new Map<string, IcePair>();

  constructor(current: IcePair, previous?: IcePair) {
    this.current = current;
    this.previous = previous;
  }

  receive(packet: Buffer, host: string, port: number): IceOutcome {
    const message = parseStunMessage(packet);
    if (message === undefined) return { kind: "refused", reason: "malformed" };
    switch (message.kind) {
      case "request":
        return this.#answer(message, host, port);
      case "success":
        return this.#isAnswerToUs(message) ? { kind: "answered" } : { kind: "ignored" };
      default:
        return { kind: "ignored" };
    }
  }

  /** A check of our own under the previous credentials: it makes the browser send to us before its signalling says so. */
  createPreviousCheck(): Buffer | undefined {
    const pair = this.previous;
    if (pair?.remote === undefined) return undefined;
    const transactionId = randomBytes(12);
    this.#requests.set(transactionId.toString("hex"), pair);
    if (this.#requests.size > REQUESTS_REMEMBERED) this.#requests.delete(this.#requests.keys().next().value ?? "");
    const priority = Buffer.alloc(4);
    // Peer-reflexive preference 110 (RFC 8445 section 5.1.2.1), component 1.
    priority.writeUInt32BE(110 * 2 ** 24 + randomInt(0xffff) * 2 ** 8 + 255);
    return encodeStunMessage({
      kind: "request",
      transactionId,
      password: pair.remote.password,
      attributes: [
        [STUN_ATTRIBUTE.username, Buffer.from(`${pair.remote.ufrag}:${pair.local.ufrag}`)],
        [STUN_ATTRIBUTE.priority, priority],
        [STUN_ATTRIBUTE.iceControlled, this.#tieBreaker],
      ],
    });
  }

  #answer(message: StunMessage, host: string, port: number): IceOutcome {
    const username = message.attributes.get(STUN_ATTRIBUTE.username)?.toString("utf8");
    if (username === undefined || message.integrityAt < 0)
      return refuse(message, { reason: "unauthenticated", code: 400, text: "Bad Request" });
    const pair = [this.current, this.previous].find((one) => one !== undefined && isFor(username, one));
    if (pair === undefined || !hasIntegrity(message, pair.local.password)) {
      return refuse(message, { reason: "wrong-credentials", code: 401, text: "Unauthenticated" });
    }
    const { password } = pair.local;
    if (message.unknownRequired.length > 0) {
      const attributes = [[STUN_ATTRIBUTE.unknownAttributes, attributeList(message.unknownRequired)]] as const;
      return refuse(message, {
        reason: "unknown-attribute",
        code: 420,
        text: "Unknown Attribute",
        attributes,
        password,
      });
    }
    // A lite agent never controls, whatever the tie-breakers say: the full agent must take that role
    // (RFC 8445 sections 6.1.1 and 7.3.1.1).
    if (message.attributes.has(STUN_ATTRIBUTE.iceControlled)) {
      return refuse(message, { reason: "role-conflict", code: 487, text: "Role Conflict", password });
    }
    const response = encodeStunMessage({
      kind: "success",
      transactionId: message.transactionId,
      attributes: [[STUN_ATTRIBUTE.xorMappedAddress, xorMappedAddress(host, port)]],
      password,
    });
    return {
      kind: "check",
      response,
      nominated: message.attributes.has(STUN_ATTRIBUTE.useCandidate),
      current: pair === this.current,
    };
  }

  #isAnswerToUs(message: StunMessage): boolean {
    const transaction = message.transactionId.toString("hex");
    const pair = this.#requests.get(transaction);
    if (pair?.remote === undefined || !hasIntegrity(message, pair.remote.password)) return false;
    this.#requests.delete(transaction);
    return true;
  }
}

/**
 * RFC 8445 section 7.2.2: our fragment, a colon, the peer's. Only our half names the password that proves the check; while
 * ICE restarts, peers are seen to combine our new fragment with their old one.
 */
function isFor(username: string, pair: IcePair): boolean {
  return username.startsWith(`${pair.local.ufrag}:`);
}

function attributeList(types: readonly number[]): Buffer {
  const list = Buffer.alloc(types.length * 2);
  types.forEach((type, index) => list.writeUInt16BE(type, index * 2));
  return list;
}

interface IceError {
  readonly reason: IceRefusal;
  readonly code: number;
  readonly text: string;
  readonly attributes?: readonly (readonly [type: number, value: Buffer])[];
  readonly password?: string;
}

function refuse(message: StunMessage, error: IceError): IceOutcome {
  const response = encodeStunMessage({
    kind: "error",
    transactionId: message.transactionId,
    attributes: [[STUN_ATTRIBUTE.errorCode, errorCode(error.code, error.text)], ...(error.attributes ?? [])],
    password: error.password,
  });
  return { kind: "refused", reason: error.reason, response };
}
