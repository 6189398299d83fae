/** The drivers of real browsers with the real SIP libraries, against each other over a switchboard that only hands messages on. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { launchChromium } from "../../support/browser/chromium.ts";
import { launchFirefox } from "../../support/browser/firefox.ts";
import { Lab } from "../../support/lab.ts";
import { startSipDouble } from "../../support/sip-double.ts";
import { longestSilenceMs, spectrumShare, toneStartMs } from "../../support/tone.ts";
import { waitUntil } from "../../support/wait-until.ts";

let lab: Lab;
beforeEach(() => {
  lab = new Lab();
});
afterEach(() => lab.close());

const DOMAIN = "demo.example";
const PASSWORDS = { alice: "correct-horse", bob: "battery-staple" } as const;

/** Long enough for a stretch of audio on both sides; there is no event for "it has sounded for two seconds". */
function audioOf(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

describe("Chromium", () => {
  it("calls from sip.js to JsSIP, and each hears the other's tone without a break", async () => {
    const server = (await lab.own(startSipDouble(PASSWORDS))).webSocketUrl;
    const [alice, bob] = await Promise.all([
      lab.own(launchChromium({ toneFrequency: 600 })),
      lab.own(launchChromium({ toneFrequency: 1_000 })),
    ]);
    await alice.start({
      library: "sip.js",
      server,
      identity: "alice",
      domain: DOMAIN,
      password: PASSWORDS.alice,
      codecs: ["audio/PCMU"],
    });
    await bob.start({
      library: "jssip",
      server,
      identity: "bob",
      domain: DOMAIN,
      password: PASSWORDS.bob,
    });
    await alice.register();
    await bob.register();
    await alice.call("bob");
    await bob.waitEvent("incoming");
    await bob.answer();
    await alice.waitEstablished();
    await bob.waitEstablished();
    await audioOf(2_000);
    for (const [phone, frequency] of [
      [alice, 1_000],
      [bob, 600],
    ] as const) {
      const { samples, rate } = await phone.received();
      const from = (toneStartMs(samples, rate, frequency) ?? 0) + 300;
      expect(spectrumShare(samples, rate, frequency, { from })).toBeGreaterThan(0.9);
      expect(longestSilenceMs(samples, rate, frequency, { from })).toBeLessThanOrEqual(60);
      expect(await phone.statistics()).toMatchObject({
        connectionState: "connected",
        codec: "audio/PCMU",
        peerConnections: 1,
        getUserMediaCalls: 1,
      });
    }
    for (const [phone, other] of [
      [bob, alice],
      [alice, bob],
    ] as const) {
      // JsSIP writes the direction into the text that it sends only, so the other side is the one to ask.
      const told = (direction: string) =>
        waitUntil(direction, async () => (await other.descriptions()).remote.includes(`a=${direction}\r`));
      await phone.hold();
      await told("sendonly");
      await phone.resume();
      await told("sendrecv");
      await phone.sendDigits("7");
    }
    await bob.hangup();
    await alice.waitEvent("ended");
  });

  it.each(["sip.js", "jssip"] as const)(
    "reports a refused registration and a call to nobody with %s",
    async (library) => {
      const server = (await lab.own(startSipDouble(PASSWORDS))).webSocketUrl;
      const phone = await lab.own(launchChromium());
      await phone.start({ library, server, identity: "alice", domain: DOMAIN, password: "wrong" });
      await expect(phone.register()).rejects.toThrow("401");
      await phone.call("nobody");
      expect((await phone.waitEvent("ended")).detail).toContain("404");
    },
  );

  it.each(["sip.js", "jssip"] as const)("comes back after its socket was cut with %s", async (library) => {
    const server = (await lab.own(startSipDouble(PASSWORDS))).webSocketUrl;
    const phone = await lab.own(launchChromium());
    await phone.start({ library, server, identity: "alice", domain: DOMAIN, password: PASSWORDS.alice });
    await phone.register();
    const from = await phone.mark();
    await phone.dropSocket();
    await phone.waitEvent("disconnected", { from });
    await phone.waitEvent("registered", { from });
  });

  it("sends a bearer token with REGISTER in place of a password", async () => {
    const double = await lab.own(startSipDouble(PASSWORDS));
    const phone = await lab.own(launchChromium());
    await phone.start({
      library: "jssip",
      server: double.webSocketUrl,
      identity: "alice",
      domain: DOMAIN,
      bearerToken: "abc.def",
    });
    await expect(phone.register()).rejects.toThrow("401");
    expect(double.received[0]).toMatch(/^REGISTER [\s\S]*\r\nAuthorization: Bearer abc\.def\r\n/);
  });
});

describe("Firefox", () => {
  it.each([
    ["sip.js", "jssip"],
    ["jssip", "sip.js"],
  ] as const)("calls Chromium, %s to %s, and each hears the other's tone", async (callers, callees) => {
    const server = (await lab.own(startSipDouble(PASSWORDS))).webSocketUrl;
    const alice = await lab.own(launchFirefox({ toneFrequency: 800 }));
    const bob = await lab.own(launchChromium({ toneFrequency: 1_000 }));
    await alice.start({ library: callers, server, identity: "alice", domain: DOMAIN, password: PASSWORDS.alice });
    await bob.start({ library: callees, server, identity: "bob", domain: DOMAIN, password: PASSWORDS.bob });
    await alice.register();
    await bob.register();
    await alice.call("bob");
    await bob.waitEvent("incoming");
    await bob.answer();
    await alice.waitEstablished();
    await audioOf(2_000);
    for (const [phone, frequency] of [
      [alice, 1_000],
      [bob, 800],
    ] as const) {
      const { samples, rate } = await phone.received();
      const from = (toneStartMs(samples, rate, frequency) ?? 0) + 300;
      expect(spectrumShare(samples, rate, frequency, { from })).toBeGreaterThan(0.9);
      expect(longestSilenceMs(samples, rate, frequency, { from })).toBeLessThanOrEqual(60);
    }
    await alice.hangup();
    await bob.waitEvent("ended");
  });
});
