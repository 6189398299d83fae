/**
 * CPU time that the media plane spends on one relayed packet (one receive, one send, header rewritten), beside a bare
 * forwarder on node:dgram in the same run. The generator is a process of its own; rounds go through all relays in turn.
 */
import { type ChildProcess, fork } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { randomBytes } from "node:crypto";
import { fileURLToPath } from "node:url";
import { type BenchRow, lessIsBetter } from "./bench-row.ts";
import type { GeneratorAnswer, GeneratorCommand, SrtpOptions } from "./relay-generator.ts";
import type { SubjectAnswer, SubjectCommand } from "./relay-subject.ts";

const CALLS = 100;
const PACKETS_PER_SECOND = 50;
const ROUND_MS = 2_000;
const ROUNDS = 3;
/** What the media plane is built for: the budget of a relayed packet. */
const GOAL_MICROSECONDS = 20;

/** RTP ranges of the relays: the stacks of the tests end below, their media planes begin at 30,000. */
const FIRST_RTP_PORT = 27_600;

const SUBJECTS = ["bare", "rtp", "cm", "gcm"] as const;
type Subject = (typeof SUBJECTS)[number];

interface Figure {
  microseconds: number;
  lost: number;
  delayMs: number;
}

class Worker<Command, Answer extends { readonly kind: string }> {
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

/** One relay with its generator; both live as long as the benchmark, so that every round meets warm code. */
class RelayRig {
  readonly #generator = new Worker<GeneratorCommand, GeneratorAnswer>("./relay-generator.ts");
  readonly #subject = new Worker<SubjectCommand, SubjectAnswer>("./relay-subject.ts");
  readonly #srtp: Record<number, SrtpOptions> = {};
  #targets: readonly { readonly host: string; readonly port: number }[] = [];

  async start(subject: Subject, place: number): Promise<void> {
    const { ports } = await this.#generator.ask({ kind: "open", streams: CALLS * 2 }, "opened");
    const first = FIRST_RTP_PORT + place * CALLS * 4;
    const rtpPorts = [first, first + CALLS * 4 - 1] as const;
    const srtp = subject === "cm" || subject === "gcm" ? srtpOptions(subject) : undefined;
    const command: SubjectCommand =
      subject === "bare"
        ? { kind: "bare", ports }
        : { kind: "relay", ports, srtp, rtpPorts, trunkPort: await freeUdpPort() };
    this.#targets = (await this.#subject.ask(command, "ready")).targets;
    if (srtp !== undefined) for (let index = 0; index < ports.length; index += 2) this.#srtp[index] = srtp;
  }

  async round(ms: number): Promise<Figure> {
    const before = await this.#subject.ask({ kind: "cpu" }, "cpu");
    const run = await this.#generator.ask(
      { kind: "run", targets: this.#targets, srtp: this.#srtp, packetsPerSecond: PACKETS_PER_SECOND, ms },
      "ran",
    );
    const after = await this.#subject.ask({ kind: "cpu" }, "cpu");
    return {
      microseconds: (after.microseconds - before.microseconds) / run.received,
      lost: run.sent - run.received,
      delayMs: run.delaysMs.toSorted((a, b) => a - b)[Math.floor(run.delaysMs.length * 0.99)] ?? Infinity,
    };
  }

  close(): void {
    this.#generator.close();
    this.#subject.close();
  }
}

async function freeUdpPort(): Promise<number> {
  const socket = createSocket("udp4").bind(0, "127.0.0.1");
  await once(socket, "listening");
  const { port } = socket.address();
  socket.close();
  return port;
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

async function measureAll(): Promise<Record<Subject, Figure>> {
  const rigs = new Map<Subject, RelayRig>(SUBJECTS.map((subject) => [subject, new RelayRig()]));
  const figure = (): Figure => ({ microseconds: Infinity, lost: 0, delayMs: Infinity });
  const best: Record<Subject, Figure> = { bare: figure(), rtp: figure(), cm: figure(), gcm: figure() };
  try {
    for (const [place, subject] of SUBJECTS.entries()) await rigs.get(subject)?.start(subject, place);
    for (let round = 0; round <= ROUNDS; round++) {
      for (const [subject, rig] of rigs) {
        const { microseconds, lost, delayMs } = await rig.round(round === 0 ? 500 : ROUND_MS);
        if (round === 0) continue;
        best[subject].microseconds = Math.min(best[subject].microseconds, microseconds);
        best[subject].delayMs = Math.min(best[subject].delayMs, delayMs);
        best[subject].lost += lost;
      }
    }
  } finally {
    for (const rig of rigs.values()) rig.close();
  }
  return best;
}

export async function run(): Promise<readonly BenchRow[]> {
  const best = await measureAll();
  const row = (subject: Exclude<Subject, "bare">, name: string): BenchRow => {
    const { microseconds, lost, delayMs } = best[subject];
    const note = `CPU time of the relay, least of ${ROUNDS} rounds; ${CALLS} calls, ${lost} lost, p99 delay ${delayMs.toFixed(2)} ms (bare ${best.bare.delayMs.toFixed(2)} ms)`;
    return lessIsBetter({
      name,
      unit: "us",
      ours: microseconds,
      peer: best.bare.microseconds,
      peerName: "bare node:dgram forwarder",
      note,
    });
  };
  const rtp = row("rtp", "relay an RTP packet to RTP");
  return [
    rtp,
    {
      name: rtp.name,
      unit: "us",
      ours: rtp.ours,
      peer: GOAL_MICROSECONDS,
      peerName: "goal",
      ratio: GOAL_MICROSECONDS / rtp.ours,
      goal: 1,
    },
    row("cm", "relay SRTP (AES-CM, HMAC-SHA1) to RTP and back"),
    row("gcm", "relay SRTP (AES-GCM) to RTP and back"),
  ];
}

if (import.meta.main) {
  for (const { name, ours, peer, peerName, note } of await run()) {
    console.log(`${name}: ${ours.toFixed(1)} us, ${peerName} ${peer?.toFixed(1)} us; ${note ?? ""}`);
  }
}
