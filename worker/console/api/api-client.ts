import type {
  CallRecord,
  ContactsAnswer,
  EndpointSettings,
  Ladder,
  Me,
  PastCallsAnswer,
  SignInAnswer,
  TokenAnswer,
} from "./types.ts";

/** A refusal of the API: its stable code, and how long to wait when it says so. */
export class ApiProblem extends Error {
  override readonly name = "ApiProblem";
  readonly status: number;
  readonly code: string;
  readonly retryAfterSeconds: number | undefined;
  /** What is wrong with a body: the place in it, and the rule. */
  readonly problems: readonly string[];

  constructor(status: number, body: unknown, retryAfterSeconds: number | undefined) {
    const code = codeOf(body);
    super(`${status} ${code}`);
    this.status = status;
    this.code = code;
    this.retryAfterSeconds = retryAfterSeconds;
    this.problems = problemsOf(body);
  }
}

const DEADLINE_MS = 8_000;

/** The user API. A refusal is an `ApiProblem`; anything else thrown means that nobody answered. */
export class ApiClient {
  readonly #token: () => string | undefined;
  /** Development only: the region to enter in, on every request. */
  readonly #region: string | undefined;

  constructor(token: () => string | undefined, region: string | undefined) {
    this.#token = token;
    this.#region = region;
  }

  async signIn(input: {
    readonly sipDomain: string;
    readonly identity: string;
    readonly password: string;
  }): Promise<SignInAnswer> {
    return await this.#json("/v1/tokens", { method: "POST", body: JSON.stringify(input) });
  }

  async renew(): Promise<TokenAnswer> {
    return await this.#json("/v1/tokens/renewal", { method: "POST" });
  }

  async me(): Promise<Me> {
    return await this.#json("/v1/me");
  }

  async settings(): Promise<EndpointSettings> {
    return await this.#json("/v1/me/settings");
  }

  async storeSettings(settings: EndpointSettings): Promise<EndpointSettings> {
    return await this.#json("/v1/me/settings", { method: "PUT", body: JSON.stringify(settings) });
  }

  async contacts(search: string): Promise<ContactsAnswer> {
    return await this.#json("/v1/me/contacts", {}, search === "" ? {} : { search });
  }

  async calls(before?: string): Promise<PastCallsAnswer> {
    return await this.#json("/v1/me/calls", {}, before === undefined ? {} : { before });
  }

  async call(sid: string): Promise<CallRecord> {
    return await this.#json(`/v1/me/calls/${encodeURIComponent(sid)}`);
  }

  async ladder(sid: string): Promise<Ladder> {
    return await this.#json(`/v1/me/calls/${encodeURIComponent(sid)}/ladder`);
  }

  async #json<Answer>(
    path: string,
    init: RequestInit = {},
    query: Readonly<Record<string, string>> = {},
  ): Promise<Answer> {
    const url = new URL(path, location.origin);
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
    if (this.#region !== undefined) url.searchParams.set("region", this.#region);
    const headers = new Headers({ "Content-Type": "application/json" });
    const token = this.#token();
    if (token !== undefined) headers.set("Authorization", `Bearer ${token}`);
    const response = await fetch(url, { ...init, headers, signal: AbortSignal.timeout(DEADLINE_MS) });
    if (response.ok) {
      const answer: Answer = await response.json();
      return answer;
    }
    const problem: unknown = await response.json().catch(() => undefined);
    const retryAfter = Number(response.headers.get("Retry-After") ?? Number.NaN);
    throw new ApiProblem(response.status, problem, Number.isFinite(retryAfter) ? retryAfter : undefined);
  }
}

function codeOf(problem: unknown): string {
  if (typeof problem !== "object" || problem === null || !("code" in problem)) return "unknown";
  return typeof problem.code === "string" ? problem.code : "unknown";
}

function problemsOf(body: unknown): readonly string[] {
  if (typeof body !== "object" || body === null || !("problems" in body) || !Array.isArray(body.problems)) return [];
  return body.problems.filter((problem) => typeof problem === "string");
}
