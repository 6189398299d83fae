/** The application that a call follows: what it is asked, and what is done with its documents (Twilio's voice webhooks). */
import type { ApplicationAnswer, ApplicationRequest } from "../instructions/application-request.ts";
import type { InstructionAction, InstructionInput } from "../instructions/instruction-state.ts";
import { parseTwiml } from "../instructions/parse-twiml.ts";
import type { CallDraft } from "./call-draft.ts";

const API_VERSION = "2010-04-01";

/** Asks for the next document; `document` comes of it. */
export function requestDocument(draft: CallDraft, action: Extract<InstructionAction, { kind: "fetch" }>): void {
  const { url, method, parameters, last } = action;
  send(draft, { url, method, parameters: { ...callParameters(draft), ...parameters }, last, isFallback: false });
}

function send(draft: CallDraft, request: Omit<ApplicationRequest, "id">): void {
  const numbered = { id: (draft.state.requests ?? 0) + 1, ...request };
  draft.state.requests = numbered.id;
  draft.state.request = numbered;
  draft.log("application.asked", { detail: `${request.method} ${withoutQuery(request.url)}` });
  draft.effects.push({ kind: "fetch", request: numbered });
}

/** Queries may hold secrets, and the log is shown to people. */
function withoutQuery(url: string): string {
  return url.replace(/[?#].*$/, "");
}

/** What every request about a call says. */
function callParameters({ state }: CallDraft): Readonly<Record<string, string>> {
  const { application } = state;
  const from = `client:${state.from}`;
  const to = application?.number ?? state.to;
  return {
    CallSid: state.sid,
    AccountSid: state.account,
    ApiVersion: API_VERSION,
    CallStatus: state.status === "queued" ? "ringing" : state.status,
    Direction: "inbound",
    From: from,
    Caller: from,
    To: to,
    Called: to,
    ...(application?.forwardedFrom === undefined ? {} : { ForwardedFrom: `client:${application.forwardedFrom}` }),
    ...(state.fromDisplayName === undefined ? {} : { CallerName: state.fromDisplayName }),
  };
}

/** What the document hears; `undefined` when its answer is still to come, or nobody waits. */
export function answerOfApplication(
  draft: CallDraft,
  id: number,
  answer: ApplicationAnswer,
): InstructionInput | undefined {
  const { request } = draft.state;
  if (request?.id !== id) return undefined;
  draft.state.request = undefined;
  const code = faultOf(answer);
  if (code === undefined) draft.log("application.answered", { detail: withoutQuery(request.url) });
  else draft.log("application.failed", { detail: `${code}: ${answer.ok ? "not a document" : answer.detail}` });
  if (request.last || draft.ended) return undefined;
  if (code !== undefined && askFallback(draft, request, code)) return undefined;
  if (!answer.ok) return { kind: "document-failed", code: answer.code };
  return { kind: "document", text: answer.text, ...(answer.url === undefined ? {} : { url: answer.url }) };
}

function faultOf(answer: ApplicationAnswer): number | undefined {
  if (!answer.ok) return answer.code;
  const parsed = parseTwiml(answer.text);
  return parsed.ok ? undefined : parsed.code;
}

/** Once for each document, whichever of the application's URLs it was (Twilio: `ErrorCode`, `ErrorUrl`). */
function askFallback(draft: CallDraft, failed: ApplicationRequest, code: number): boolean {
  const fallback = draft.state.application?.fallback;
  if (fallback === undefined || failed.isFallback) return false;
  send(draft, {
    url: fallback.url,
    method: fallback.method,
    parameters: { ...callParameters(draft), ErrorCode: String(code), ErrorUrl: failed.url },
    last: false,
    isFallback: true,
  });
  return true;
}
