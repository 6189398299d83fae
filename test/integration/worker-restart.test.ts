/** The Worker is killed: what it had acknowledged is still true when it runs again (docs/operations.md, "When the Worker dies"). */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createResponse } from "#sip/message/build";
import { serializeSipMessage } from "#sip/message/serializer";
import { Lab } from "../support/lab.ts";
import { RawSipClient } from "../support/raw-sip-client.ts";
import type { RawUser } from "../support/raw-sip-client.ts";
import type { WireTransport } from "../support/raw-wire.ts";
import { startStack } from "../support/stack.ts";
import type { Stack } from "../support/stack.ts";
import { askOperator, gatewayCounters, readLogs } from "../support/stack-watch.ts";
import { waitUntil } from "../support/wait-until.ts";

const SDP = ["v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=-", "c=IN IP4 127.0.0.1", "t=0 0", "m=audio 40000 RTP/AVP 0", ""];

let lab: Lab;
let stack: Stack;
beforeEach(async () => {
  lab = new Lab();
  stack = await lab.own(startStack());
});
afterEach(() => lab.close());

async function open(transport: WireTransport, user: RawUser, gateway = "us-east"): Promise<RawSipClient> {
  return await lab.own(await RawSipClient.open(stack, transport, { user, gateway }));
}

async function killWorker(): Promise<void> {
  const { pid } = (await stack.reload()).worker;
  if (pid === null) throw new Error("the Worker is dead already");
  process.kill(pid, "SIGKILL");
  await waitUntil("the Worker answers again", () =>
    fetch(`${stack.http}/health`).then(
      ({ ok }) => ok,
      () => false,
    ),
  );
}

async function channelsOpen(): Promise<void> {
  for (const id of Object.keys(stack.description.gateways))
    await waitUntil(`the control channels of ${id} are open`, async () => {
      return (await gatewayCounters(stack, id))["control_channels_open"] === 2;
    });
}

interface Route {
  readonly contact: string;
  readonly gateway: string | null;
  readonly lease: string;
}

async function routesOf(identity: string, account = "demo"): Promise<readonly Route[]> {
  const response = await stack.request(`/v1/endpoints/${identity}/routes`, {}, account);
  return ((await response.json()) as { readonly routes: readonly Route[] }).routes;
}

/** Rings `callee` from `caller` and answers with the INVITE that arrives there; the call is refused 486 then. */
async function ring(caller: RawSipClient, callee: RawSipClient): Promise<number> {
  const uri = `sip:${callee.user.identity}@${callee.user.domain}`;
  const request = {
    requestUri: uri,
    to: `<${uri}>`,
    headers: [`Contact: ${caller.contact}`, "Content-Type: application/sdp"],
    body: SDP.join("\r\n"),
  };
  const challenge = await caller.ask("INVITE", request);
  const credentials = caller.authorization("INVITE", challenge, { requestUri: uri });
  const final = caller.ask("INVITE", { ...request, headers: [...request.headers, credentials] });
  const invite = await callee.wire.waitMessage("INVITE", ({ kind, ...rest }) => {
    return kind === "request" && "method" in rest && rest.method === "INVITE";
  });
  if (invite.kind !== "request") throw new Error("a request was waited for");
  callee.wire.send(serializeSipMessage(createResponse(invite, 486, { toTag: "busy" })));
  return (await final).status;
}

describe("a Worker that is killed", () => {
  it("has every acknowledged registration when it is back, of both accounts, and rings them", async () => {
    const users = ["demo", "other"].flatMap((account) =>
      ["alice", "bob", "carol"].map((identity) => ({ account, ...stack.user(identity, account) })),
    );
    const phones: { readonly client: RawSipClient; readonly account: string }[] = [];
    for (const [index, user] of users.entries()) {
      const gateway = ["us-east", "eu-west", "ap-south"][index % 3];
      const client = await open(index % 2 === 0 ? "udp" : "tcp", user, gateway);
      expect((await client.registerWithDigest()).status).toBe(200);
      phones.push({ client, account: user.account });
    }
    const snapshot = (): Promise<readonly (readonly Route[])[]> =>
      Promise.all(phones.map(({ client, account }) => routesOf(client.user.identity, account)));
    const before = await snapshot();
    expect(before.map((routes) => routes.length)).toEqual(phones.map(() => 1));

    await killWorker();
    await channelsOpen();
    expect(await snapshot()).toEqual(before);

    const [alice, bob, carol] = phones.map(({ client }) => client);
    if (alice === undefined || bob === undefined || carol === undefined) throw new Error("three phones are registered");
    expect(await ring(alice, bob)).toBe(486);
    expect(await ring(bob, carol)).toBe(486);
  });

  it("never loses a registration that it acknowledged a moment before", { timeout: 90_000 }, async () => {
    const alice = await open("udp", stack.user("alice"));
    for (let round = 1; round <= 5; round++) {
      // Each round another contact: the route must be written anew, and is not absorbed at the gateway.
      const contact = `<sip:alice@127.0.0.1:${30_000 + round}>`;
      expect((await alice.registerWithDigest({ contact })).status).toBe(200);
      await killWorker();
      const routes = await routesOf("alice");
      expect(routes.map((route) => route.contact)).toContain(contact.slice(1, -1));
    }
  });

  it("leaves phones that refresh meanwhile alone, and refuses new ones with a time to come back", async () => {
    const alice = await open("udp", stack.user("alice"));
    const bob = await open("udp", stack.user("bob"));
    expect((await alice.registerWithDigest()).status).toBe(200);
    const known = await bob.register();
    const { pid } = (await stack.reload()).worker;
    process.kill(pid ?? 0, "SIGSTOP");
    try {
      expect((await alice.registerWithDigest()).status).toBe(200);
      const refused = await bob.register({ headers: [bob.authorization("REGISTER", known)] });
      expect(refused.status).toBe(503);
      expect(refused.headers.find(({ name }) => name === "retry-after")?.value).toBe("5");
    } finally {
      process.kill(pid ?? 0, "SIGCONT");
    }
    await channelsOpen();
    await waitUntil("bob can register", async () => (await bob.registerWithDigest()).status === 200);
  });

  it("knows accounts, enrolled and revoked gateways and past calls when it is back", async () => {
    const [alice, bob] = [await open("udp", stack.user("alice")), await open("tcp", stack.user("bob"))];
    expect((await bob.registerWithDigest()).status).toBe(200);
    expect(await ring(alice, bob)).toBe(486);
    expect((await askOperator(stack, "/v1/operator/gateways/ap-south", { method: "DELETE" })).status).toBe(204);
    const calls = `/2010-04-01/Accounts/${stack.account().sid}/Calls.json`;
    const callsOf = async (): Promise<unknown> =>
      ((await (await stack.request(calls)).json()) as { calls: unknown }).calls;
    const callsBefore = await waitUntil("the call is in the list", async () => {
      const list = await callsOf();
      return Array.isArray(list) && list.length > 0 && JSON.stringify(list).includes('"busy"') && list;
    });

    await killWorker();
    expect(await callsOf()).toEqual(callsBefore);
    expect((await stack.request("/v1/gateways", {}, "other")).status).toBe(200);
    await waitUntil("us-east is back", async () => (await gatewayCounters(stack))["control_channels_open"] === 2);
    const gateways = JSON.stringify(await (await stack.request("/v1/gateways")).json());
    expect(gateways).toMatch(/"gateway":"ap-south","region":"ap-south","state":"down","enrolled":false/);
    // It was seeded once: a restart is no new enrolment.
    expect((await gatewayCounters(stack, "ap-south"))["control_channels_open"]).toBe(0);
    expect(await readLogs(stack)).toContain('"gateway.revoked"');
  });
});
