import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { CallEvent } from "../../protocol/call-messages.ts";
import type { CallToken } from "../../protocol/ids.ts";
import { createAccount } from "./support/accounts.ts";
import type { TestAccount } from "./support/accounts.ts";
import { inviteReceived } from "./support/phone-invite.ts";
import { createGatewayKeys, createInstance, TestGateway } from "./support/test-gateway.ts";
import { startWorker } from "./support/worker.ts";
import type { TestWorker } from "./support/worker.ts";

let worker: TestWorker;
let demo: TestAccount;
const keys = createGatewayKeys();
const open: TestGateway[] = [];

beforeAll(async () => {
  worker = await startWorker({ channels: 1 });
  demo = await createAccount(worker, "demo");
  await worker.operator("PUT", "/v1/operator/gateways/us-east", { region: "us-east", publicKey: keys.publicKey });
});

afterEach(() => {
  for (const one of open.splice(0)) one.close();
});

afterAll(async () => {
  await worker.close();
});

async function connect(): Promise<{ readonly gateway: TestGateway; readonly tickets: readonly CallToken[] }> {
  const gateway = new TestGateway(worker.origin, { gateway: "us-east", keys, instance: createInstance() });
  open.push(gateway);
  return { gateway, tickets: (await gateway.hello()).tickets };
}

function tell(gateway: TestGateway, call: CallToken, event: CallEvent): void {
  gateway.send({ kind: "call-events", call, ackCommand: 0, events: [{ seq: 1, epoch: 1, event }] });
}

/** The first command of this call; a gateway may be asked to adopt legs of others at any time. */
async function firstCommand(gateway: TestGateway, of: CallToken): Promise<string> {
  for (;;) {
    const { seq, command, call } = await gateway.next("call-command");
    if (call === of && seq === 1) return command.kind;
  }
}

/** The Call object trips over it each time: an enrolled gateway vouches for what its events hold. */
const POISON = { kind: "invite-received", leg: "a" } as CallEvent;

describe("calls that share a channel", () => {
  it("go on while the Call object of one of them fails for good", async () => {
    const { gateway, tickets } = await connect();
    const [broken, sound] = tickets as readonly [CallToken, CallToken];
    tell(gateway, broken, POISON);
    const failures = (): number => worker.logs().filter(({ event }) => event === "control.events-stuck").length;
    await expect.poll(failures, { timeout: 8_000 }).toBeGreaterThan(3);
    tell(gateway, sound, inviteReceived(demo, "alice", "echo"));
    expect(await firstCommand(gateway, sound)).toBe("answer-leg");
    expect(gateway.closed).toBeUndefined();
  });

  it("hear a stray request each for itself, and nobody hears of a tag that was never sealed", async () => {
    const { gateway, tickets } = await connect();
    const call = tickets[0]!;
    tell(gateway, call, inviteReceived(demo, "alice", "echo"));
    const command = await firstCommand(gateway, call);
    // Asked, a Call object sends again what is not acknowledged.
    gateway.send({ kind: "stray-request", call, leg: "a", method: "BYE" });
    expect(await firstCommand(gateway, call)).toBe(command);
    gateway.send({ kind: "stray-request", call: "A".repeat(90), leg: "a", method: "BYE" });
    expect((await gateway.next("call-gone")).call).toBe("A".repeat(90));
  });
});
