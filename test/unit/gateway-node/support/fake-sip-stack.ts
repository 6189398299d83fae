/** A SIP stack that sends nothing and remembers everything. */
import type { SipFlow } from "../../../../protocol/capsule.ts";
import type {
  ClientTransaction,
  ClientTransactionHandlers,
  ServerTransaction,
  SipStack,
} from "../../../../gateway-node/sip-transport/sip-stack.ts";
import { header } from "../../../../sip/message/headers.ts";
import type { SipRequest, SipResponse } from "../../../../sip/message/sip-message.ts";

export const PHONE_FLOW: SipFlow = { transport: "udp", host: "192.0.2.7", port: 5060 };

export class FakeServerTransaction implements ServerTransaction {
  readonly request: SipRequest;
  readonly flow: SipFlow;
  readonly responses: SipResponse[] = [];
  acknowledgedCount = 0;
  onCancel: (() => void) | undefined = undefined;
  onAckTimeout: (() => void) | undefined = undefined;

  constructor(request: SipRequest, flow: SipFlow = PHONE_FLOW) {
    this.request = request;
    this.flow = flow;
  }

  respond(response: SipResponse): void {
    this.responses.push(response);
  }

  acknowledged(): void {
    this.acknowledgedCount += 1;
  }

  get statuses(): readonly number[] {
    return this.responses.map((response) => response.status);
  }

  get last(): SipResponse {
    const response = this.responses.at(-1);
    if (response === undefined) throw new Error(`no response to ${this.request.method}`);
    return response;
  }

  header(name: string): string | undefined {
    return header(this.last, name);
  }
}

export interface SentRequest extends ClientTransactionHandlers {
  readonly request: SipRequest;
  readonly flow: SipFlow;
  readonly viaBranch: string | undefined;
  readonly timeoutMs: number | undefined;
  cancelledWith: readonly (readonly [string, string])[] | undefined;
  abandoned: boolean;
  /** Like a real transaction it ends after it has reported. */
  underWay: boolean;
}

export class FakeSipStack implements SipStack {
  readonly sent: SentRequest[] = [];
  readonly once: { readonly request: SipRequest; readonly flow: SipFlow; readonly viaBranch: string | undefined }[] =
    [];
  readonly responsesOnce: { readonly response: SipResponse; readonly flow: SipFlow }[] = [];
  readonly transactions = 0;
  readonly connections = 0;
  closed = false;
  /** Thrown by the next `sendRequest`, once. */
  fault: Error | undefined;

  localAddress(transport: SipFlow["transport"]): { readonly host: string; readonly port: number } {
    return { host: "127.0.0.1", port: transport === "tls" ? 5061 : 5060 };
  }

  sendRequest(
    request: SipRequest,
    flow: SipFlow,
    handlers: ClientTransactionHandlers,
    options: { readonly viaBranch?: string; readonly timeoutMs?: number } = {},
  ): ClientTransaction {
    const { fault } = this;
    this.fault = undefined;
    if (fault !== undefined) throw fault;
    const { viaBranch } = options;
    const taken = this.sent.some((sent) => sent.underWay && sent.viaBranch === viaBranch);
    if (viaBranch !== undefined && taken) throw new Error("a transaction with this Via branch is under way");
    const end = (report: () => void): void => {
      if (!sent.abandoned) report();
      sent.underWay = false;
    };
    const sent: SentRequest = {
      request,
      flow,
      viaBranch: options.viaBranch,
      timeoutMs: options.timeoutMs,
      cancelledWith: undefined,
      abandoned: false,
      underWay: true,
      // A transaction that was abandoned reports nothing.
      onResponse: (response) => sent.abandoned || handlers.onResponse(response),
      onTimeout: () => end(() => handlers.onTimeout()),
      onTransportError: (reason) => end(() => handlers.onTransportError(reason)),
    };
    this.sent.push(sent);
    return {
      cancel: (headers = []) => {
        sent.cancelledWith ??= headers;
      },
      abandon: () => {
        sent.abandoned = true;
      },
    };
  }

  sendOnce(request: SipRequest, flow: SipFlow, options: { readonly viaBranch?: string } = {}): void {
    this.once.push({ request, flow, viaBranch: options.viaBranch });
  }

  sendResponseOnce(response: SipResponse, flow: SipFlow): void {
    this.responsesOnce.push({ response, flow });
  }

  close(): Promise<void> {
    this.closed = true;
    return Promise.resolve();
  }

  /** The newest request of ours with this method. */
  lastSent(method: string): SentRequest {
    const found = this.sent.findLast((sent) => sent.request.method === method);
    if (found === undefined) throw new Error(`no ${method} was sent`);
    return found;
  }

  sentMethods(): readonly string[] {
    return this.sent.map((sent) => sent.request.method);
  }

  onceMethods(): readonly string[] {
    return this.once.map((sent) => sent.request.method);
  }
}
