import { describe, expect, it } from "vitest";
import { parseAccountSid } from "../../../../../protocol/ids.ts";
import { checkAccessTokenClaims } from "../../../../../worker/domain/tokens/access-token-claims.ts";

const account = parseAccountSid(`AC${"1".repeat(32)}`)!;
const NOW = 1_760_000_000;
const header = { alg: "HS256", typ: "JWT", cty: "twilio-fpa;v=1" };
const payload = {
  iss: `SK${"2".repeat(32)}`,
  sub: account,
  iat: NOW,
  exp: NOW + 3_600,
  grants: { identity: "Alice", voice: { incoming: { allow: true } } },
};

function check(changes: Record<string, unknown> = {}, headerChanges: Record<string, unknown> = {}): unknown {
  const outcome = checkAccessTokenClaims(
    { ...header, ...headerChanges },
    { ...payload, ...changes },
    account,
    NOW * 1_000,
  );
  return outcome.ok ? outcome.value : outcome.code;
}

describe("claims of an access token", () => {
  it("name identity, what it may, and until when", () => {
    expect(check()).toEqual({
      account,
      apiKey: payload.iss,
      identity: "alice",
      mayReceive: true,
      expiresAtMs: (NOW + 3_600) * 1_000,
    });
  });

  it.each([
    {
      what: "calling out only",
      changes: { grants: { identity: "alice", voice: { outgoing: {} } } },
      mayReceive: false,
    },
    { what: "an end within a minute's leeway ago", changes: { iat: NOW - 100, exp: NOW - 59 }, mayReceive: true },
    { what: "a beginning within a minute ahead", changes: { nbf: NOW + 60 }, mayReceive: true },
    { what: "no iat", changes: { iat: undefined }, mayReceive: true },
    { what: "a whole day", changes: { exp: NOW + 86_400 }, mayReceive: true },
  ])("allow $what", ({ changes, mayReceive }) => {
    expect(check(changes)).toMatchObject({ mayReceive });
  });

  it.each([
    { code: "token-expired", changes: { exp: NOW - 60 } },
    { code: "token-not-yet-valid", changes: { nbf: NOW + 61 } },
    { code: "token-lifetime-too-long", changes: { exp: NOW + 86_461 } },
    // A date of issue in the future must not stretch the day.
    { code: "token-lifetime-too-long", changes: { iat: NOW + 86_400, exp: NOW + 2 * 86_400 } },
    { code: "token-malformed", changes: { exp: undefined } },
    { code: "token-malformed", changes: { exp: "soon" } },
    { code: "token-malformed", changes: { nbf: "now" } },
    { code: "token-malformed", changes: { iat: -1 } },
    { code: "token-account-mismatch", changes: { sub: `AC${"9".repeat(32)}` } },
    { code: "token-issuer-unknown", changes: { sub: "alice" } },
    { code: "token-issuer-unknown", changes: { iss: `AC${"1".repeat(32)}` } },
    { code: "token-grants-missing", changes: { grants: undefined } },
    { code: "token-grants-missing", changes: { grants: { identity: "a b", voice: {} } } },
    { code: "token-grants-missing", changes: { grants: { identity: "alice" } } },
  ])("fail with $code for $changes", ({ code, changes }) => {
    expect(check(changes)).toBe(code);
  });

  it.each([{ alg: "none" }, { alg: "HS512" }, { alg: "RS256" }, { cty: undefined }, { cty: "twilio-fpa;v=2" }])(
    "fail for the header %j",
    (changes) => {
      expect(check({}, changes)).toBe("token-header-invalid");
    },
  );
});
