import { createHash, timingSafeEqual } from "node:crypto";

/** Equality of two secrets in time that tells nothing of either, not even the length. */
export function isSameSecret(a: string, b: string): boolean {
  return timingSafeEqual(createHash("sha256").update(a).digest(), createHash("sha256").update(b).digest());
}
