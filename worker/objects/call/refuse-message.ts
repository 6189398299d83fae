import { createResponse } from "#sip/message/build";
import { sipMessageText } from "#sip/message/serializer";
import type { SipMessage } from "#sip/message/sip-message";

/** What a browser gets for a message that no call takes: a final response, if there is one to it. */
export function refuseMessage(message: SipMessage, status: number): { readonly messages: readonly string[] } {
  const answers = message.kind === "request" && message.method !== "ACK";
  return { messages: answers ? [sipMessageText(createResponse(message, status))] : [] };
}
