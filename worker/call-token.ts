/** Seals and opens call tokens: the name of a Call object that peers carry in dialog tags and Contacts (decision 11). */
import { createHmac, timingSafeEqual } from "node:crypto";
import { parseCallToken, parseRegionName } from "#protocol/ids";
import type { CallToken, RegionName } from "#protocol/ids";
import { decodeBase64, decodeHex, encodeBase64Url, encodeHex } from "./encoding.ts";

/** Length of a Durable Object id. */
const ID_BYTES = 32;
/** HMAC-SHA256 cut to 128 bits (RFC 2104 section 5 allows half the output): a forger has 2^-128 a try. */
const MAC_BYTES = 16;
/** Keeps these MACs apart from any other use of the same key. */
const MAC_CONTEXT = "nearside-call-token-1\n";

export interface CallName {
  /** The Durable Object id of the call, 64 hex digits. */
  readonly objectId: string;
  /** Where the call lives: the region of its caller. */
  readonly region: RegionName;
}

/** `key`: 64 hex digits (setting CALL_TOKEN_KEY). Throws when the name is none: we made it ourselves. */
export function sealCallToken(key: string, name: CallName): CallToken {
  const id = decodeHex(name.objectId);
  if (id === undefined || id.length !== ID_BYTES) throw new TypeError("a Call object id is 64 hex digits");
  const body = concat(id, new TextEncoder().encode(name.region));
  const token = parseCallToken(encodeBase64Url(concat(body, macOf(key, body))));
  if (token === undefined) throw new TypeError("a sealed call token must fit parseCallToken");
  return token;
}

/** The name inside a token that this Worker sealed; `undefined` for every other text of that shape. */
export function openCallToken(key: string, token: CallToken): CallName | undefined {
  const bytes = decodeBase64(token);
  if (bytes === undefined || bytes.length <= ID_BYTES + MAC_BYTES) return undefined;
  // base64 has spare bits at its end: only the one spelling that we write is the token.
  if (encodeBase64Url(bytes) !== token) return undefined;
  const body = bytes.subarray(0, bytes.length - MAC_BYTES);
  if (!timingSafeEqual(macOf(key, body), bytes.subarray(bytes.length - MAC_BYTES))) return undefined;
  const region = parseRegionName(new TextDecoder().decode(body.subarray(ID_BYTES)));
  return region === undefined ? undefined : { objectId: encodeHex(body.subarray(0, ID_BYTES)), region };
}

function macOf(key: string, body: Uint8Array): Uint8Array {
  const keyBytes = decodeHex(key);
  if (keyBytes === undefined || keyBytes.length !== 32) throw new TypeError("CALL_TOKEN_KEY is 64 hex digits");
  return createHmac("sha256", keyBytes).update(MAC_CONTEXT).update(body).digest().subarray(0, MAC_BYTES);
}

function concat(a: Uint8Array, b: Uint8Array): Uint8Array {
  const joined = new Uint8Array(a.length + b.length);
  joined.set(a);
  joined.set(b, a.length);
  return joined;
}
