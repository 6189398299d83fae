/** The ladder of a call in the API: what it says, in which form, and to whom. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { CallEvent } from "../../protocol/call-messages.ts";
import type { CallToken, LegId } from "../../protocol/ids.ts";
import type { Ladder } from "../../worker/domain/ladder/ladder.ts";
import { waitUntil } from "../support/wait-until.ts";
import { createAccount, tokenOf } from "./support/accounts.ts";
import type { TestAccount } from "./support/accounts.ts";
import { inviteReceived } from "./support/phone-invite.ts";
import { createGatewayKeys, createInstance, TestGateway } from "./support/test-gateway.ts";
import { startWorker } from "./support/worker.ts";
import type { TestWorker } from "./support/worker.ts";

const CALLER = "a" as LegId;
let worker: TestWorker;
let demo: TestAccount;
let other: TestAccount;
let gateway: TestGateway;
let call: CallToken;
let sid: string;

function tell(...events: readonly (readonly [seq: number, event: CallEvent])[]): void {
  gateway.send({
    kind: "call-events",
    call,
    ackCommand: 0,
    events: events.map(([seq, event]) => ({ seq, epoch: 1, event })),
  });
}

async function acknowledged(seq: number): Promise<void> {
  await waitUntil(`event ${seq} is acknowledged`, () =>
    gateway.frames.some((frame) => "ackEvent" in frame && frame.ackEvent >= seq),
  );
}

beforeAll(async () => {
  worker = await startWorker({ channels: 1 });
  [demo, other] = [await createAccount(worker, "demo"), await createAccount(worker, "other")];
  const keys = createGatewayKeys();
  await worker.operator("PUT", "/v1/operator/gateways/us-east", { region: "us-east", publicKey: keys.publicKey });
  gateway = new TestGateway(worker.origin, { gateway: "us-east", keys, instance: createInstance() });
  const { tickets } = await gateway.hello();
  const [ticket] = tickets;
  if (ticket === undefined) throw new Error("no ticket");
  call = ticket;
  const atMs = Date.now();
  const said = { leg: CALLER, atMs, method: "INVITE", cseq: 2 };
  tell(
    [1, inviteReceived(demo, "alice", "echo")],
    [
      2,
      {
        kind: "leg-signalling",
        leg: CALLER,
        messages: [
          { ...said, sent: false, sdp: { codecs: ["PCMU"], direction: "sendrecv" } },
          { ...said, sent: true, status: 100 },
        ],
      },
    ],
  );
  await acknowledged(2);
  sid = await waitUntil("the call is listed", async () => {
    const listed = await worker.request(`/2010-04-01/Accounts/${demo.sid}/Calls.json`, { headers: demo.basic() });
    const { calls } = (await listed.json()) as { readonly calls: readonly { readonly sid: string }[] };
    return calls[0]?.sid;
  });
});
afterAll(async () => {
  gateway.close();
  await worker.close();
});

describe("the ladder of a call", () => {
  it("has the messages of its gateway and the steps of its log, in order", async () => {
    const response = await worker.request(`/v1/calls/${sid}/ladder`, { headers: demo.basic() });
    expect([response.status, response.headers.get("Cache-Control")]).toEqual([200, "no-store"]);
    const ladder = (await response.json()) as Ladder;
    expect(ladder).toMatchObject({ sid, from: "alice", to: "echo", isLive: true, omittedMessages: 0 });
    expect(ladder.entries.flatMap((entry) => (entry.kind === "message" ? [entry.label] : []))).toEqual([
      "INVITE",
      "100 Trying",
    ]);
    expect(ladder.entries.some((entry) => entry.kind !== "message" && entry.event === "call.answered")).toBe(true);
  });

  it.each([
    ["text/plain", "", "text/plain"],
    ["application/json;q=0.5, text/plain", "", "text/plain"],
    ["text/html, */*", "", "application/json"],
    ["text/plain;q=0.1, application/json", "", "application/json"],
    ["application/json", "?format=text", "text/plain"],
    ["text/plain", "?format=json", "application/json"],
  ])("for Accept %s %s is %s", async (accept, query, type) => {
    const headers = { ...demo.basic(), Accept: accept };
    const response = await worker.request(`/v1/calls/${sid}/ladder${query}`, { headers });
    expect(response.headers.get("Content-Type")).toContain(type);
    if (type === "text/plain") expect(await response.text()).toMatch(/ {3}0\.000 {2}\|-+INVITE-+>\|/);
    else expect(((await response.json()) as Ladder).sid).toBe(sid);
  });

  it("refuses another format", async () => {
    const response = await worker.request(`/v1/calls/${sid}/ladder?format=svg`, { headers: demo.basic() });
    expect([response.status, await response.json()]).toEqual([400, { code: "format-invalid" }]);
  });

  it("is there for the user who called, and unknown to everybody else", async () => {
    const get = async (path: string, account: TestAccount, identity: string): Promise<readonly [number, unknown]> => {
      const headers = { Authorization: `Bearer ${await tokenOf(worker, account, identity)}` };
      const response = await worker.request(path, { headers });
      const { code, from } = (await response.json()) as { readonly code?: string; readonly from?: string };
      return [response.status, code ?? from];
    };
    const path = `/v1/me/calls/${sid}/ladder`;
    expect(await get(path, demo, "alice")).toEqual([200, "alice"]);
    expect(await get(path, demo, "bob")).toEqual([404, "call-unknown"]);
    expect(await get(path, other, "alice")).toEqual([404, "call-unknown"]);
    expect(await get("/v1/me/calls/abc/ladder", demo, "alice")).toEqual([400, "call-sid-invalid"]);
    expect((await worker.request(path)).status).toBe(401);
    expect((await worker.request(path, { headers: demo.basic() })).status).toBe(401);
    const foreign = await worker.request(`/v1/calls/${sid}/ladder`, { headers: other.basic() });
    expect([foreign.status, await foreign.json()]).toEqual([404, { code: "call-unknown" }]);
    expect((await worker.request(`/v1/calls/${sid}/ladder`)).status).toBe(401);
  });

  it("tells neither addresses nor tokens nor what proves who somebody is", async () => {
    const answers = await Promise.all(
      ["json", "text"].map(async (format) =>
        (await worker.request(`/v1/calls/${sid}/ladder?format=${format}`, { headers: demo.basic() })).text(),
      ),
    );
    for (const secret of ["127.0.0.1", "10.0.0.9", call, demo.user("alice").password])
      expect(answers.join("")).not.toContain(secret);
  });
});

describe("the page of a call", () => {
  it("is the same for everybody, with a script of its own: what it shows the API decides", async () => {
    const pages = await Promise.all(
      [`/calls/${sid}`, "/calls/unknown"].map(async (path) => {
        const response = await worker.request(path);
        expect(response.headers.get("Content-Security-Policy")).toContain("default-src 'none'");
        return await response.text();
      }),
    );
    expect(pages[0]).toBe(pages[1]);
    const [, script = ""] = /<script type="module" src="([^"]+)">/.exec(pages[0] ?? "") ?? [];
    expect(script).toMatch(/^\/assets\/call-[0-9a-f]{16}\.js$/);
    const asset = await worker.request(script);
    expect([asset.status, asset.headers.get("Cache-Control")]).toEqual([200, "public, max-age=31536000, immutable"]);
  });
});

describe("an event of a kind that a later release may send", () => {
  it("changes nothing, counts as received, and the next one is taken", async () => {
    const later: unknown = { kind: "leg-dreams", leg: CALLER, of: "sheep" };
    tell([3, later as CallEvent]);
    await acknowledged(3);
    tell([4, { kind: "leg-ended", leg: CALLER, cause: "bye" }]);
    await acknowledged(4);
    const headers = demo.basic();
    const ladder = (await (await worker.request(`/v1/calls/${sid}/ladder`, { headers })).json()) as Ladder;
    expect(ladder).toMatchObject({ isLive: false, status: "completed", outcome: "The caller hung up." });
  });
});
