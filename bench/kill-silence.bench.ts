/**
 * How long two phones hear nothing after SIGKILL to the gateway that carries both of them: the longest pause between
 * two packets at either receiver. Beside rtpengine that is killed in the same way, started again at once and takes its
 * calls back from Redis, under the same packets. Runs take turns.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { Lab } from "../test/support/lab.ts";
import { waitUntil } from "../test/support/wait-until.ts";
import { lessIsBetter } from "./bench-row.ts";
import type { BenchRow } from "./bench-row.ts";
import { startBenchStack } from "./support/bench-stack.ts";
import type { BenchStack } from "./support/bench-stack.ts";
import { missingNote, nameOf, REDIS, RTPENGINE } from "./support/debian-package.ts";
import { startRedis } from "./support/redis.ts";
import { RtpEndpoint } from "./support/rtp-endpoint.ts";
import { FIRST_RTP_PORT } from "./support/rtp-ports.ts";
import { Rtpengine } from "./support/rtpengine.ts";
import { SipPhone } from "./support/sip-phone.ts";
import type { Address } from "./support/sip-fields.ts";
import { percentile } from "./support/statistics.ts";

const RUNS = 20;
const LIMIT_MS = 90_000;
/** Both sides are heard for this long before the kill, and again after it. */
const STEADY_MS = 500;
/** Nothing heard for so long counts as this long, and the call as lost. */
const GIVE_UP_MS = 5_000;
const GATEWAY = "us-east";

interface Sides {
  readonly caller: RtpEndpoint;
  readonly callee: RtpEndpoint;
}

/** Waits until both hear each other again after the kill, and for a while longer. */
async function silenceAfter(sides: Sides, killedAt: number): Promise<number> {
  const both = Object.values(sides);
  // What was in the sockets' queues at the kill still comes; audio that is back goes on and on.
  const back = (): boolean => both.every((side) => side.receivedSince(performance.now() - STEADY_MS / 2) >= 12);
  await sleep(STEADY_MS);
  while (!back() && performance.now() - killedAt < GIVE_UP_MS) await sleep(20);
  await sleep(STEADY_MS);
  return Math.max(...both.map((side) => side.longestGapMs(killedAt)));
}

/** Kills, and answers with the longest silence; undefined when nothing had been heard before. */
async function measureKill(sides: Sides, kill: () => Promise<void>): Promise<number> {
  await waitUntil("audio both ways", () => Object.values(sides).every((side) => side.receivedSince(0) > 10), {
    timeoutMs: 5_000,
  });
  await sleep(STEADY_MS);
  const killedAt = performance.now();
  await kill();
  return await silenceAfter(sides, killedAt);
}

async function openSides(lab: Lab): Promise<Sides> {
  return { caller: await lab.own(RtpEndpoint.open()), callee: await lab.own(RtpEndpoint.open()) };
}

class OurRuns {
  readonly gaps: number[] = [];
  failed = 0;
  readonly #bench: BenchStack;
  readonly #sides: Sides;
  readonly #phones: readonly [caller: SipPhone, callee: SipPhone];

  static async open(lab: Lab): Promise<OurRuns> {
    const bench = await lab.own(startBenchStack({ users: 2 }));
    const sides = await openSides(lab);
    const open = async (index: number, side: RtpEndpoint): Promise<SipPhone> => {
      const user = bench.users[index];
      if (user === undefined) throw new Error("too few users");
      return await lab.own(SipPhone.open({ user, server: bench.stack.sip(GATEWAY), rtpPort: side.address.port }));
    };
    return new OurRuns(bench, sides, [await open(0, sides.caller), await open(1, sides.callee)]);
  }

  private constructor(bench: BenchStack, sides: Sides, phones: readonly [SipPhone, SipPhone]) {
    this.#bench = bench;
    this.#sides = sides;
    this.#phones = phones;
    phones[0].onReinvite = (audio) => (sides.caller.target = audio);
    phones[1].onReinvite = (audio) => (sides.callee.target = audio);
  }

  async run(): Promise<void> {
    const { stack } = this.#bench;
    const { caller, callee } = this.#sides;
    const [from, to] = this.#phones;
    // The gateway is another process each time, which knows no bindings yet.
    await from.register();
    await to.register();
    for (const side of [caller, callee]) {
      side.target = undefined;
      side.restart();
    }
    const call = await from.call("bench1");
    caller.target = call.audio;
    callee.target = to.audioOfCaller;
    let killed: { readonly pid: number } | undefined;
    const gap = await measureKill(this.#sides, async () => {
      killed = await stack.killGateway(GATEWAY);
    });
    this.gaps.push(gap);
    if (gap >= GIVE_UP_MS) this.failed += 1;
    await call.hangUp().catch(() => {});
    if (killed !== undefined) await stack.waitGatewayBack(GATEWAY, killed.pid);
    await this.#channelsOpen();
  }

  /** A gateway that is back answers SIP when its control channels are open. */
  async #channelsOpen(): Promise<void> {
    await waitUntil("the gateway is back", async () => {
      try {
        await this.#phones[0].register();
        return true;
      } catch {
        return false;
      }
    });
  }
}

class PeerRuns {
  readonly gaps: number[] = [];
  failed = 0;
  readonly #lab: Lab;
  readonly #sides: Sides;
  readonly #redis: Address;
  #rtpengine: Rtpengine;
  #runs = 0;

  static async open(lab: Lab): Promise<PeerRuns | undefined> {
    const redis = await startRedis();
    if (redis === undefined) return undefined;
    await lab.own(redis);
    const rtpengine = await Rtpengine.start({ ports: PORTS, redis: redis.address });
    if (rtpengine === undefined) return undefined;
    return new PeerRuns(lab, await openSides(lab), redis.address, await lab.own(rtpengine));
  }

  private constructor(lab: Lab, sides: Sides, redis: Address, rtpengine: Rtpengine) {
    this.#lab = lab;
    this.#sides = sides;
    this.#redis = redis;
    this.#rtpengine = rtpengine;
  }

  async run(): Promise<void> {
    const { caller, callee } = this.#sides;
    this.#runs += 1;
    for (const side of [caller, callee]) {
      side.target = undefined;
      side.restart();
    }
    const targets = await this.#rtpengine.relay(`call-${this.#runs}`, caller.address, callee.address);
    caller.target = targets.caller;
    callee.target = targets.callee;
    const gap = await measureKill(this.#sides, async () => {
      const { control } = this.#rtpengine;
      await this.#rtpengine.close();
      const again = await Rtpengine.start({ ports: PORTS, redis: this.#redis, control });
      if (again === undefined) throw new Error("rtpengine went away");
      this.#rtpengine = await this.#lab.own(again);
    });
    this.gaps.push(gap);
    if (gap >= GIVE_UP_MS) this.failed += 1;
  }
}

const PORTS = [FIRST_RTP_PORT, FIRST_RTP_PORT + 199] as const;

export async function run(): Promise<readonly BenchRow[]> {
  const lab = new Lab();
  try {
    const ours = await OurRuns.open(lab);
    const peer = await PeerRuns.open(lab);
    const startedAt = performance.now();
    for (let made = 0; made < RUNS && performance.now() - startedAt < LIMIT_MS; made++) {
      await ours.run();
      await peer?.run();
    }
    const note = `${ours.gaps.length} kills, ${ours.failed} calls lost (peer ${peer?.failed ?? 0}); both legs, both directions, packets of 20 ms`;
    const row = (unit: string, share: number): BenchRow =>
      lessIsBetter({
        name: "silence after kill -9 of the gateway, phones",
        unit,
        ours: percentile(ours.gaps, share),
        peer: peer && percentile(peer.gaps, share),
        peerName: `${nameOf(RTPENGINE)} + ${nameOf(REDIS)}, restarted`,
        note: missingNote(RTPENGINE, REDIS) ?? note,
      });
    return [row("ms median", 0.5), row("ms p95", 0.95), row("ms max", 1)];
  } finally {
    await lab.close();
  }
}
