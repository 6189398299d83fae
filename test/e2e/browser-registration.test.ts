/** Browsers register over WebSocket with sip.js and JsSIP as npm has them: by digest, or with a token that Twilio's own library made. */
import twilio from "twilio";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { BrowserPhone } from "../support/browser/browser-phone.ts";
import { launchChromium } from "../support/browser/chromium.ts";
import { launchFirefox } from "../support/browser/firefox.ts";
import type { PhonePageOptions } from "../support/browser/phone-page.ts";
import { Lab } from "../support/lab.ts";
import { startStack } from "../support/stack.ts";
import type { Stack } from "../support/stack.ts";
import { waitUntil } from "../support/wait-until.ts";

let stack: Stack;
let lab: Lab;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(() => stack.close());
beforeEach(() => {
  lab = new Lab();
});
afterEach(() => lab.close());

const LIBRARIES = ["sip.js", "jssip"] as const;
const BROWSERS = { chromium: launchChromium, firefox: launchFirefox } as const;
const LAUNCHES = LIBRARIES.flatMap((library) =>
  (["chromium", "firefox"] as const).map((browser) => ({ library, browser })),
);

interface Route {
  readonly kind: string;
  readonly region: string;
  readonly transport: string;
  readonly bridge: string;
  readonly gateway: string | null;
  readonly contact: string;
  readonly lease: string;
  readonly expiresAt: string;
}

async function routesOf(identity: string, account = "demo"): Promise<readonly Route[]> {
  const response = await stack.request(`/v1/endpoints/${identity}/routes`, {}, account);
  expect(response.status).toBe(200);
  return ((await response.json()) as { readonly routes: readonly Route[] }).routes;
}

interface TokenOptions {
  readonly account?: string;
  readonly lifetimeSeconds?: number;
  readonly mayReceive?: boolean;
}

function accessToken(identity: string, options: TokenOptions = {}): string {
  const { account = "demo", lifetimeSeconds = 600, mayReceive = true } = options;
  const { sid, apiKey } = stack.account(account);
  const { AccessToken } = twilio.jwt;
  const token = new AccessToken(sid, apiKey.sid, apiKey.secret, { identity, ttl: lifetimeSeconds });
  token.addGrant(new AccessToken.VoiceGrant({ incomingAllow: mayReceive }));
  return token.toJwt();
}

type Overrides = Partial<PhonePageOptions> & Pick<PhonePageOptions, "library">;

async function start(browser: keyof typeof BROWSERS, options: Overrides): Promise<BrowserPhone> {
  const phone = await lab.own(BROWSERS[browser]());
  await phone.start({ server: stack.webSocket("eu-west"), ...stack.user("alice"), ...options });
  return phone;
}

describe.each(LAUNCHES)("$library in $browser", ({ library, browser }) => {
  it("registers by digest, is listed at its region's bridge, and its route ends with its page", async () => {
    const phone = await start(browser, { library });
    await phone.register();
    expect(await routesOf("alice")).toEqual([
      expect.objectContaining({
        kind: "browser",
        region: "eu-west",
        transport: "ws",
        bridge: expect.stringMatching(/^eu-west\.\d$/),
        gateway: null,
        lease: "confirmed",
      }),
    ]);
    const leftAtMs = performance.now();
    await phone.closePage();
    await waitUntil("the route is gone", async () => (await routesOf("alice")).length === 0, { timeoutMs: 3_000 });
    expect(performance.now() - leftAtMs).toBeLessThan(1_000);
  });

  it("registers with a token of Twilio's AccessToken class", async () => {
    const bearerToken = accessToken("alice");
    const phone = await start(browser, { library, password: undefined, bearerToken });
    await phone.register();
    expect(await routesOf("alice")).toEqual([expect.objectContaining({ region: "eu-west", lease: "confirmed" })]);
    await phone.unregister();
    await phone.waitEvent("unregistered");
    expect(await routesOf("alice")).toEqual([]);
  });
});

describe.each(LIBRARIES)("%s in Chromium", (library) => {
  it.each([
    { what: "a wrong password", options: () => ({ password: "wrong-password" }), status: "401" },
    { what: "an expired token", options: () => ({ bearerToken: accessToken("alice", { lifetimeSeconds: -300 }) }) },
    {
      what: "a token of another account",
      options: () => ({ bearerToken: accessToken("alice", { account: "other" }) }),
    },
    { what: "a token of another identity", options: () => ({ bearerToken: accessToken("bob") }) },
    {
      what: "a token that lets no calls in",
      options: () => ({ bearerToken: accessToken("alice", { mayReceive: false }) }),
      status: "403",
    },
  ])("is refused with $what", async ({ options, status = "401" }) => {
    const phone = await start("chromium", { library, password: undefined, ...options() });
    await expect(phone.register()).rejects.toThrow(`registration refused: ${status}`);
    expect(await routesOf("alice")).toEqual([]);
  });

  it("registers the same identity of two accounts, and neither sees the other", async () => {
    const ours = await start("chromium", { library });
    await ours.register();
    expect(await routesOf("alice", "other")).toEqual([]);
    const theirs = await start("chromium", {
      library,
      server: stack.webSocket("us-east"),
      ...stack.user("alice", "other"),
    });
    await theirs.register();
    expect(await routesOf("alice")).toEqual([expect.objectContaining({ region: "eu-west" })]);
    expect(await routesOf("alice", "other")).toEqual([expect.objectContaining({ region: "us-east" })]);
    // An address of the other account is nobody here, whatever stands under that name there.
    await ours.unregister();
    await ours.waitEvent("unregistered");
    await theirs.call(`sip:alice@${stack.account("demo").sipDomain}`);
    expect((await theirs.waitEvent("ended")).detail).toMatch(/^404/);
    expect(await routesOf("alice", "other")).toHaveLength(1);
  });
});
