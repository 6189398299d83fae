import { describe, expect, it } from "vitest";
import { parseAccountSid, parseEndpointId } from "#protocol/ids";
import { checkAccessTokenClaims } from "../../../../../worker/domain/tokens/access-token-claims.ts";
import {
  OWN_TOKEN_HEADER,
  ownTokenClaims,
  renewableSince,
} from "../../../../../worker/domain/tokens/own-access-token.ts";

const account = parseAccountSid(`AC${"a".repeat(32)}`)!;
const identity = parseEndpointId("alice")!;
const apiKey = `SK${"b".repeat(32)}`;
const HOUR_MS = 3_600_000;
const nowMs = 1_700_000_000_000;
const claims = ownTokenClaims({ account, apiKey, identity, nowMs, signedInAtMs: nowMs, randomHex: "00" });

describe("a token of our own", () => {
  it("passes the check that Twilio's pass, for an hour and for incoming calls", () => {
    const outcome = checkAccessTokenClaims(OWN_TOKEN_HEADER, claims, account, nowMs);
    expect(outcome).toEqual({
      ok: true,
      value: { account, apiKey, identity, mayReceive: true, expiresAtMs: nowMs + HOUR_MS },
    });
    expect(checkAccessTokenClaims(OWN_TOKEN_HEADER, claims, account, nowMs + 2 * HOUR_MS)).toEqual({
      ok: false,
      code: "token-expired",
    });
  });

  it("may be renewed for a day after the sign-in, however often it was", () => {
    const later = ownTokenClaims({
      account,
      apiKey,
      identity,
      nowMs: nowMs + 23 * HOUR_MS,
      signedInAtMs: nowMs,
      randomHex: "01",
    });
    expect(renewableSince(later, apiKey, nowMs + 24 * HOUR_MS - 1)).toBe(nowMs);
    expect(renewableSince(later, apiKey, nowMs + 24 * HOUR_MS)).toBeUndefined();
  });

  it.each([
    { what: "of another key", payload: { ...claims, iss: `SK${"c".repeat(32)}` }, key: apiKey },
    { what: "of an account without a key of its own", payload: claims, key: undefined },
    { what: "without the time of the sign-in", payload: { ...claims, auth_time: undefined }, key: apiKey },
  ])("may not be renewed when it is one $what", ({ payload, key }) => {
    expect(renewableSince(payload, key, nowMs)).toBeUndefined();
  });
});
