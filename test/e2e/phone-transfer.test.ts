/** What phones do with their dialogs that baresip cannot: attended transfer, and INVITE with Replaces, over the wire. */
import { randomBytes } from "node:crypto";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { header } from "#sip/message/headers";
import { parseNameAddr, tagOf } from "#sip/message/name-addr";
import type { SipMessage } from "#sip/message/sip-message";
import { bodyText, callIdOf, cseqOf } from "#sip/message/typed-headers";
import { startBaresip } from "../support/baresip.ts";
import { Lab } from "../support/lab.ts";
import { RawSipClient } from "../support/raw-sip-client.ts";
import { startStack } from "../support/stack.ts";
import type { Stack } from "../support/stack.ts";
import { findCall, readCall } from "../support/stack-api.ts";
import { waitHeard } from "./support/hearing.ts";
import { PhoneTalker } from "./support/talker.ts";

let stack: Stack;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(() => stack.close());

let lab: Lab;
const phones: PhoneTalker[] = [];
beforeEach(() => {
  lab = new Lab();
});
afterEach(async () => {
  for (const phone of phones.splice(0)) await phone.unregister(stack);
  await lab.close();
});

const SDP = [
  "v=0",
  "o=- 1 1 IN IP4 127.0.0.1",
  "s=-",
  "c=IN IP4 127.0.0.1",
  "t=0 0",
  "m=audio 9 RTP/AVP 0 8",
  "a=rtpmap:0 PCMU/8000",
  "a=rtpmap:8 PCMA/8000",
  "",
].join("\r\n");

/** A dialog that a raw client began. */
interface RawDialog {
  readonly client: RawSipClient;
  readonly callId: string;
  readonly target: string;
  readonly to: string;
  readonly replaces: string;
}

async function answering(identity: string, gateway: string, toneFrequency: number): Promise<PhoneTalker> {
  const user = stack.user(identity);
  const phone = await lab.own(startBaresip({ ...user, gateway: stack.sip(gateway), toneFrequency, autoAnswer: true }));
  await phone.waitRegistered();
  const talker = new PhoneTalker(phone, identity, user.domain, toneFrequency);
  phones.push(talker);
  return talker;
}

/** INVITE with its challenge and its ACK. */
async function call(client: RawSipClient, identity: string, headers: readonly string[] = []): Promise<RawDialog> {
  const requestUri = `sip:${identity}@${client.user.domain}`;
  const callId = randomBytes(8).toString("hex");
  const invite = {
    requestUri,
    to: `<${requestUri}>`,
    callId,
    body: SDP,
    headers: [`Contact: ${client.contact}`, "Content-Type: application/sdp", ...headers],
  };
  const challenge = await client.ask("INVITE", invite);
  const authorization = client.authorization("INVITE", challenge, { requestUri });
  const answer = await client.ask("INVITE", { ...invite, headers: [...invite.headers, authorization] });
  expect(answer.status).toBe(200);
  const to = header(answer, "to") ?? "";
  const address = parseNameAddr(to);
  const target = parseNameAddr(header(answer, "contact") ?? "")?.uri ?? "";
  client.wire.send(client.requestText("ACK", { requestUri: target, to, callId, cseq: cseqOf(answer)?.number ?? 0 }));
  const remoteTag = address === undefined ? "" : (tagOf(address) ?? "");
  return { client, callId, target, to, replaces: `${callId};to-tag=${remoteTag};from-tag=${client.tag}` };
}

async function hearsBye({ client, callId }: RawDialog): Promise<void> {
  await client.wire.waitMessage("BYE", (message) => isRequest(message, "BYE") && callIdOf(message) === callId);
}

const isRequest = (message: SipMessage, method: string): boolean =>
  message.kind === "request" && message.method === method;

describe("a phone", () => {
  it("takes the place of another one of its user at another gateway, and the other party talks on", async () => {
    const startedAtMs = Date.now();
    const bob = await answering("bob", "ap-south", 1_100);
    const desk = await lab.own(RawSipClient.open(stack, "tcp", { gateway: "us-east" }));
    const cordless = await lab.own(RawSipClient.open(stack, "tcp", { gateway: "eu-west" }));
    const first = await call(desk, "bob");
    const second = await call(cordless, "bob", [`Replaces: ${first.replaces}`, "Require: replaces"]);
    await hearsBye(first);
    expect(await bob.ends()).toBe(0);
    const { sid } = await findCall(stack, "alice", "bob", { notBeforeMs: startedAtMs });
    const record = await readCall(stack, sid);
    expect(record.status).toBe("in-progress");
    expect(record.log.map(({ event }) => event)).toContain("leg.replaced");
    await cordless.ask("BYE", { requestUri: second.target, to: second.to, callId: second.callId });
    await bob.waitEnded();
  });

  it.each([
    ["somebody else's dialog", "carol", 403],
    ["no dialog", "alice", 481],
  ])("that names %s in Replaces as %s is refused", async (what, identity, status) => {
    await answering("bob", "us-east", 1_100);
    const desk = await lab.own(RawSipClient.open(stack, "tcp"));
    const { replaces } = await call(desk, "bob");
    const value = what === "no dialog" ? replaces.replace(/from-tag=.*/, "from-tag=other") : replaces;
    const other = await lab.own(RawSipClient.open(stack, "tcp", { user: stack.user(identity), gateway: "eu-west" }));
    const requestUri = `sip:bob@${desk.user.domain}`;
    const invite = {
      requestUri,
      to: `<${requestUri}>`,
      body: SDP,
      headers: [`Contact: ${other.contact}`, "Content-Type: application/sdp", `Replaces: ${value}`],
    };
    const challenge = await other.ask("INVITE", invite);
    const authorization = other.authorization("INVITE", challenge, { requestUri });
    expect((await other.ask("INVITE", { ...invite, headers: [...invite.headers, authorization] })).status).toBe(status);
  });

  it("connects the others of its two calls with each other, and both let it go", async () => {
    const bob = await answering("bob", "us-east", 1_100);
    const carol = await answering("carol", "eu-west", 1_500);
    const alice = await lab.own(RawSipClient.open(stack, "tcp"));
    const first = await call(alice, "bob");
    const second = await call(alice, "carol");
    const accepted = await alice.ask("REFER", {
      requestUri: first.target,
      to: first.to,
      callId: first.callId,
      headers: [
        `Contact: ${alice.contact}`,
        `Refer-To: <sip:carol@${alice.user.domain}?Replaces=${encodeURIComponent(second.replaces)}>`,
      ],
    });
    expect(accepted.status).toBe(202);
    await alice.wire.waitMessage(
      "NOTIFY of success",
      (message) => isRequest(message, "NOTIFY") && bodyText(message).startsWith("SIP/2.0 200"),
    );
    await Promise.all([hearsBye(first), hearsBye(second)]);
    await Promise.all([waitHeard(bob, carol.frequency), waitHeard(carol, bob.frequency)]);
    await stack.killGateway("eu-west");
    // Its registration died with its gateway.
    phones.splice(phones.indexOf(carol), 1);
    const { sid } = await findCall(stack, "alice", "carol", { notBeforeMs: 0 });
    const adopted = async (): Promise<boolean> =>
      (await readCall(stack, sid)).log.some(({ event }) => event === "leg.adopted");
    await expect.poll(adopted, { timeout: 10_000 }).toBe(true);
    await bob.hangup();
    await carol.waitEnded();
  });
});
