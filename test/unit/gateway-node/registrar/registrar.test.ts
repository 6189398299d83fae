import { beforeEach, describe, expect, it } from "vitest";
import { header, headerValues } from "../../../../sip/message/headers.ts";
import { CallLab } from "../support/call-lab.ts";
import { PHONE_FLOW } from "../support/fake-sip-stack.ts";
import type { FakeServerTransaction } from "../support/fake-sip-stack.ts";
import { challengeField, createAuthorization } from "../support/phone-credentials.ts";
import { request } from "../support/sip-messages.ts";
import type { RequestParts } from "../support/sip-messages.ts";
import { settle } from "../support/virtual-clock.ts";
import { createHash } from "node:crypto";

let lab: CallLab;

beforeEach(() => {
  lab = new CallLab();
});

let calls = 0;
/** A REGISTER with a Call-ID of its own unless one is given, so that order is no matter. */
function register(parts: Partial<RequestParts> = {}, flow = PHONE_FLOW): Promise<FakeServerTransaction> {
  calls += 1;
  return lab.receiveAuthenticated(
    { method: "REGISTER", callId: `r${String(calls)}`, ...parts },
    "alice",
    "wonder",
    flow,
  );
}

describe("a REGISTER without credentials", () => {
  it("is challenged with SHA-256 first and MD5 second, for the domain of To", async () => {
    const { statuses, last } = await lab.receive(request({ method: "REGISTER", uri: "sip:127.0.0.1:5060" }));
    expect(statuses).toEqual([401]);
    const challenges = headerValues(last, "www-authenticate");
    expect(
      challenges.map((challenge) => [
        challengeField(challenge, "realm"),
        challengeField(challenge, "algorithm"),
        challengeField(challenge, "qop"),
      ]),
    ).toEqual([
      ["demo.test", "SHA-256", "auth"],
      ["demo.test", "MD5", "auth"],
    ]);
  });

  it.each([
    [
      "baresip before 2.0, which stops at any challenge but MD5",
      ["User-Agent: baresip v1.0.0 (x86_64/linux)"],
      undefined,
      ["MD5"],
    ],
    ["SIPp by name, which reads the first challenge only", ["User-Agent: SIPp/3.6"], undefined, ["MD5", "SHA-256"]],
    ["SIPp by its branches", [], "z9hG4bK-4711-1-0", ["MD5", "SHA-256"]],
    ["Linphone", ["User-Agent: Linphonec/5.1.65"], undefined, ["SHA-256", "MD5"]],
    ["a phone that nobody knows", ["User-Agent: Unheard-of 1.0"], undefined, ["SHA-256", "MD5"]],
  ])("from %s gets what it survives", async (_who, headers, branch, expected) => {
    const { last } = await lab.receive(request({ method: "REGISTER", headers, branch }));
    expect(headerValues(last, "www-authenticate").map((challenge) => challengeField(challenge, "algorithm"))).toEqual(
      expected,
    );
  });

  it("for an address that cannot be ours is answered 404", async () => {
    expect((await lab.receive(request({ method: "REGISTER", to: "<tel:+15551234>" }))).statuses).toEqual([404]);
  });
});

describe("digest", () => {
  async function challenge(): Promise<string> {
    return header((await lab.receive(request({ method: "REGISTER" }))).last, "www-authenticate") ?? "";
  }
  const answer = (authorization: string, cseq = 2, flow = PHONE_FLOW): Promise<FakeServerTransaction> =>
    lab.receive(request({ method: "REGISTER", cseq, headers: [`Authorization: ${authorization}`] }), flow);
  const base = { user: "alice", password: "wonder", method: "REGISTER", uri: "sip:demo.test" };

  it.each(["SHA-256", "MD5"] as const)("with %s and the right password is accepted", async (algorithm) => {
    const transaction = await answer(createAuthorization({ ...base, challenge: await challenge(), algorithm }));
    expect(transaction.statuses).toEqual([200]);
  });

  it("answers an unknown user and a wrong password alike, without stale", async () => {
    const unknown = await answer(createAuthorization({ ...base, challenge: await challenge(), user: "nobody" }));
    const wrong = await answer(createAuthorization({ ...base, challenge: await challenge(), password: "guess" }));
    for (const transaction of [unknown, wrong]) {
      expect(transaction.statuses).toEqual([401]);
      expect(headerValues(transaction.last, "www-authenticate").join()).not.toContain("stale");
    }
    const shape = (transaction: FakeServerTransaction): readonly string[] =>
      transaction.last.headers.map(({ name }) => name);
    expect(shape(unknown)).toEqual(shape(wrong));
  });

  it("refuses an answer that was seen before, with a fresh nonce and no stale", async () => {
    const first = await challenge();
    const authorization = createAuthorization({ ...base, challenge: first });
    expect((await answer(authorization)).statuses).toEqual([200]);
    const replay = await answer(authorization, 3);
    expect(replay.statuses).toEqual([401]);
    const again = header(replay.last, "www-authenticate") ?? "";
    expect(again).not.toContain("stale");
    expect(challengeField(again, "nonce")).not.toBe(challengeField(first, "nonce"));
  });

  it("accepts the same nonce with a higher count, and then none that is not higher", async () => {
    const first = await challenge();
    expect((await answer(createAuthorization({ ...base, challenge: first, nc: 2 }), 2)).statuses).toEqual([200]);
    expect((await answer(createAuthorization({ ...base, challenge: first, nc: 1 }), 3)).statuses).toEqual([401]);
    expect((await answer(createAuthorization({ ...base, challenge: first, nc: 3 }), 4)).statuses).toEqual([200]);
  });

  it("says stale after a minute to someone who knows the password, and to nobody else", async () => {
    const first = await challenge();
    lab.clock.advance(60_001);
    const right = await answer(createAuthorization({ ...base, challenge: first }));
    expect(header(right.last, "www-authenticate")).toContain("stale=true");
    const wrong = await answer(createAuthorization({ ...base, challenge: first, password: "guess" }));
    expect(header(wrong.last, "www-authenticate")).not.toContain("stale");
  });

  it("is worth nothing from another address", async () => {
    const authorization = createAuthorization({ ...base, challenge: await challenge() });
    expect((await answer(authorization, 2, { ...PHONE_FLOW, host: "198.51.100.1" })).statuses).toEqual([401]);
  });

  it("is worth nothing for another method", async () => {
    const authorization = createAuthorization({ ...base, challenge: await challenge(), method: "INVITE" });
    expect((await answer(authorization)).statuses).toEqual([401]);
  });

  it("is worth nothing in the other account's domain, for the same name", async () => {
    const transaction = await lab.receiveAuthenticated(
      { method: "REGISTER", to: "<sip:alice@other.test>", from: "<sip:alice@other.test>;tag=1" },
      "alice",
      "wonder",
    );
    expect(transaction.statuses).toEqual([401]);
  });

  it("hands over the next nonce with the 200, so that a refresh is one message even after minutes", async () => {
    const transaction = await answer(createAuthorization({ ...base, challenge: await challenge() }));
    const nonce = challengeField(transaction.header("authentication-info") ?? "", "nextnonce");
    lab.clock.advance(540_000);
    const refresh = createAuthorization({ ...base, challenge: 'Digest realm="demo.test", algorithm=SHA-256', nonce });
    expect((await answer(refresh, 3)).statuses).toEqual([200]);
  });

  it("takes a next nonce once from a phone that leaves out qop", async () => {
    const transaction = await answer(createAuthorization({ ...base, challenge: await challenge() }));
    const nonce = challengeField(transaction.header("authentication-info") ?? "", "nextnonce");
    const md5 = (text: string): string => createHash("md5").update(text).digest("hex");
    const response = md5(`${md5("alice:demo.test:wonder")}:${nonce}:${md5("REGISTER:sip:demo.test")}`);
    const authorization = `Digest username="alice", realm="demo.test", nonce="${nonce}", uri="sip:demo.test", response="${response}", algorithm=MD5`;
    expect((await answer(authorization, 3)).statuses).toEqual([200]);
    expect((await answer(authorization, 4)).statuses).toEqual([401]);
  });

  it("answers 503 with Retry-After when the Worker cannot be asked", async () => {
    const first = await challenge();
    lab.directory.reachable = false;
    const transaction = await answer(createAuthorization({ ...base, challenge: first }));
    expect(transaction.statuses).toEqual([503]);
    expect(transaction.header("retry-after")).toBe("5");
  });
});

describe("a registration", () => {
  it("is answered only when the Worker has stored the route", async () => {
    let release: () => void = () => {};
    lab.directory.gate = new Promise((resolve) => (release = resolve));
    const transaction = await register();
    expect(transaction.statuses).toEqual([]);
    release();
    await settle();
    expect(transaction.statuses).toEqual([200]);
    expect(transaction.header("contact")).toBe("<sip:alice@192.0.2.7:5060>;expires=600");
    expect(lab.directory.added).toMatchObject([
      {
        sipDomain: "demo.test",
        endpoint: "alice",
        contact: "sip:alice@192.0.2.7:5060",
        flow: PHONE_FLOW,
        reachability: "open-udp",
      },
    ]);
  });

  it("is refused with 503 when the route could not be stored, and nothing is kept", async () => {
    lab.directory.reachable = true;
    lab.directory.addRoute = () => Promise.resolve({ ok: false, code: "worker-unreachable" });
    const transaction = await register();
    expect(transaction.statuses).toEqual([503]);
    expect(lab.bindings.size).toBe(0);
    expect(lab.clock.armed).toBe(0);
  });

  it("for somebody else's address is forbidden", async () => {
    const transaction = await lab.receiveAuthenticated(
      { method: "REGISTER", to: "<sip:bob@demo.test>" },
      "alice",
      "wonder",
    );
    expect(transaction.statuses).toEqual([403]);
  });

  it("that repeats itself is absorbed: no frame to the Worker", async () => {
    for (let round = 0; round < 5; round += 1) {
      expect((await register()).statuses).toEqual([200]);
      lab.clock.advance(300_000);
    }
    expect(lab.directory.added).toHaveLength(1);
    expect(lab.count("register.absorbed")).toBe(4);
    expect(lab.count("register.to-edge")).toBe(1);
  });

  it("tells how often the phone was allowed to refresh, and tells anew when that changes", async () => {
    for (const expires of [600, 120, 120, 9_999]) await register({ headers: [`Expires: ${String(expires)}`] });
    expect(lab.directory.added.map(({ refreshSeconds }) => refreshSeconds)).toEqual([600, 120, 3_600]);
  });

  it("from a new address of the same phone goes to the Worker", async () => {
    await register();
    await register({}, { ...PHONE_FLOW, port: 5099 });
    expect(lab.directory.added.map((route) => route.flow.port)).toEqual([5060, 5099]);
    expect(new Set(lab.directory.added.map((route) => route.device)).size).toBe(1);
    expect(lab.bindings.size).toBe(1);
  });

  it("over TCP is reachable over its connection only", async () => {
    await register({}, { transport: "tcp", host: "192.0.2.7", port: 40_000 });
    expect(lab.directory.added[0]?.reachability).toBe("connection");
  });

  it("keeps its device through +sip.instance when the Contact changes, and lists both bindings", async () => {
    const instance = '+sip.instance="<urn:uuid:00000000-0000-1000-8000-000A95A0E128>"';
    await register({ contact: `<sip:alice@192.0.2.7:5060>;${instance};reg-id=1` });
    const transaction = await register({ contact: `<sip:alice@192.0.2.8:5060>;${instance};reg-id=1` });
    expect(headerValues(transaction.last, "contact")).toHaveLength(1);
    expect(transaction.header("contact")).toContain(`${instance};reg-id=1`);
    const second = await register({ contact: `<sip:alice@192.0.2.9:5060>;${instance};reg-id=2` });
    expect(headerValues(second.last, "contact")).toHaveLength(2);
    expect(new Set(lab.directory.added.map((route) => route.device)).size).toBe(1);
    expect(lab.directory.added[0]?.sipInstance).toBe("urn:uuid:00000000-0000-1000-8000-000A95A0E128");
  });

  it("that expires is taken back from the Worker", async () => {
    await register({ headers: ["Expires: 60"] });
    lab.clock.advance(59_000);
    expect(lab.directory.removed).toEqual([]);
    lab.clock.advance(1_100);
    expect(lab.directory.removed).toMatchObject([{ endpoint: "alice", reason: "expired" }]);
    expect(lab.bindings.size).toBe(0);
    expect(lab.clock.armed).toBe(0);
  });

  it("that ends with expires=0 is taken back, and leaves the other phone's route", async () => {
    await register({ contact: "<sip:alice@192.0.2.7:5060>" });
    await register({ contact: "<sip:alice@192.0.2.8:5060>" });
    const transaction = await register({ contact: "<sip:alice@192.0.2.7:5060>;expires=0" });
    expect(headerValues(transaction.last, "contact")).toEqual(["<sip:alice@192.0.2.8:5060>;expires=600"]);
    expect(lab.directory.removed).toMatchObject([{ reason: "unregistered" }]);
  });

  it("of * with Expires 0 ends all bindings", async () => {
    await register({ contact: "<sip:alice@192.0.2.7:5060>" });
    await register({ contact: "<sip:alice@192.0.2.8:5060>" });
    const transaction = await register({ contact: "*", headers: ["Expires: 0"] });
    expect(transaction.statuses).toEqual([200]);
    expect(lab.directory.removed).toHaveLength(2);
    expect(lab.bindings.size).toBe(0);
  });

  it("without Contact only asks for the bindings", async () => {
    await register();
    const transaction = await register({ contact: null });
    expect(headerValues(transaction.last, "contact")).toHaveLength(1);
    expect(lab.directory.added).toHaveLength(1);
  });

  it("with several Contacts binds each of them", async () => {
    const transaction = await register({ contact: "<sip:alice@192.0.2.7>, <sip:alice@192.0.2.8>;expires=120" });
    expect(headerValues(transaction.last, "contact")).toEqual([
      "<sip:alice@192.0.2.7>;expires=600",
      "<sip:alice@192.0.2.8>;expires=120",
    ]);
  });

  it.each([
    ["an interval under a minute", { headers: ["Expires: 59"] }, 423],
    ["* that does not end", { contact: "*", headers: ["Expires: 60"] }, 400],
    ["a Contact longer than a route holds", { contact: `<sip:${"a".repeat(1_025)}@192.0.2.7>` }, 400],
    ["a Contact that is no SIP URI", { contact: "<mailto:alice@demo.test>" }, 400],
    [
      "eleven Contacts",
      { contact: Array.from({ length: 11 }, (_, index) => `<sip:alice@192.0.2.${String(index)}>`).join(", ") },
      403,
    ],
  ])("with %s is refused", async (_what, parts, status) => {
    const transaction = await register(parts);
    expect(transaction.statuses).toEqual([status]);
    if (status === 423) expect(transaction.header("min-expires")).toBe("60");
    expect(lab.bindings.size).toBe(0);
  });

  it("asking for days gets an hour", async () => {
    expect((await register({ headers: ["Expires: 864000"] })).header("contact")).toContain("expires=3600");
  });

  it("that arrives after a later one of the same phone changes nothing", async () => {
    await register({ callId: "one", cseq: 10 });
    const late = await register({ callId: "one", cseq: 4, headers: ["Expires: 0"] });
    expect(late.statuses).toEqual([500]);
    expect(lab.bindings.size).toBe(1);
  });

  it("is carried out after those of the same address that came before it", async () => {
    const releases: (() => void)[] = [];
    const add = lab.directory.addRoute.bind(lab.directory);
    lab.directory.addRoute = async (route) => {
      await new Promise<void>((resolve) => releases.push(resolve));
      return await add(route);
    };
    const first = await register({ contact: "<sip:alice@192.0.2.7>" });
    const second = await register({ contact: "<sip:alice@192.0.2.8>" });
    expect(releases).toHaveLength(1);
    releases[0]?.();
    await settle();
    expect(first.statuses).toEqual([200]);
    expect(second.statuses).toEqual([]);
    releases[1]?.();
    await settle();
    expect(headerValues(second.last, "contact")).toHaveLength(2);
  });

  it("is published anew before the Worker's hard limit ends it", async () => {
    for (let hour = 0; hour < 25; hour += 1) {
      await register({ headers: ["Expires: 3600"] });
      lab.clock.advance(3_599_000);
    }
    expect(lab.directory.added).toHaveLength(2);
  });

  it("and fifty refreshes of it need one timer", async () => {
    for (let index = 0; index < 50; index += 1) await register({ contact: "<sip:alice@192.0.2.7>" });
    expect(lab.clock.armed).toBe(1);
  });
});
