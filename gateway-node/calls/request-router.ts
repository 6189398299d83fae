/** What a request from the network is for (RFC 3261 section 8.2): registrar, a new call, a dialog, or a plain answer. */
import { createResponse } from "#sip/message/build";
import { headerValues } from "#sip/message/headers";
import { countedMethod, SIP_METHODS } from "#sip/message/methods";
import { tagOf } from "#sip/message/name-addr";
import type { SipRequest } from "#sip/message/sip-message";
import { maxForwardsOf, toOf } from "#sip/message/typed-headers";
import type { DigestGate } from "../registrar/digest-gate.ts";
import type { Registrar } from "../registrar/registrar.ts";
import type { ServerTransaction, SipStackEvents } from "../sip-transport/sip-stack.ts";
import type { CallContext } from "./call-context.ts";
import { ACCEPT, ALLOW, SUPPORTED, SUPPORTED_EXTENSIONS } from "./capabilities.ts";
import type { HeaderPairs } from "./capabilities.ts";
import type { FaultRim } from "./fault-rim.ts";
import { receiveInDialog } from "./in-dialog.ts";
import { receiveInvite } from "./inbound-invite.ts";

export interface RequestRouterOptions {
  readonly context: CallContext;
  readonly registrar: Registrar;
  readonly gate: DigestGate;
  readonly rim: FaultRim;
}

export class RequestRouter implements SipStackEvents {
  readonly #options: RequestRouterOptions;

  constructor(options: RequestRouterOptions) {
    this.#options = options;
  }

  onRequest(transaction: ServerTransaction): void {
    const { context, rim } = this.#options;
    const recover = (): void => this.#respond(transaction, 500);
    context.count(`sip.request.${countedMethod(transaction.request.method)}`);
    void rim.runLoose("request-fault", () => this.#route(transaction), recover);
  }

  #route(transaction: ServerTransaction): void | Promise<void> {
    const { context, registrar, gate } = this.#options;
    const { request } = transaction;
    const problem = request.method === "ACK" ? undefined : requestProblem(request);
    if (problem !== undefined) return this.#respond(transaction, problem.status, problem.headers);
    if (isInDialog(request)) return receiveInDialog(context, transaction);
    switch (request.method) {
      case "REGISTER":
        return registrar.handle(transaction);
      case "INVITE":
        return receiveInvite(context, gate, transaction);
      case "OPTIONS":
        return this.#respond(transaction, 200, [ALLOW, SUPPORTED, ACCEPT]);
      case "ACK":
        return;
      case "BYE":
      case "INFO":
      case "UPDATE":
      case "REFER":
        return this.#respond(transaction, 481);
      default:
        // Known and not taken, or never heard of (RFC 3261 sections 21.4.6 and 21.5.2).
        return this.#respond(transaction, SIP_METHODS.has(request.method) ? 405 : 501, [ALLOW]);
    }
  }

  #respond(transaction: ServerTransaction, status: number, headers: HeaderPairs = []): void {
    const { request } = transaction;
    if (request.method === "ACK") return;
    if (status >= 300) this.#options.context.count(`sip.refused.${String(status)}`);
    transaction.respond(createResponse(request, status, { toTag: this.#options.context.createTag(), headers }));
  }
}

/** RFC 3261 sections 8.2.2.3 and 16.3 step 3. OPTIONS is answered by whom it reaches (section 11). */
function requestProblem(request: SipRequest): { readonly status: number; readonly headers: HeaderPairs } | undefined {
  if (maxForwardsOf(request) === 0 && request.method !== "OPTIONS") return { status: 483, headers: [] };
  // What a proxy must understand, a gateway that ends dialogs must too (section 20.29).
  const unknown = [...headerValues(request, "require"), ...headerValues(request, "proxy-require")].filter(
    (extension) => !SUPPORTED_EXTENSIONS.has(extension.toLowerCase()),
  );
  return unknown.length === 0 ? undefined : { status: 420, headers: [["Unsupported", unknown.join(", ")]] };
}

function isInDialog(request: SipRequest): boolean {
  const to = toOf(request);
  return to !== undefined && tagOf(to) !== undefined;
}
