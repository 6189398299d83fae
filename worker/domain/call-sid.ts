/**
 * Call SIDs that say where their call is listed: `CA`, 2 hex digits of the region's index in region-config,
 * 4 of the day since the epoch (UTC), 26 random. The children of a call share its first eight characters,
 * so a SID finds its index object without a table. Regions may therefore be appended to a region file, never reordered.
 */
import { parseCallSid } from "#protocol/ids";
import type { CallSid } from "#protocol/ids";

const DAY_MS = 86_400_000;

export interface CallSidParts {
  readonly regionIndex: number;
  /** Days since 1970-01-01 UTC. */
  readonly day: number;
}

export function dayOf(atMs: number): number {
  return Math.floor(atMs / DAY_MS);
}

/** `randomHex`: at least 26 hex digits. Throws on anything that does not fit: these are our own values. */
export function createCallSid(parts: CallSidParts & { readonly randomHex: string }): CallSid {
  const sid = parseCallSid(
    `CA${hex(parts.regionIndex, 2)}${hex(parts.day, 4)}${parts.randomHex.slice(0, 26).toLowerCase()}`,
  );
  if (sid === undefined)
    throw new RangeError("a call SID takes a region index below 256, a day below 65536 and 26 hex digits");
  return sid;
}

export function parseCallSidParts(sid: CallSid): CallSidParts {
  return { regionIndex: Number.parseInt(sid.slice(2, 4), 16), day: Number.parseInt(sid.slice(4, 8), 16) };
}

function hex(value: number, digits: number): string {
  return Math.max(0, Math.trunc(value)).toString(16).padStart(digits, "0");
}
