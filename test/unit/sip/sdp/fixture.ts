import { readFileSync } from "node:fs";

/** An offer that a real peer sent, byte for byte. */
export function sdpFixture(name: string): string {
  return readFileSync(new URL(`../../../fixtures/sdp/${name}.sdp`, import.meta.url), "utf8");
}
