import JsSIP from "jssip";
import { Registerer, RegistererState, UserAgent } from "sip.js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createAccount } from "./support/accounts.ts";
import type { TestAccount } from "./support/accounts.ts";
import { startWorker } from "./support/worker.ts";
import type { TestWorker } from "./support/worker.ts";

let worker: TestWorker;
let demo: TestAccount;
let server: string;

beforeAll(async () => {
  worker = await startWorker();
  demo = await createAccount(worker, "demo");
  server = `${worker.origin.replace("http", "ws")}/sip?region=eu-west`;
});

afterAll(async () => {
  await worker.close();
});

async function routes(identity: string): Promise<readonly unknown[]> {
  const response = await worker.request(`/v1/endpoints/${identity}/routes`, { headers: demo.basic() });
  return ((await response.json()) as { routes: unknown[] }).routes;
}

describe("the libraries that browsers use, unchanged", () => {
  it("sip.js registers, refreshes and unregisters", async () => {
    const { identity, sipDomain, password } = demo.user("alice");
    const userAgent = new UserAgent({
      uri: UserAgent.makeURI(`sip:${identity}@${sipDomain}`)!,
      authorizationUsername: identity,
      authorizationPassword: password,
      transportOptions: { server },
      logBuiltinEnabled: false,
    });
    await userAgent.start();
    const registerer = new Registerer(userAgent);
    const state = async (wanted: RegistererState): Promise<void> => {
      await expect.poll(() => registerer.state, { timeout: 3_000 }).toBe(wanted);
    };
    await registerer.register();
    await state(RegistererState.Registered);
    expect(await routes("alice")).toMatchObject([{ region: "eu-west", kind: "browser" }]);
    await new Promise<void>((resolve) => {
      void registerer.register({ requestDelegate: { onAccept: () => resolve() } });
    });
    expect(await routes("alice")).toHaveLength(1);
    await registerer.unregister();
    await state(RegistererState.Unregistered);
    await expect.poll(() => routes("alice")).toEqual([]);
    await userAgent.stop();
  });

  it("JsSIP registers, and its route ends with its socket", async () => {
    const { identity, sipDomain, password } = demo.user("bob");
    const phone = new JsSIP.UA({
      sockets: [new JsSIP.WebSocketInterface(server)],
      uri: `sip:${identity}@${sipDomain}`,
      password,
      register: true,
    });
    const registered = new Promise<void>((resolve, reject) => {
      phone.on("registered", () => resolve());
      phone.on("registrationFailed", ({ cause }) => reject(new Error(cause)));
    });
    phone.start();
    await registered;
    expect(await routes("bob")).toMatchObject([{ region: "eu-west", kind: "browser" }]);
    phone.stop();
    await expect.poll(() => routes("bob"), { timeout: 3_000 }).toEqual([]);
  });
});
