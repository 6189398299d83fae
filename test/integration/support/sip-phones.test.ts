/** The drivers of real SIP phones, each against another real phone: what end-to-end tests stand on. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { startBaresip } from "../../support/baresip.ts";
import { Lab } from "../../support/lab.ts";
import { startLinphone } from "../../support/linphone.ts";
import { startSipDouble } from "../../support/sip-double.ts";
import { registerScenario, runSipp, startSipp } from "../../support/sipp.ts";
import { longestSilenceMs, spectrumShare } from "../../support/tone.ts";

let lab: Lab;
beforeEach(() => {
  lab = new Lab();
});
afterEach(() => lab.close());

const DOMAIN = "demo.example";
const PASSWORDS = { alice: "correct-horse", bob: "battery-staple" } as const;

/** Long enough for a second of audio on both sides. */
function audioOf(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

describe("baresip", () => {
  it("registers with the password that it was given, and not with another", async () => {
    const registrar = await lab.own(startSipDouble(PASSWORDS));
    const gateway = { host: "127.0.0.1", port: registrar.udpPort };
    const alice = await lab.own(
      startBaresip({ identity: "alice", domain: DOMAIN, password: "correct-horse", gateway }),
    );
    await alice.waitRegistered();
    expect(registrar.received.at(-1)).toMatch(/^REGISTER sip:demo\.example[ ;][\s\S]*Contact: .*127\.0\.0\.1/);
    const bob = await lab.own(startBaresip({ identity: "bob", domain: DOMAIN, password: "wrong", gateway }));
    await expect(bob.waitRegistered({ timeoutMs: 1_000 })).rejects.toThrow("no line matches");
  });

  it("calls another, both hear the other's tone, and a frozen phone leaves a silence of its length", async () => {
    const alice = await lab.own(startBaresip({ identity: "alice", domain: "127.0.0.1", toneFrequency: 700 }));
    const bob = await lab.own(startBaresip({ identity: "bob", domain: "127.0.0.1", toneFrequency: 1_100 }));
    await alice.dial(`sip:bob@127.0.0.1:${bob.port}`);
    await bob.waitIncoming();
    await bob.answer();
    await alice.waitEstablished();
    await audioOf(1_000);
    bob.process.signal("SIGSTOP");
    await audioOf(400);
    bob.process.signal("SIGCONT");
    await audioOf(600);
    const heard = await alice.receivedInRealTime();
    await alice.hangup();
    await bob.waitClosed();
    const [toAlice, toBob] = [await alice.received(), await bob.received()];
    expect(spectrumShare(toAlice.samples, toAlice.rate, 1_100)).toBeGreaterThan(0.95);
    expect(spectrumShare(toBob.samples, toBob.rate, 700)).toBeGreaterThan(0.95);
    // The packets that were not sent are missing without a trace; only the clock knows of them.
    expect(longestSilenceMs(toAlice.samples, toAlice.rate, 1_100)).toBeLessThanOrEqual(20);
    const silence = longestSilenceMs(heard.samples, heard.rate, 1_100);
    expect(silence).toBeGreaterThan(300);
    expect(silence).toBeLessThan(500);
  });

  it("tells why a call was refused", async () => {
    const alice = await lab.own(startBaresip({ identity: "alice", domain: "127.0.0.1" }));
    const bob = await lab.own(startBaresip({ identity: "bob", domain: "127.0.0.1" }));
    await alice.dial(`sip:bob@127.0.0.1:${bob.port}`);
    await bob.waitIncoming();
    await bob.hangup();
    expect((await alice.waitClosed()).param).toMatch(/486|603|Busy|Declined/);
  });

  it("is gone at once when it is killed", async () => {
    const alice = await lab.own(startBaresip({ identity: "alice", domain: "127.0.0.1" }));
    alice.kill();
    expect(await alice.process.ended).toBe("SIGKILL");
    await expect(alice.dial("sip:bob@127.0.0.1")).rejects.toThrow(/gone|closed/);
  });
});

describe("SIPp", () => {
  it("answers baresip and echoes its tone", async () => {
    const echo = await lab.own(startSipp({ scenario: "uas", rtpEcho: true, calls: 1 }));
    const alice = await lab.own(startBaresip({ identity: "alice", domain: "127.0.0.1", toneFrequency: 700 }));
    await alice.dial(`sip:service@127.0.0.1:${echo.port}`);
    await alice.waitEstablished();
    await audioOf(1_000);
    await alice.hangup();
    expect(await echo.outcome()).toMatchObject({ errors: "", messages: expect.stringContaining("BYE sip:") });
    const { samples, rate } = await alice.received();
    expect(spectrumShare(samples, rate, 700)).toBeGreaterThan(0.95);
  });

  it("registers through a challenge and exits with 0, or with 1 when the password is wrong", async () => {
    const registrar = await lab.own(startSipDouble(PASSWORDS));
    const target = { host: "127.0.0.1", port: registrar.udpPort };
    const register = (password: string) =>
      runSipp({
        scenario: registerScenario({ identity: "alice", domain: DOMAIN, password }),
        target,
        calls: 1,
        timeoutSeconds: 5,
      });
    expect(await register("correct-horse")).toMatchObject({ exitCode: 0, errors: "" });
    expect(await register("wrong")).toMatchObject({ exitCode: 1, errors: expect.stringContaining("401") });
  });

  it("calls with its own scenario and counts what deviates", async () => {
    const answering = await lab.own(startSipp({ scenario: "uas", calls: 3 }));
    const outcome = await runSipp({
      scenario: "uac",
      target: { host: "127.0.0.1", port: answering.port },
      calls: 3,
      rate: 10,
    });
    expect(outcome.exitCode).toBe(0);
    expect((await answering.outcome()).exitCode).toBe(0);
  });
});

describe("linphonec", () => {
  it("registers", async () => {
    const registrar = await lab.own(startSipDouble(PASSWORDS));
    const phone = await lab.own(
      startLinphone({
        identity: "bob",
        domain: DOMAIN,
        password: "battery-staple",
        gateway: { host: "127.0.0.1", port: registrar.udpPort },
      }),
    );
    await phone.waitRegistered();
    expect(registrar.received.at(-1)).toMatch(/^REGISTER sip:demo\.example[ ;][\s\S]*Contact: .*127\.0\.0\.1/);
  });

  it("calls, answers and hears", async () => {
    const alice = await lab.own(
      startBaresip({ identity: "alice", domain: "127.0.0.1", toneFrequency: 700, autoAnswer: true }),
    );
    const bob = await lab.own(startLinphone({ identity: "bob", domain: "127.0.0.1", toneFrequency: 900 }));
    bob.dial(`sip:alice@127.0.0.1:${alice.port}`);
    await bob.waitEstablished();
    await audioOf(1_500);
    bob.hangup();
    await alice.waitClosed();
    const toAlice = await alice.received();
    const toBob = await bob.received();
    expect(spectrumShare(toAlice.samples, toAlice.rate, 900, { from: 300 })).toBeGreaterThan(0.9);
    expect(spectrumShare(toBob.samples, toBob.rate, 700, { from: 300 })).toBeGreaterThan(0.9);

    const mark = bob.mark();
    await alice.dial(`sip:bob@127.0.0.1:${bob.port}`);
    await bob.waitIncoming({ from: mark });
    bob.answer();
    await alice.waitEstablished({ from: alice.events.length - 1 });
    await alice.hangup();
    await bob.waitEnded({ from: mark });
  });
});
