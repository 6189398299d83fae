import { setTimeout as sleep } from "node:timers/promises";
import { StartProblem } from "./problem.ts";
import type { LocalAccount } from "./secrets.ts";

export interface GatewayEnrolment {
  readonly region: string;
  /** Raw Ed25519 key, base64url. */
  readonly publicKey: string;
}

/** The operator API of the Worker, as far as a start needs it. Both calls may be repeated. */
export class OperatorClient {
  readonly #http: string;
  readonly #token: string;

  constructor(http: string, token: string) {
    this.#http = http;
    this.#token = token;
  }

  putGateway(id: string, enrolment: GatewayEnrolment, signal: AbortSignal): Promise<void> {
    return this.#put(`/v1/operator/gateways/${encodeURIComponent(id)}`, enrolment, signal);
  }

  putAccount(account: LocalAccount, signal: AbortSignal): Promise<void> {
    return this.#put(`/v1/operator/accounts/${account.sid}`, encodeAccount(account), signal);
  }

  async #put(path: string, body: unknown, signal: AbortSignal): Promise<void> {
    const response = await fetch(`${this.#http}${path}`, {
      method: "PUT",
      headers: { authorization: `Bearer ${this.#token}`, "content-type": "application/json" },
      body: JSON.stringify(body),
      signal: AbortSignal.any([signal, AbortSignal.timeout(10_000)]),
    });
    const text = await response.text();
    if (response.ok) return;
    throw new StartProblem(
      "seeding-failed",
      `PUT ${path} answered ${response.status} ${text.slice(0, 200)}: state and code do not fit, run npm start -- --reset`,
    );
  }
}

export function encodeAccount({ name, sipDomain, authToken, apiKey, users }: LocalAccount): unknown {
  return {
    name,
    sipDomain,
    authToken,
    apiKeys: [apiKey],
    users: Object.entries(users).map(([identity, { password }]) => ({ identity, password })),
  };
}

const POLL_MS = 25;

/** Settles when GET /health says that the Worker serves; says what it last answered when it never does. */
export async function waitForHealth(http: string, timeoutMs: number, signal: AbortSignal): Promise<void> {
  const deadlineMs = performance.now() + timeoutMs;
  let last = "no answer";
  while (performance.now() < deadlineMs) {
    signal.throwIfAborted();
    try {
      const response = await fetch(`${http}/health`, { signal: AbortSignal.any([signal, AbortSignal.timeout(2_000)]) });
      if (response.ok) return;
      last = `${response.status} ${(await response.text()).slice(0, 200)}`;
    } catch {
      signal.throwIfAborted();
    }
    await sleep(POLL_MS);
  }
  throw new StartProblem("worker-not-healthy", `the Worker does not become healthy (GET ${http}/health: ${last})`);
}
