import { describe, expect, it } from "vitest";
import type { SipRequest } from "#sip/message/sip-message";
import { parseVia } from "#sip/message/via";
import { createCancel } from "#sip/transaction/derived-requests";
import { clientTransactionKey, responseTransactionKey, serverTransactionKey } from "#sip/transaction/transaction-key";
import { aRequest, aResponse } from "./drive-machine.ts";

const HOME = { transport: "udp", host: "198.51.100.7" };

function keyOf(request: SipRequest, viaText: string, method?: string): string {
  const via = parseVia(viaText);
  if (via === undefined) throw new Error(`no Via: ${viaText}`);
  return serverTransactionKey(request, via, HOME, method);
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

  it.each([
    { what: "the same private address behind different NATs", source: { transport: "udp", host: "203.0.113.9" } },
    { what: "the same address on another transport", source: { transport: "tcp", host: "198.51.100.7" } },
  ])("keep phones with $what apart", ({ source }) => {
    const via = parseVia(modern);
    if (via === undefined) throw new Error("no Via");
    expect(serverTransactionKey(aRequest("INVITE"), via, source)).not.toBe(
      serverTransactionKey(aRequest("INVITE"), via, HOME),
    );
  });

  it.each([modern, old])(
    "differ by Call-ID and CSeq number, for a phone that counts branches up from 1 (%s)",
    (via) => {
      for (const name of ["call-id", "cseq"])
        expect(keyOf(changed(name), via)).not.toBe(keyOf(aRequest("INVITE"), via));
    },
  );

  it("differ by From tag only for RFC 2543 clients", () => {
    expect(keyOf(changed("from"), old)).not.toBe(keyOf(aRequest("INVITE"), old));
    expect(keyOf(changed("from"), modern)).toBe(keyOf(aRequest("INVITE"), modern));
  });

  it("count the magic cookie alone as no branch at all", () => {
    const bare = "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK";
    expect(keyOf(changed("from"), bare)).not.toBe(keyOf(aRequest("INVITE"), bare));
  });
});

const CHANGED: Readonly<Record<string, string>> = {
  "call-id": "call-2",
  cseq: "8 INVITE",
  from: "<sip:alice@example.com>;tag=z",
};

function changed(name: string): SipRequest {
  const invite = aRequest("INVITE");
  return {
    ...invite,
    headers: invite.headers.map((field) => (field.name === name ? { name, value: CHANGED[name] ?? "" } : field)),
  };
}
