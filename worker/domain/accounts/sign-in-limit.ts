/** How often somebody may guess a password: pure counting, kept by the Account object. */

export interface SignInFailures {
  readonly failures: number;
  /** When the first of them happened; the count starts anew a window later. */
  readonly sinceMs: number;
}

interface SignInLimit {
  readonly failures: number;
  readonly windowMs: number;
}

const MINUTE_MS = 60_000;

/**
 * One person mistypes now and then; one source tries few people; and a guess spread over many sources still meets the
 * last limit, which is wide, because it shuts the rightful owner out as well.
 */
const SIGN_IN_LIMITS = {
  "identity-and-source": { failures: 8, windowMs: 5 * MINUTE_MS },
  source: { failures: 40, windowMs: 5 * MINUTE_MS },
  identity: { failures: 200, windowMs: 60 * MINUTE_MS },
} as const satisfies Readonly<Record<string, SignInLimit>>;

export type SignInScope = keyof typeof SIGN_IN_LIMITS;

export const SIGN_IN_SCOPES = Object.keys(SIGN_IN_LIMITS).filter((name): name is SignInScope => name in SIGN_IN_LIMITS);

/** No count is older than this and still matters. */
export const SIGN_IN_MEMORY_MS = Math.max(...Object.values(SIGN_IN_LIMITS).map(({ windowMs }) => windowMs));

/** Seconds until the next try is heard, 0 when it may be made now. */
export function signInPauseSeconds(scope: SignInScope, counted: SignInFailures | undefined, nowMs: number): number {
  const { failures, windowMs } = SIGN_IN_LIMITS[scope];
  if (counted === undefined || counted.failures < failures) return 0;
  return Math.max(0, Math.ceil((counted.sinceMs + windowMs - nowMs) / 1_000));
}

export function withSignInFailure(
  scope: SignInScope,
  counted: SignInFailures | undefined,
  nowMs: number,
): SignInFailures {
  if (counted === undefined || counted.sinceMs + SIGN_IN_LIMITS[scope].windowMs <= nowMs)
    return { failures: 1, sinceMs: nowMs };
  return { ...counted, failures: counted.failures + 1 };
}
