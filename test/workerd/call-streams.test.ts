import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { CallEvent } from "../../protocol/call-messages.ts";
import type { CallToken, LegId } from "../../protocol/ids.ts";
import { createAccount, tokenOf } from "./support/accounts.ts";
import type { TestAccount } from "./support/accounts.ts";
import { inviteReceived } from "./support/phone-invite.ts";
import { SipBrowser } from "./support/sip-browser.ts";
import { createGatewayKeys, createInstance, TestGateway } from "./support/test-gateway.ts";
import { startWorker } from "./support/worker.ts";
import type { TestWorker } from "./support/worker.ts";

let worker: TestWorker;
let demo: TestAccount;
const keys = { "us-east": createGatewayKeys(), "eu-west": createGatewayKeys() };
const open: { close(): void }[] = [];

beforeAll(async () => {
  // One channel, so that one socket is a whole gateway.
  worker = await startWorker({ channels: 1 });
  demo = await createAccount(worker, "demo");
  for (const [region, { publicKey }] of Object.entries(keys))
    await worker.operator("PUT", `/v1/operator/gateways/${region}`, { region, publicKey });
});

afterEach(() => {
  for (const one of open.splice(0)) one.close();
});

afterAll(async () => {
  await worker.close();
});

function dial(gateway: keyof typeof keys, instance = createInstance()): TestGateway {
  const one = new TestGateway(worker.origin, { gateway, keys: keys[gateway], instance });
  open.push(one);
  return one;
}

function tell(gateway: TestGateway, call: CallToken, seq: number, event: CallEvent, ackCommand = 0): void {
  gateway.send({ kind: "call-events", call, ackCommand, events: [{ seq, epoch: 1, event }] });
}

/** Commands of this call; a gateway may be asked to adopt legs of others at any time. */
async function commands(
  gateway: TestGateway,
  of: CallToken,
  count: number,
): Promise<readonly { readonly seq: number; readonly kind: string }[]> {
  const found: { readonly seq: number; readonly kind: string }[] = [];
  while (found.length < count) {
    const { seq, command, call } = await gateway.next("call-command");
    if (call === of) found.push({ seq, kind: command.kind });
  }
  return found;
}

describe("a browser's call", () => {
  it("gets 100 at once, its media from the nearest gateway, and is ended by its CANCEL", async () => {
    const gateways = [dial("us-east"), dial("eu-west")];
    for (const gateway of gateways) await gateway.hello();
    const alice = new SipBrowser(worker.origin, demo.user("alice"));
    open.push(alice);
    await alice.registerWithDigest();
    const sdp = [
      "v=0",
      "o=- 1 1 IN IP4 127.0.0.1",
      "s=-",
      "t=0 0",
      "a=group:BUNDLE 0",
      "m=audio 9 UDP/TLS/RTP/SAVPF 0 8",
      "c=IN IP4 0.0.0.0",
      "a=mid:0",
      "a=sendrecv",
      "a=rtcp-mux",
      "a=ice-ufrag:abcd",
      "a=ice-pwd:abcdefghijklmnopqrstuvwx",
      "a=setup:actpass",
      `a=fingerprint:sha-256 ${Array.from({ length: 32 }, () => "AB").join(":")}`,
      "a=rtpmap:0 PCMU/8000",
      "a=rtpmap:8 PCMA/8000",
      "a=ssrc:1 cname:x",
      "",
    ].join("\r\n");
    const headers = [`Contact: ${alice.contact}`, "Content-Type: application/sdp"];
    const to = `<sip:echo@${demo.sipDomain}>`;
    const cseq = await alice.request("INVITE", { requestUri: `sip:echo@${demo.sipDomain}`, to, headers, body: sdp });
    await expect
      .poll(() =>
        gateways.some(({ frames }) =>
          frames.some((frame) => frame.kind === "call-command" && frame.command.kind === "open-webrtc-leg"),
        ),
      )
      .toBe(true);
    expect(alice.messages.some((message) => message.kind === "response" && message.status === 100)).toBe(true);

    const cancel = alice.raw.length;
    await alice.send(
      `CANCEL sip:echo@${demo.sipDomain} SIP/2.0\r\nVia: SIP/2.0/WS browser.invalid;branch=z9hG4bKx\r\nMax-Forwards: 70\r\n${fromAndCallIdOf(alice)}To: ${to}\r\nCSeq: ${cseq} CANCEL\r\nContent-Length: 0\r\n\r\n`,
    );
    const finals = async (): Promise<readonly string[]> =>
      alice.raw.slice(cancel).map((text) => text.split("\r\n")[0] ?? "");
    await expect.poll(finals).toEqual(expect.arrayContaining(["SIP/2.0 200 OK", "SIP/2.0 487 Request Terminated"]));
  });
});

describe("the stream of a call", () => {
  it("begins with the first frame of an INVITE, and a repeat of it does nothing twice", async () => {
    const gateway = dial("us-east");
    const { tickets } = await gateway.hello();
    const call = tickets[0]!;
    const event = inviteReceived(demo, "alice", "echo");
    tell(gateway, call, 1, event);
    tell(gateway, call, 1, event);
    const first = await gateway.next("call-command");
    expect(first).toMatchObject({ call, seq: 1, ackEvent: 1 });
    tell(gateway, call, 2, { kind: "leg-cancelled", leg: "a" as LegId }, first.seq);
    await expect.poll(() => gateway.frames.some((frame) => "ackEvent" in frame && frame.ackEvent === 2)).toBe(true);
    const rejections = gateway.frames.filter(
      (frame) => frame.kind === "call-command" && frame.call === call && frame.command.kind === "reject-leg",
    );
    expect(rejections.length).toBeLessThanOrEqual(1);
  });

  it.each([
    [
      "an event comes again",
      (gateway: TestGateway, call: CallToken, event: CallEvent) => tell(gateway, call, 1, event),
    ],
    [
      "nothing but an acknowledgement comes",
      (gateway: TestGateway, call: CallToken) => gateway.send({ kind: "command-ack", call, ackCommand: 0 }),
    ],
  ])("sends what was not carried out again when %s", async (_what, remind) => {
    const gateway = dial("us-east");
    const { tickets } = await gateway.hello();
    const call = tickets[0]!;
    const event = inviteReceived(demo, "alice", "echo");
    tell(gateway, call, 1, event);
    const sent = await commands(gateway, call, 2);
    remind(gateway, call, event);
    expect(await commands(gateway, call, 2)).toEqual(sent);
  });

  it("sends what was not carried out again when the channel comes back, also from another socket", async () => {
    const instance = createInstance();
    const before = dial("us-east", instance);
    const { tickets } = await before.hello();
    const call = tickets[0]!;
    tell(before, call, 1, inviteReceived(demo, "alice", "echo"));
    const sent = await commands(before, call, 2);
    before.kill();
    const after = dial("us-east", instance);
    await after.hello({ calls: [{ call, appliedCommand: 1 }] });
    expect(await commands(after, call, 1)).toEqual([sent[1]]);
  });

  it("is told to a callee's gateway, in another region as well", async () => {
    const [caller, callee] = [dial("us-east"), dial("eu-west")];
    const { tickets } = await caller.hello();
    await callee.hello();
    callee.send({
      kind: "route-added",
      id: 1,
      route: {
        sipDomain: demo.sipDomain,
        endpoint: "bob",
        device: "phone-1",
        contact: "sip:bob@10.0.0.8",
        flow: { transport: "udp", host: "10.0.0.8", port: 5060 },
        reachability: "open-udp",
        expiresAtMs: Date.now() + 60_000,
      },
    });
    expect(await callee.next("route-stored")).toEqual({ kind: "route-stored", id: 1, ok: true });
    const routes = (await (await worker.request("/v1/endpoints/bob/routes", { headers: demo.basic() })).json()) as {
      routes: unknown[];
    };
    expect(routes.routes).toMatchObject([
      { gateway: "eu-west", region: "eu-west", device: "phone-1", lease: "confirmed" },
    ]);

    // What a region knows of another's gateways may be two seconds old, so the first calls may ring elsewhere.
    const invitation = () =>
      callee.frames.find((frame) => frame.kind === "call-command" && frame.command.kind === "invite-leg");
    let tried = 0;
    await expect
      .poll(
        () => {
          if (invitation() === undefined) tell(caller, tickets[tried++]!, 1, inviteReceived(demo, "alice", "bob"));
          return invitation();
        },
        { timeout: 4_000, interval: 200 },
      )
      .toMatchObject({ seq: 1, command: { flow: { host: "10.0.0.8" } } });
    const invite = invitation();
    const call = invite?.kind === "call-command" ? invite.call : tickets[0]!;
    tell(callee, call, 1, { kind: "leg-ringing", leg: "b1" as LegId, status: 180 }, 1);
    await expect
      .poll(() => caller.frames.some((frame) => frame.kind === "call-command" && frame.command.kind === "ring-leg"))
      .toBe(true);

    const read = async (path: string): Promise<unknown> =>
      await (await worker.request(path, { headers: demo.basic() })).json();
    const calls = `/2010-04-01/Accounts/${demo.sid}/Calls`;
    type Resource = { readonly sid: string; readonly parent_call_sid: string | null; readonly status: string };
    const list = async (query: string): Promise<readonly Resource[]> =>
      ((await read(`${calls}.json?To=client:bob&${query}`)) as { calls: Resource[] }).calls;
    // The index heard of it when its legs were rung; that one of them rings since is read from the call itself.
    await expect.poll(async () => (await list("Status=ringing")).length, { timeout: 3_000 }).toBe(2);
    const [first, second] = await list("Status=ringing");
    const [parent, child] = first?.parent_call_sid === null ? [first, second] : [second, first];
    expect(child?.parent_call_sid).toBe(parent?.sid);
    expect(await read(`${calls}/${child?.sid}.json`)).toMatchObject({ sid: child?.sid, status: "ringing" });
    expect(await list("Status=in-progress")).toEqual([]);
    const record = await read(`/v1/calls/${parent?.sid}`);
    expect(record).toMatchObject({ account: demo.sid, from: "alice", to: "bob", routing: { candidates: [{}] } });
    // The user who called sees the call, and not where the other one can be reached.
    const own = await worker.request(`/v1/me/calls/${parent?.sid}`, {
      headers: { Authorization: `Bearer ${await tokenOf(worker, demo, "alice")}` },
    });
    const text = await own.text();
    expect(JSON.parse(text)).toMatchObject({ from: "alice", to: "bob" });
    expect(text).not.toContain("10.0.0.8");
  });

  it("finds what a far region's phone registered last, and nothing once it is gone", async () => {
    const far = dial("eu-west");
    await far.hello();
    const route = {
      sipDomain: demo.sipDomain,
      endpoint: "carol",
      device: "phone-9",
      flow: { transport: "udp", host: "10.0.0.9", port: 5060 },
      reachability: "open-udp",
      expiresAtMs: Date.now() + 60_000,
    } as const;
    const contacts = async (): Promise<readonly string[]> => {
      const response = await worker.request("/v1/endpoints/carol/routes", { headers: demo.basic() });
      const { routes } = (await response.json()) as { routes: { contact: string }[] };
      return routes.map(({ contact }) => contact);
    };
    for (const [id, contact] of ["sip:carol@10.0.0.9", "sip:carol@10.0.0.9:5070"].entries()) {
      far.send({ kind: "route-added", id, route: { ...route, contact } });
      expect(await far.next("route-stored")).toMatchObject({ id, ok: true });
      expect(await contacts()).toEqual([contact]);
    }
    const { sipDomain, endpoint, device } = route;
    far.send({ kind: "route-removed", id: 9, sipDomain, endpoint, device, reason: "unregistered" });
    expect(await far.next("route-stored")).toMatchObject({ id: 9, ok: true });
    expect(await contacts()).toEqual([]);
  });

  it("ends for a gateway's old run as soon as a new run says hello", async () => {
    const before = dial("us-east");
    const { tickets } = await before.hello();
    const call = tickets[0]!;
    tell(before, call, 1, inviteReceived(demo, "alice", "echo"));
    await commands(before, call, 1);
    before.kill();
    const after = dial("us-east");
    await after.hello();
    tell(after, call, 1, { kind: "leg-cancelled", leg: "a" as LegId });
    // The new run holds nothing of it, unless the call was given to it.
    const frame = await Promise.race([after.next("call-gone"), after.next("call-command"), after.next("event-ack")]);
    expect(frame).toMatchObject({ call });
  });

  it("refuses phones of domains that nobody owns, and gives credentials for those that exist", async () => {
    const gateway = dial("us-east");
    await gateway.hello();
    gateway.send({ kind: "credential-request", id: 7, sipDomain: demo.sipDomain, endpoint: "alice" });
    const { id, credentials } = await gateway.next("credentials");
    expect(id).toBe(7);
    expect(credentials).toMatchObject({ account: demo.sid });
    expect(credentials?.ha1Md5).toMatch(/^[0-9a-f]{32}$/);
    expect(credentials?.ha1Sha256).toMatch(/^[0-9a-f]{64}$/);
    for (const [sipDomain, endpoint] of [
      [demo.sipDomain, "nobody"],
      ["nobody.test", "alice"],
    ]) {
      gateway.send({ kind: "credential-request", id: 8, sipDomain, endpoint });
      expect(await gateway.next("credentials")).toEqual({ kind: "credentials", id: 8 });
    }
  });
});

/** The dialog's names, taken from the last response that repeats them. */
function fromAndCallIdOf(browser: SipBrowser): string {
  const lines = (browser.raw.at(-1) ?? "").split("\r\n");
  return ["From:", "Call-ID:"]
    .map((name) => `${lines.find((line) => line.toLowerCase().startsWith(name.toLowerCase()))}\r\n`)
    .join("");
}
