/** A relay of audio with phones around it: how much CPU time it spends on each packet that comes through. */
import { fork } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { randomBytes } from "node:crypto";
import { fileURLToPath } from "node:url";
import { freePort } from "../../test/support/free-port.ts";
import { startCpuMeter } from "./process-cpu.ts";
import type { GeneratorAnswer, GeneratorCommand, SrtpOptions } from "./relay-generator.ts";
import type { SubjectAnswer, SubjectCommand } from "./relay-subject.ts";
import { FIRST_RTP_PORT } from "./rtp-ports.ts";
import { Rtpengine } from "./rtpengine.ts";
import type { Address } from "./sip-fields.ts";

const PACKETS_PER_SECOND = 50;

export const SUBJECTS = ["bare", "rtp", "trunk", "cm", "gcm", "rtpengine"] as const;
/** `trunk`: two gateways, of which each packet passes both. `cm`, `gcm`: SRTP on the caller's side. */
export type Subject = (typeof SUBJECTS)[number];

export interface RelayRound {
  readonly microseconds: number;
  readonly lost: number;
  readonly delayP99Ms: number;
}

class Helper<Command, Answer extends { readonly kind: string }> {
  readonly #process: ChildProcess;

  constructor(file: string) {
    this.#process = fork(fileURLToPath(new URL(file, import.meta.url)));
  }

  async ask<Kind extends Answer["kind"]>(
    command: Command & object,
    kind: Kind,
  ): Promise<Answer & { readonly kind: Kind }> {
    this.#process.send(command);
    const [answer]: [Answer] = (await once(this.#process, "message")) as never;
    if (answer.kind !== kind) throw new Error(`expected ${kind}, got ${answer.kind}`);
    return answer as Answer & { readonly kind: Kind };
  }

  close(): void {
    this.#process.kill("SIGKILL");
  }
}

type Relay = Helper<SubjectCommand, SubjectAnswer>;

/** One relay with its generator; both live as long as the rig, so that every round meets warm code. */
export class RelayRig {
  readonly #calls: number;
  readonly #generator = new Helper<GeneratorCommand, GeneratorAnswer>("./relay-generator.ts");
  readonly #relays: Relay[] = [];
  readonly #srtp: Record<number, SrtpOptions> = {};
  #rtpengine: Rtpengine | undefined;
  #targets: readonly Address[] = [];

  constructor(calls: number) {
    this.#calls = calls;
  }

  /** `false` where the relay is not installed. */
  async start(subject: Subject): Promise<boolean> {
    const { ports } = await this.#generator.ask({ kind: "open", streams: this.#calls * 2 }, "opened");
    const targets = await this.#open(subject, ports);
    if (targets === undefined) return false;
    this.#targets = targets;
    return true;
  }

  async round(ms: number): Promise<RelayRound> {
    const meter = startCpuMeter(this.#rtpengine === undefined ? {} : { rtpengine: this.#rtpengine.pid });
    const before = await this.#usedByRelays();
    const run = await this.#generator.ask(
      { kind: "run", targets: this.#targets, srtp: this.#srtp, packetsPerSecond: PACKETS_PER_SECOND, ms },
      "ran",
    );
    const used = (await this.#usedByRelays()) - before + (meter()["rtpengine"] ?? 0) * 1000;
    return {
      microseconds: used / run.received,
      lost: run.sent - run.received,
      delayP99Ms: run.delaysMs.toSorted((a, b) => a - b)[Math.floor(run.delaysMs.length * 0.99)] ?? Infinity,
    };
  }

  async close(): Promise<void> {
    this.#generator.close();
    for (const relay of this.#relays) relay.close();
    await this.#rtpengine?.close();
  }

  async #usedByRelays(): Promise<number> {
    let sum = 0;
    for (const relay of this.#relays) sum += (await relay.ask({ kind: "cpu" }, "cpu")).microseconds;
    return sum;
  }

  async #open(subject: Subject, ports: readonly number[]): Promise<readonly Address[] | undefined> {
    switch (subject) {
      case "rtpengine":
        return await this.#openRtpengine(ports);
      case "trunk":
        return await this.#openTrunk(ports);
      case "bare":
        return (await this.#newRelay().ask({ kind: "bare", ports }, "ready")).targets;
      case "rtp":
      case "cm":
      case "gcm": {
        const srtp = subject === "rtp" ? undefined : srtpOptions(subject);
        if (srtp !== undefined) for (let index = 0; index < ports.length; index += 2) this.#srtp[index] = srtp;
        const command = {
          kind: "relay",
          ports,
          srtp,
          rtpPorts: takeRtpPorts(ports.length),
          trunkPort: await freePort(),
        } as const;
        return (await this.#newRelay().ask(command, "ready")).targets;
      }
    }
  }

  async #openRtpengine(ports: readonly number[]): Promise<readonly Address[] | undefined> {
    this.#rtpengine = await Rtpengine.start({ ports: takeRtpPorts(ports.length) });
    if (this.#rtpengine === undefined) return undefined;
    const targets: Address[] = [];
    for (let index = 0; index < ports.length; index += 2) {
      const [caller, callee] = [addressOf(ports[index]), addressOf(ports[index + 1])];
      const relayed = await this.#rtpengine.relay(`bench-${index}`, caller, callee);
      targets.push(relayed.caller, relayed.callee);
    }
    return targets;
  }

  /** Callers at one gateway, callees at the other. */
  async #openTrunk(ports: readonly number[]): Promise<readonly Address[]> {
    const trunkPorts = { a: await freePort(), b1: await freePort() };
    const open = async (side: "a" | "b1"): Promise<readonly Address[]> => {
      const own = ports.filter((_, index) => index % 2 === (side === "a" ? 0 : 1));
      const command = {
        kind: "trunk",
        side,
        ports: own,
        rtpPorts: takeRtpPorts(own.length),
        trunkPort: trunkPorts[side],
        peerTrunkPort: trunkPorts[side === "a" ? "b1" : "a"],
      } as const;
      return (await this.#newRelay().ask(command, "ready")).targets;
    };
    const [callers, callees] = [await open("a"), await open("b1")];
    return callers.flatMap((caller, index) => [caller, callees[index] ?? caller]);
  }

  #newRelay(): Relay {
    const relay: Relay = new Helper("./relay-subject.ts");
    this.#relays.push(relay);
    return relay;
  }
}

let nextRtpPort = FIRST_RTP_PORT;
/** The media planes of the tests begin here. */
const LAST_RTP_PORT = 29_999;

/** Two ports for each leg, and as many again so that a few taken ones do not matter. Ranges come round again when all are used. */
function takeRtpPorts(legs: number): readonly [number, number] {
  const count = legs * 2 + 16;
  if (nextRtpPort + count > LAST_RTP_PORT) nextRtpPort = FIRST_RTP_PORT;
  const first = nextRtpPort;
  nextRtpPort += count;
  return [first, first + count - 1];
}

function addressOf(port: number | undefined): Address {
  return { host: "127.0.0.1", port: port ?? 0 };
}

function srtpOptions(subject: "cm" | "gcm"): SrtpOptions {
  const saltBytes = subject === "gcm" ? 12 : 14;
  const master = (): { key: string; salt: string } => ({
    key: randomBytes(16).toString("base64"),
    salt: randomBytes(saltBytes).toString("base64"),
  });
  return {
    profile: subject === "gcm" ? "SRTP_AEAD_AES_128_GCM" : "SRTP_AES128_CM_HMAC_SHA1_80",
    send: master(),
    receive: master(),
  };
}
