import { randomBytes } from "node:crypto";
import type { SipUser } from "./sip-browser.ts";
import type { TestWorker } from "./worker.ts";

export interface TestAccount {
  readonly sid: string;
  readonly authToken: string;
  readonly sipDomain: string;
  readonly apiKey: { readonly sid: string; readonly secret: string };
  user(identity: string): SipUser;
  basic(user?: string, password?: string): { readonly Authorization: string };
}

/** Stores an account with alice, bob and carol, each with a password of its own. */
export async function createAccount(worker: TestWorker, name: string): Promise<TestAccount> {
  const sid = `AC${randomBytes(16).toString("hex")}`;
  const authToken = randomBytes(16).toString("hex");
  const sipDomain = `${name}.test`;
  const apiKey = { sid: `SK${randomBytes(16).toString("hex")}`, secret: randomBytes(16).toString("hex") };
  const password = (identity: string): string => `${identity}-of-${name}`;
  const users = ["alice", "bob", "carol"].map((identity) => ({ identity, password: password(identity) }));
  const response = await worker.operator("PUT", `/v1/operator/accounts/${sid}`, {
    name,
    sipDomain,
    authToken,
    apiKeys: [apiKey],
    users,
  });
  if (response.status !== 200) throw new Error(`account not stored: ${response.status} ${await response.text()}`);
  return {
    sid,
    authToken,
    sipDomain,
    apiKey,
    user: (identity) => ({ identity, sipDomain, password: password(identity) }),
    basic: (user = sid, secret = authToken) => ({
      Authorization: `Basic ${Buffer.from(`${user}:${secret}`).toString("base64")}`,
    }),
  };
}

/** An access token of one of the account's users, as the softphone page gets it. */
export async function tokenOf(worker: TestWorker, account: TestAccount, identity: string): Promise<string> {
  const { sipDomain, password } = account.user(identity);
  const response = await worker.request("/v1/tokens", { method: "POST", json: { identity, sipDomain, password } });
  return ((await response.json()) as { readonly token: string }).token;
}
