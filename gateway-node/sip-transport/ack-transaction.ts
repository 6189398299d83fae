/** An ACK to a 2xx as the TU sees it: a request that has no response (RFC 3261 section 17). */
import type { SipFlow } from "#protocol/capsule";
import type { SipRequest } from "#sip/message/sip-message";
import type { ServerTransaction } from "./sip-stack.ts";

export class AckTransaction implements ServerTransaction {
  readonly request: SipRequest;
  readonly flow: SipFlow;
  onCancel: (() => void) | undefined = undefined;
  onAckTimeout: (() => void) | undefined = undefined;

  constructor(request: SipRequest, flow: SipFlow) {
    this.request = request;
    this.flow = flow;
  }

  respond(): void {
    // An ACK is never answered.
  }

  acknowledged(): void {
    // It is the acknowledgement.
  }
}
