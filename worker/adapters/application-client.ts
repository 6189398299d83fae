/**
 * Asks applications for documents as Twilio does: form or query, X-Twilio-Signature, one fallback (which the call decides).
 * http and https only; outside development no address that is private, so that an account cannot look behind the edge with it.
 */
import type { AccountSid, CallSid } from "#protocol/ids";
import { count } from "../counters.ts";
import type {
  ApplicationAnswer,
  ApplicationFault,
  ApplicationRequest,
} from "../domain/instructions/application-request.ts";
import { encodeBase64 } from "../encoding.ts";
import { settingsOf } from "../env.ts";
import type { Env } from "../env.ts";
import { faultCode, log } from "../log.ts";
import { regionLinkOf } from "./object-region-link.ts";
import { isPrivateHost } from "./private-host.ts";

/** Twilio's cap for requests that a caller waits for, redirects and all. */
const TIME_LIMIT_MS = 15_000;
const REDIRECT_LIMIT = 10;
const BYTE_LIMIT = 65_536;
const DOCUMENT_TYPES: ReadonlySet<string> = new Set([
  "application/xml",
  "text/xml",
  "text/html",
  "application/xhtml+xml",
]);

class Refusal extends Error {
  override readonly name = "Refusal";
  readonly code: ApplicationFault;

  constructor(code: ApplicationFault, detail: string) {
    super(detail);
    this.code = code;
  }
}

/** Never throws: what went wrong is an answer too. */
export async function askApplication(
  env: Env,
  call: { readonly account: AccountSid; readonly sid: CallSid },
  request: ApplicationRequest,
): Promise<ApplicationAnswer> {
  try {
    return await ask(env, call, request);
  } catch (error) {
    const answer = {
      ok: false as const,
      ...(error instanceof Refusal
        ? { code: error.code, detail: error.message }
        : { code: 11205 as const, detail: isTimeout(error) ? "no answer in time" : "no connection" }),
    };
    count(`application.failed.${answer.code}`);
    log({
      event: "application.failed",
      account: call.account,
      call: call.sid,
      code: answer.code,
      detail: answer.detail,
    });
    return answer;
  }
}

async function ask(
  env: Env,
  call: { readonly account: AccountSid; readonly sid: CallSid },
  request: ApplicationRequest,
): Promise<ApplicationAnswer> {
  const signal = AbortSignal.timeout(TIME_LIMIT_MS);
  // One for each question, however often it is asked: a call whose object was lost asks again.
  const idempotency = `${call.sid}-${request.id}`;
  let url = targetOf(env, request.url);
  let form: Readonly<Record<string, string>> | undefined = request.method === "POST" ? request.parameters : undefined;
  if (form === undefined)
    for (const [name, value] of Object.entries(request.parameters)) url.searchParams.append(name, value);
  for (let redirects = 0; redirects <= REDIRECT_LIMIT; redirects += 1) {
    const response = await send(env, call.account, { url, form, idempotency, signal });
    const location = response.status >= 300 && response.status < 400 ? response.headers.get("Location") : null;
    if (location === null) return await readDocument(response, redirects === 0 ? undefined : url);
    await response.body?.cancel();
    url = targetOf(env, location, url);
    // What was posted is not posted again.
    form = undefined;
  }
  throw new Refusal(11215, `more than ${REDIRECT_LIMIT} redirects`);
}

function targetOf(env: Env, text: string, base?: URL): URL {
  const url = URL.canParse(text, base?.href) ? new URL(text, base?.href) : undefined;
  if (url === undefined || (url.protocol !== "http:" && url.protocol !== "https:"))
    throw new Refusal(11100, "no URL of http or https");
  if (isPrivateHost(url.hostname) && !settingsOf(env).development) throw new Refusal(11205, "a private address");
  url.hash = "";
  return url;
}

interface Sending {
  readonly url: URL;
  readonly form: Readonly<Record<string, string>> | undefined;
  readonly idempotency: string;
  readonly signal: AbortSignal;
}

async function send(env: Env, account: AccountSid, { url, form, idempotency, signal }: Sending): Promise<Response> {
  const { username, password } = url;
  const target = new URL(url);
  target.username = "";
  target.password = "";
  const signature = await regionLinkOf(env).accounts.sign(account, signedText(target, form ?? {}));
  const headers = new Headers({ "User-Agent": "Nearside", Accept: "*/*", "I-Twilio-Idempotency-Token": idempotency });
  // An account that an earlier release stored has no token to sign with until it is stored again.
  if (signature !== undefined) headers.set("X-Twilio-Signature", signature);
  if (username !== "" || password !== "") headers.set("Authorization", basic(username, password));
  const once = (): Promise<Response> =>
    fetch(target, {
      method: form === undefined ? "GET" : "POST",
      headers,
      redirect: "manual",
      signal,
      ...(form === undefined ? {} : { body: new URLSearchParams(form) }),
    });
  try {
    return await once();
  } catch (error) {
    // Nothing was heard: Twilio tries once more.
    if (signal.aborted) throw error;
    log({ event: "fault", where: "application.connect", code: faultCode(error) });
    return await once();
  }
}

/** The URL as the application sees it, then names and values in order. https is signed without a port, http with the one given. */
function signedText(url: URL, form: Readonly<Record<string, string>>): string {
  const signed = new URL(url);
  if (signed.protocol === "https:") signed.port = "";
  const fields = Object.entries(form).toSorted(([one], [other]) => (one < other ? -1 : 1));
  return signed.href + fields.flat().join("");
}

function basic(username: string, password: string): string {
  const text = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return `Basic ${encodeBase64(new TextEncoder().encode(text))}`;
}

async function readDocument(response: Response, movedTo: URL | undefined): Promise<ApplicationAnswer> {
  if (!response.ok) {
    await response.body?.cancel();
    throw new Refusal(11200, `status ${response.status}`);
  }
  const [type = ""] = (response.headers.get("Content-Type") ?? "").split(";");
  const plain = type.trim().toLowerCase();
  if (plain !== "" && !DOCUMENT_TYPES.has(plain)) {
    await response.body?.cancel();
    throw new Refusal(12300, `content type ${plain.slice(0, 60)}`);
  }
  const text = await readText(response);
  return { ok: true, text, ...(movedTo === undefined ? {} : { url: movedTo.href }) };
}

async function readText(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body ?? []) {
    length += chunk.length;
    if (length > BYTE_LIMIT) throw new Refusal(11750, `more than ${BYTE_LIMIT} octets`);
    chunks.push(chunk);
  }
  return await new Blob(chunks).text();
}

function isTimeout(error: unknown): boolean {
  return error instanceof Error && (error.name === "TimeoutError" || error.name === "AbortError");
}
