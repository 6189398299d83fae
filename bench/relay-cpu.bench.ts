/**
 * CPU time that the media plane spends on one relayed packet (one receive, one send, header rewritten), beside
 * rtpengine in user space and a bare forwarder on node:dgram under the same packets. The generator is a process of its
 * own; rounds go through all relays in turn, and the least of them counts: other load on the machine only ever adds.
 */
import { lessIsBetter } from "./bench-row.ts";
import type { BenchRow } from "./bench-row.ts";
import { missingNote, nameOf, RTPENGINE } from "./support/debian-package.ts";
import { RelayRig } from "./support/relay-rig.ts";
import type { RelayRound, Subject } from "./support/relay-rig.ts";

const ROUND_MS = 2_000;
const WARM_UP_MS = 500;
const ROUNDS = 3;
/** What the media plane is built for: the budget of a relayed packet. */
const GOAL_MICROSECONDS = 20;

/** All of one size take turns, so that a busy moment hits none of them alone. */
const SIZES: readonly { readonly calls: number; readonly subjects: readonly Subject[] }[] = [
  { calls: 50, subjects: ["bare", "rtp", "rtpengine"] },
  { calls: 100, subjects: ["bare", "rtp", "trunk", "rtpengine"] },
  // By themselves: an adopted leg without ICE ends after the 30 s of RFC 7675.
  { calls: 100, subjects: ["cm", "gcm", "rtpengine"] },
];

type Figures = ReadonlyMap<Subject, RelayRound>;

async function measure(calls: number, subjects: readonly Subject[]): Promise<Figures> {
  const rigs = new Map<Subject, RelayRig>();
  const best = new Map<Subject, RelayRound>();
  try {
    for (const subject of subjects) {
      const rig = new RelayRig(calls);
      if (await rig.start(subject)) rigs.set(subject, rig);
      else await rig.close();
    }
    for (let round = 0; round <= ROUNDS; round++) {
      for (const [subject, rig] of rigs) {
        const figure = await rig.round(round === 0 ? WARM_UP_MS : ROUND_MS);
        if (round > 0) best.set(subject, better(best.get(subject), figure));
      }
    }
  } finally {
    for (const rig of rigs.values()) await rig.close();
  }
  return best;
}

function better(best: RelayRound | undefined, figure: RelayRound): RelayRound {
  if (best === undefined) return figure;
  return {
    microseconds: Math.min(best.microseconds, figure.microseconds),
    delayP99Ms: Math.min(best.delayP99Ms, figure.delayP99Ms),
    lost: best.lost + figure.lost,
  };
}

const NAMES: Readonly<Record<Exclude<Subject, "bare" | "rtpengine">, string>> = {
  rtp: "relay an RTP packet to RTP",
  trunk: "relay it over the trunk, both gateways together",
  cm: "relay SRTP (AES-CM, HMAC-SHA1) to RTP and back",
  gcm: "relay SRTP (AES-GCM) to RTP and back",
};

function rowsOf(calls: number, figures: Figures): readonly BenchRow[] {
  const rows: BenchRow[] = [];
  const [bare, rtpengine] = [figures.get("bare"), figures.get("rtpengine")];
  for (const subject of ["rtp", "trunk", "cm", "gcm"] as const) {
    const ours = figures.get(subject);
    if (ours === undefined) continue;
    const row = { name: `${NAMES[subject]}, ${calls} calls`, unit: "us", ours: ours.microseconds };
    const theirs = rtpengine === undefined ? "" : ` (rtpengine ${rtpengine.delayP99Ms.toFixed(2)} ms)`;
    const delays = `p99 delay ${ours.delayP99Ms.toFixed(2)} ms${theirs}`;
    const note = `CPU of the relay, least of ${ROUNDS} rounds; ${ours.lost} lost; ${delays}`;
    const missing = missingNote(RTPENGINE);
    const what = subject === "rtp" ? "" : "; the peer relays RTP to RTP";
    rows.push(
      lessIsBetter({
        ...row,
        peer: rtpengine?.microseconds,
        peerName: `${nameOf(RTPENGINE)} userspace`,
        note: `${missing ?? note}${what}`,
      }),
    );
    if (bare !== undefined)
      rows.push(lessIsBetter({ ...row, peer: bare.microseconds, peerName: "bare node:dgram forwarder" }));
    if (subject === "rtp") rows.push(lessIsBetter({ ...row, peer: GOAL_MICROSECONDS, peerName: "goal", goal: 1 }));
  }
  return rows;
}

export async function run(): Promise<readonly BenchRow[]> {
  const rows: BenchRow[] = [];
  for (const { calls, subjects } of SIZES) rows.push(...rowsOf(calls, await measure(calls, subjects)));
  return rows;
}
