import { afterEach, describe, expect, it } from "vitest";
import { callTag } from "#protocol/ids";
import type { CallToken, LegId } from "#protocol/ids";
import type { LadderMessage } from "#protocol/ladder";
import { createRequest, createResponse } from "#sip/message/build";
import type { SipRequest } from "#sip/message/sip-message";
import { INVITE_MS, LadderRecorder, LOOSE_MS } from "../../../../gateway-node/calls/ladder-recorder.ts";
import type { SipStackEvents } from "../../../../gateway-node/sip-transport/sip-stack.ts";
import { closeAll, Inbox, openStack, udpPhone } from "../sip-transport/stack-fixture.ts";
import type { Phone, TestStack } from "../sip-transport/stack-fixture.ts";

const CALL = "T".repeat(54) as CallToken;
const CALLER = "a" as LegId;
const OFFER =
  "v=0\r\no=- 1 1 IN IP4 192.168.7.7\r\ns=-\r\nc=IN IP4 192.168.7.7\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0 8 101\r\na=rtpmap:101 telephone-event/8000\r\na=sendonly\r\n";

afterEach(closeAll);

interface Recorded extends TestStack {
  readonly recorder: LadderRecorder;
  readonly notes: { readonly call: CallToken; readonly message: LadderMessage }[];
  readonly phone: Phone;
  /** `> INVITE 100` for what was sent to the phone. */
  lines(): readonly string[];
}

async function recordedStack(): Promise<Recorded> {
  const notes: Recorded["notes"] = [];
  const requests: TestStack["requests"] = new Inbox();
  const late: { recorder?: LadderRecorder } = {};
  const events: SipStackEvents = {
    onRequest: (transaction) => requests.put(transaction),
    onMessage: (message, sent, flow) => late.recorder?.onMessage(message, sent, flow),
  };
  const fixture = await openStack({ events });
  const recorder = new LadderRecorder({
    clock: fixture.clock,
    note: (call, message) => notes.push({ call, message }),
  });
  late.recorder = recorder;
  const lines = (): readonly string[] =>
    notes.map(({ message: { sent, method, status, repeat } }) =>
      [sent ? ">" : "<", method, ...(status === undefined ? [] : [status]), ...(repeat ? ["again"] : [])].join(" "),
    );
  const phone = await udpPhone(fixture.stack.localAddress("udp").port);
  return { ...fixture, requests, recorder, notes, phone, lines };
}

interface Asked {
  readonly cseq?: number;
  readonly branch?: string;
  readonly toTag?: string;
  readonly body?: string;
  readonly headers?: readonly string[];
}

function request(
  method: string,
  { cseq = 1, branch = `${method}${cseq}`, toTag, body = "", headers = [] }: Asked = {},
): string {
  return [
    `${method} sip:bob@127.0.0.1 SIP/2.0`,
    `Via: SIP/2.0/UDP 192.168.7.7:5060;branch=z9hG4bK${branch};rport`,
    "From: <sip:alice@demo.test>;tag=phone",
    `To: <sip:bob@demo.test>${toTag === undefined ? "" : `;tag=${toTag}`}`,
    "Call-ID: c1@192.168.7.7",
    `CSeq: ${cseq} ${method}`,
    "Contact: <sip:alice@192.168.7.7>",
    "Max-Forwards: 70",
    ...headers,
    ...(body === "" ? [] : ["Content-Type: application/sdp"]),
    `Content-Length: ${body.length}`,
    "",
    body,
  ].join("\r\n");
}

/** Challenge, and the INVITE that begins the call. */
async function beginCall({ phone, requests, recorder, notes }: Recorded): Promise<void> {
  phone.send(request("INVITE", { cseq: 1, body: OFFER }));
  const first = await requests.next();
  first.respond(createResponse(first.request, 407, { toTag: "x" }));
  phone.send(request("ACK", { cseq: 1, branch: "INVITE1", toTag: "x" }));
  const credentials = 'Proxy-Authorization: Digest username="alice", response="0123456789abcdef0123456789abcdef"';
  phone.send(request("INVITE", { cseq: 2, body: OFFER, headers: [credentials] }));
  const second = await requests.next();
  expect(notes).toEqual([]);
  recorder.begin(second.request, second.flow, { call: CALL, leg: CALLER });
  second.respond(createResponse(second.request, 180, { toTag: callTag(CALL, CALLER) }));
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

describe("the record of a phone's signalling", () => {
  it("begins with the challenge before the call, and has what the stack answers by itself", async () => {
    const recorded = await recordedStack();
    await beginCall(recorded);
    expect(recorded.lines()).toEqual([
      "< INVITE",
      "> INVITE 100",
      "> INVITE 407",
      "< ACK",
      "< INVITE",
      "> INVITE 100",
      "> INVITE 180",
    ]);
    expect(new Set(recorded.notes.map(({ call, message }) => `${call} ${message.leg}`))).toEqual(
      new Set([`${CALL} a`]),
    );
  });

  it("has the CANCEL, its 200 and the ACK of the 487, which the TU never sees", async () => {
    const recorded = await recordedStack();
    await beginCall(recorded);
    recorded.notes.length = 0;
    recorded.phone.send(request("CANCEL", { cseq: 2, branch: "INVITE2" }));
    await until(() => recorded.notes.length === 2);
    recorded.phone.send(request("INVITE", { cseq: 2, body: OFFER }));
    await until(() => recorded.notes.length === 4);
    expect(recorded.lines()).toEqual(["< CANCEL", "> CANCEL 200", "< INVITE again", "> INVITE 180 again"]);
  });

  it("marks repeats of what we send: an INVITE without an answer, a 2xx without its ACK", async () => {
    const recorded = await recordedStack();
    const invite = createRequest({
      method: "INVITE",
      requestUri: "sip:bob@127.0.0.1",
      headers: [
        ["From", `<sip:alice@demo.test>;tag=${callTag(CALL, "b1" as LegId)}`],
        ["To", "<sip:bob@demo.test>"],
        ["Call-ID", "ours"],
        ["CSeq", "1 INVITE"],
        ["Max-Forwards", "70"],
      ],
      body: OFFER,
      contentType: "application/sdp",
    });
    const nothing = (): void => {};
    recorded.stack.sendRequest(
      invite,
      { transport: "udp", host: "127.0.0.1", port: recorded.phone.port },
      { onResponse: nothing, onTimeout: nothing, onTransportError: nothing },
    );
    recorded.clock.advance(500);
    recorded.clock.advance(1_000);
    expect(recorded.lines()).toEqual(["> INVITE", "> INVITE again", "> INVITE again"]);
    expect(recorded.notes[0]?.message).toMatchObject({
      leg: "b1",
      cseq: 1,
      sdp: { codecs: ["PCMU", "PCMA", "telephone-event"], direction: "sendonly" },
    });
  });

  it("says nothing of registrations, of other requests without a call, and of calls that are not ours", async () => {
    const recorded = await recordedStack();
    for (const method of ["REGISTER", "OPTIONS", "MESSAGE"]) {
      recorded.phone.send(request(method));
      const { request: asked, respond } = await next(recorded);
      respond(createResponse(asked, 200, { toTag: "x" }));
    }
    recorded.phone.send(request("BYE", { toTag: "somebody.else" }));
    await recorded.requests.next();
    expect(recorded.notes).toEqual([]);
  });

  it("has no address, no identity and no digest in it", async () => {
    const recorded = await recordedStack();
    await beginCall(recorded);
    const text = JSON.stringify(recorded.notes.map(({ message }) => message));
    for (const secret of ["192.168", "127.0.0.1", "4000", "alice", "bob", "Digest", "0123456789abcdef", CALL])
      expect(text).not.toContain(secret);
  });

  it("forgets a challenge that nobody came back to, and an INVITE that is long over", async () => {
    const recorded = await recordedStack();
    recorded.phone.send(request("INVITE", { cseq: 1 }));
    await recorded.requests.next();
    recorded.clock.advance(LOOSE_MS);
    recorded.phone.send(request("INVITE", { cseq: 2 }));
    const second = await recorded.requests.next();
    recorded.recorder.begin(second.request, second.flow, { call: CALL, leg: CALLER });
    expect(recorded.notes.map(({ message: { cseq } }) => cseq)).toEqual([2, 2]);
    recorded.notes.length = 0;
    recorded.clock.advance(INVITE_MS + 1);
    recorded.recorder.begin(other(second.request), second.flow, { call: CALL, leg: CALLER });
    recorded.phone.send(request("INVITE", { cseq: 3 }));
    await recorded.requests.next();
    expect(recorded.notes).toEqual([]);
  });
});

async function next({ requests }: Recorded): Promise<{
  readonly request: SipRequest;
  readonly respond: (response: ReturnType<typeof createResponse>) => void;
}> {
  const transaction = await requests.next();
  return { request: transaction.request, respond: (response) => transaction.respond(response) };
}

function other(invite: SipRequest): SipRequest {
  return {
    ...invite,
    headers: invite.headers.map((field) => (field.name === "call-id" ? { ...field, value: "another" } : field)),
  };
}
