import { enrolmentText } from "#protocol/control-frames";
import type { GatewayFrame } from "#protocol/control-frames";
import { decodeBase64 } from "../../encoding.ts";

/** How old a challenge may be when its answer comes. */
export const NONCE_LIFETIME_MS = 10_000;

/** Whether the hello is signed by the holder of this raw Ed25519 key (RFC 8032) over this challenge. */
export async function isSignedHello(
  hello: Extract<GatewayFrame, { kind: "hello" }>,
  nonce: string,
  publicKey: string,
): Promise<boolean> {
  const key = decodeBase64(publicKey);
  const signature = decodeBase64(hello.signature);
  if (key?.length !== 32 || signature?.length !== 64) return false;
  const imported = await crypto.subtle.importKey("raw", key, { name: "Ed25519" }, false, ["verify"]);
  const signed = new TextEncoder().encode(enrolmentText(nonce, hello.gateway, hello.instance, hello.channel));
  return await crypto.subtle.verify({ name: "Ed25519" }, imported, signature, signed);
}
