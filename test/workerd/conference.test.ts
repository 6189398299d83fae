/** The number `conference` on workerd: Room object, Call objects and two gateways that only listen. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { CallCommand } from "../../protocol/call-messages.ts";
import type { CallToken, LegId } from "../../protocol/ids.ts";
import { ROOM_MEMBER_LIMIT } from "../../protocol/media.ts";
import { createAccount } from "./support/accounts.ts";
import type { TestAccount } from "./support/accounts.ts";
import { inviteReceived } from "./support/phone-invite.ts";
import { createGatewayKeys, createInstance, TestGateway } from "./support/test-gateway.ts";
import { startWorker } from "./support/worker.ts";
import type { TestWorker } from "./support/worker.ts";

let worker: TestWorker;
let account: TestAccount;
const keys = { "us-east": createGatewayKeys(), "eu-west": createGatewayKeys() };
const open: TestGateway[] = [];
let tests = 0;

beforeAll(async () => {
  // One channel, so that one socket is a whole gateway.
  worker = await startWorker({ channels: 1 });
  for (const [region, { publicKey }] of Object.entries(keys))
    await worker.operator("PUT", `/v1/operator/gateways/${region}`, { region, publicKey });
});
/** An account for each test: its rooms are its own. */
beforeEach(async () => {
  account = await createAccount(worker, `meeting${(tests += 1)}`);
});
afterEach(() => {
  for (const one of open.splice(0)) one.close();
});
afterAll(async () => {
  await worker.close();
});

async function start(gateway: keyof typeof keys): Promise<{ gateway: TestGateway; tickets: CallToken[] }> {
  const one = new TestGateway(worker.origin, { gateway, keys: keys[gateway], instance: createInstance() });
  open.push(one);
  const { tickets } = await one.hello();
  return { gateway: one, tickets: [...tickets] };
}

function told(gateway: TestGateway, call: CallToken): readonly CallCommand[] {
  return gateway.frames.flatMap((frame) =>
    frame.kind === "call-command" && frame.call === call ? [frame.command] : [],
  );
}

async function waitTold<Kind extends CallCommand["kind"]>(
  gateway: TestGateway,
  call: CallToken,
  kind: Kind,
): Promise<Extract<CallCommand, { kind: Kind }>> {
  const find = () => told(gateway, call).findLast((command) => command.kind === kind);
  await expect.poll(find, { timeout: 5_000 }).toBeDefined();
  return find() as Extract<CallCommand, { kind: Kind }>;
}

function dial({ gateway, tickets }: { gateway: TestGateway; tickets: CallToken[] }): CallToken {
  const call = tickets.shift()!;
  const event = inviteReceived(account, "alice", "conference");
  gateway.send({ kind: "call-events", call, ackCommand: 0, events: [{ seq: 1, epoch: 1, event }] });
  return call;
}

function hangUp(gateway: TestGateway, call: CallToken): void {
  const event = { kind: "leg-ended", leg: "a" as LegId, cause: "bye" } as const;
  gateway.send({ kind: "call-events", call, ackCommand: 0, events: [{ seq: 2, epoch: 1, event }] });
}

describe("a conference", () => {
  it("is mixed where the first member is; the second comes over the trunk, both ends of it in one stream", async () => {
    const [east, west] = [await start("us-east"), await start("eu-west")];
    const first = dial(east);
    expect(await waitTold(east.gateway, first, "join-leg")).toMatchObject({ join: { kind: "room" } });
    expect(told(east.gateway, first).map(({ kind }) => kind)).toEqual(["answer-leg", "join-leg"]);
    // A Room object that slept knows what it knew.
    await worker.evict("ROOM", `room/${account.sid}/demo`, "close");

    const second = dial(west);
    const { join } = await waitTold(west.gateway, second, "join-leg");
    const { port } = await waitTold(east.gateway, second, "open-room-port");
    expect(join).toMatchObject({ kind: "trunk", gateway: "us-east", stream: port.trunk.stream });
    expect(port).toMatchObject({ room: `${account.sid}/demo`, codec: "PCMU", trunk: { gateway: "eu-west" } });

    hangUp(west.gateway, second);
    await waitTold(east.gateway, second, "close-room-port");
  });

  it("meets at the other gateway when a new run of its own says that the old one is dead", async () => {
    const [east, west] = [await start("us-east"), await start("eu-west")];
    const first = dial(east);
    await waitTold(east.gateway, first, "join-leg");
    const second = dial(west);
    await waitTold(east.gateway, second, "open-room-port");
    east.gateway.kill();
    const again = await start("us-east");
    // Both calls had a part there, one of them without a leg.
    const everywhere = () =>
      [again.gateway, west.gateway].flatMap((gateway) => [first, second].flatMap((call) => told(gateway, call)));
    await expect
      .poll(() => everywhere().filter(({ kind }) => kind === "open-room-port" || kind === "join-leg").length, {
        timeout: 5_000,
      })
      .toBeGreaterThanOrEqual(4);
    // Wherever it is now: the members that are not there have a port there, by the same name.
    const [ports, rooms] = [
      everywhere().flatMap((command) => (command.kind === "open-room-port" ? [command.port.room] : [])),
      everywhere().flatMap((command) =>
        command.kind === "join-leg" && command.join.kind === "room" ? [command.join.room] : [],
      ),
    ];
    expect(new Set([...ports, ...rooms])).toEqual(new Set([`${account.sid}/demo`]));
    expect(rooms.length).toBeGreaterThan(0);
  });

  it("has places for twenty; the next is refused with 486, and let in when somebody has left", async () => {
    const east = await start("us-east");
    const calls = Array.from({ length: ROOM_MEMBER_LIMIT }, () => dial(east));
    for (const call of calls) await waitTold(east.gateway, call, "join-leg");
    expect(await waitTold(east.gateway, dial(east), "reject-leg")).toMatchObject({ status: 486 });
    hangUp(east.gateway, calls[0]!);
    await expect
      .poll(
        async () => {
          const call = dial(east);
          await expect.poll(() => told(east.gateway, call).length, { timeout: 2_000 }).toBeGreaterThan(0);
          return told(east.gateway, call)[0]?.kind;
        },
        { timeout: 8_000, interval: 200 },
      )
      .toBe("answer-leg");
  });
});
