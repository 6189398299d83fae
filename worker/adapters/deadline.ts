import { count } from "../counters.ts";
import { log } from "../log.ts";

/** How long any call to another object may take, unless its caller says otherwise. */
export const DEFAULT_DEADLINE_MS = 2_000;

/** Another object did not answer in time. It may still have done what was asked. */
export class DeadlineExceeded extends Error {
  override readonly name = "DeadlineExceeded";
  readonly code = "deadline-exceeded";

  constructor(what: string, deadlineMs: number) {
    super(`${what} took more than ${deadlineMs} ms`);
  }
}

/** The answer, or `DeadlineExceeded`; a later answer or failure goes nowhere. */
export async function withDeadline<T>(
  what: string,
  answer: Promise<T>,
  deadlineMs: number = DEFAULT_DEADLINE_MS,
): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const expiry = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      count("link.deadline");
      log({ event: "link.deadline", what, deadlineMs });
      reject(new DeadlineExceeded(what, deadlineMs));
    }, deadlineMs);
  });
  try {
    return await Promise.race([answer, expiry]);
  } finally {
    if (timer !== undefined) clearTimeout(timer);
    answer.catch(() => undefined);
  }
}
