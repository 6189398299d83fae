import { describe, expect, it } from "vitest";
import type { SipRequest } from "#sip/message/sip-message";
import { parseVia } from "#sip/message/via";
import { createCancel } from "#sip/transaction/derived-requests";
import { clientTransactionKey, responseTransactionKey, serverTransactionKey } from "#sip/transaction/transaction-key";
import { aRequest, aResponse } from "./drive-machine.ts";

function keyOf(request: SipRequest, viaText: string, method?: string): string {
  const via = parseVia(viaText);
  if (via === undefined) throw new Error(`no Via: ${viaText}`);
  return serverTransactionKey(request, via, "198.51.100.7", method);
}

const modern = "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKone";
const old = "SIP/2.0/UDP 192.0.2.1:5060;branch=1";

describe("transaction keys", () => {
  it("of a response are those of the request with its branch and CSeq method", () => {
    expect(responseTransactionKey(aResponse(200, "BYE"))).toBe(clientTransactionKey("z9hG4bKone", "BYE"));
    expect(responseTransactionKey(aResponse(200, "BYE"))).not.toBe(clientTransactionKey("z9hG4bKone", "INVITE"));
    expect(responseTransactionKey({ ...aResponse(200), headers: [] })).toBeUndefined();
  });

  it.each([modern, old])("lead from ACK and CANCEL to their INVITE (%s)", (via) => {
    const invite = aRequest("INVITE");
    const ack = {
      ...aRequest("ACK"),
      headers: aRequest("ACK").headers.map((field) =>
        field.name === "to" ? { ...field, value: `${field.value};tag=b` } : field,
      ),
    };
    expect(keyOf(ack, via, "INVITE")).toBe(keyOf(invite, via));
    expect(keyOf(createCancel(invite, []), via, "INVITE")).toBe(keyOf(invite, via));
    expect(keyOf(createCancel(invite, []), via)).not.toBe(keyOf(invite, via));
  });

  it.each([
    { what: "branch", via: "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKtwo" },
    { what: "sent-by host", via: "SIP/2.0/UDP 192.0.2.9:5060;branch=z9hG4bKone" },
    { what: "sent-by port", via: "SIP/2.0/UDP 192.0.2.1:5062;branch=z9hG4bKone" },
  ])("differ by $what", ({ via }) => {
    expect(keyOf(aRequest("INVITE"), via)).not.toBe(keyOf(aRequest("INVITE"), modern));
  });

  it("take the host of sent-by in any case", () => {
    const request = aRequest("INVITE");
    expect(keyOf(request, "SIP/2.0/UDP PC.Example.com;branch=z9hG4bKone")).toBe(
      keyOf(request, "SIP/2.0/UDP pc.example.com;branch=z9hG4bKone"),
    );
  });

  it("keep phones with the same private address behind different NATs apart", () => {
    const via = parseVia(modern);
    if (via === undefined) throw new Error("no Via");
    expect(serverTransactionKey(aRequest("INVITE"), via, "198.51.100.7")).not.toBe(
      serverTransactionKey(aRequest("INVITE"), via, "203.0.113.9"),
    );
  });

  it.each(["call-id", "cseq", "from"])("of RFC 2543 requests differ by %s", (name) => {
    const changed = {
      ...aRequest("INVITE"),
      headers: aRequest("INVITE").headers.map((field) =>
        field.name === name ? { ...field, value: CHANGED[name] ?? "" } : field,
      ),
    };
    expect(keyOf(changed, old)).not.toBe(keyOf(aRequest("INVITE"), old));
    expect(keyOf(changed, modern)).toBe(keyOf(aRequest("INVITE"), modern));
  });

  it("count the magic cookie alone as no branch at all", () => {
    const bare = "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK";
    const other = {
      ...aRequest("INVITE"),
      headers: aRequest("INVITE").headers.map((field) =>
        field.name === "call-id" ? { ...field, value: "call-2" } : field,
      ),
    };
    expect(keyOf(other, bare)).not.toBe(keyOf(aRequest("INVITE"), bare));
  });
});

const CHANGED: Readonly<Record<string, string>> = {
  "call-id": "call-2",
  cseq: "8 INVITE",
  from: "<sip:alice@example.com>;tag=z",
};
