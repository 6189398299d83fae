import { describe, expect, it } from "vitest";
import {
  SIGN_IN_MEMORY_MS,
  SIGN_IN_SCOPES,
  signInPauseSeconds,
  withSignInFailure,
} from "../../../../../worker/domain/accounts/sign-in-limit.ts";
import type { SignInFailures, SignInScope } from "../../../../../worker/domain/accounts/sign-in-limit.ts";

function failed(scope: SignInScope, times: number, atMs = 0): SignInFailures | undefined {
  let counted: SignInFailures | undefined;
  for (let time = 0; time < times; time += 1) counted = withSignInFailure(scope, counted, atMs);
  return counted;
}

describe("wrong passwords", () => {
  it.each([
    { scope: "identity-and-source", allowed: 8, pauseSeconds: 300 },
    { scope: "source", allowed: 40, pauseSeconds: 300 },
    { scope: "identity", allowed: 200, pauseSeconds: 3_600 },
  ] as const)("of one $scope are heard $allowed times, then again after $pauseSeconds s", (limit) => {
    const { scope, allowed, pauseSeconds } = limit;
    expect(signInPauseSeconds(scope, undefined, 0)).toBe(0);
    expect(signInPauseSeconds(scope, failed(scope, allowed - 1), 1)).toBe(0);
    const counted = failed(scope, allowed);
    expect(signInPauseSeconds(scope, counted, 0)).toBe(pauseSeconds);
    expect(signInPauseSeconds(scope, counted, pauseSeconds * 1_000 - 1)).toBe(1);
    expect(signInPauseSeconds(scope, counted, pauseSeconds * 1_000)).toBe(0);
  });

  it("are counted anew once the window is over", () => {
    const late = withSignInFailure("source", failed("source", 40), SIGN_IN_MEMORY_MS);
    expect(late).toEqual({ failures: 1, sinceMs: SIGN_IN_MEMORY_MS });
  });

  it("are counted in three ways", () => {
    expect(SIGN_IN_SCOPES).toEqual(["identity-and-source", "source", "identity"]);
  });
});
