/**
 * How long a caller waits: from its first INVITE, which is challenged, to 180 and to 200, for one call at a time. The
 * same phones call through Kamailio as registrar and proxy, which keeps no call and touches no audio, and through
 * Kamailio with rtpengine, which anchors audio as we do. Nothing is subtracted; calls take turns on a shared machine.
 */
import { lessIsBetter } from "./bench-row.ts";
import type { BenchRow } from "./bench-row.ts";
import { Lab } from "../test/support/lab.ts";
import { startBenchStack } from "./support/bench-stack.ts";
import type { BenchUser } from "./support/bench-stack.ts";
import { KAMAILIO, missingNote, nameOf, RTPENGINE } from "./support/debian-package.ts";
import { startKamailio } from "./support/kamailio.ts";
import { FIRST_RTP_PORT } from "./support/rtp-ports.ts";
import { Rtpengine } from "./support/rtpengine.ts";
import { SipPhone } from "./support/sip-phone.ts";
import type { Address } from "./support/sip-fields.ts";
import { percentile } from "./support/statistics.ts";

const CALLS = 120;
const WARM_UP_CALLS = 20;

interface Path {
  readonly caller: SipPhone;
  readonly callee: string;
  readonly ringing: number[];
  readonly answered: number[];
}

type PathName = "ours" | "oursFar" | "kamailio" | "anchored";

async function phone(lab: Lab, user: BenchUser | undefined, server: Address): Promise<SipPhone> {
  if (user === undefined) throw new Error("too few users");
  const opened = await lab.own(SipPhone.open({ user, server }));
  await opened.register();
  return opened;
}

async function openPaths(lab: Lab): Promise<Partial<Record<PathName, Path>>> {
  const { stack, users } = await lab.own(startBenchStack({ users: 3 }));
  const here = stack.sip("us-east");
  const caller = await phone(lab, users[0], here);
  await phone(lab, users[1], here);
  await phone(lab, users[2], stack.sip("eu-west"));
  const path = (from: SipPhone, callee: string): Path => ({ caller: from, callee, ringing: [], answered: [] });
  const paths: Partial<Record<PathName, Path>> = { ours: path(caller, "bench1"), oursFar: path(caller, "bench2") };
  const rtpengine = await Rtpengine.start({ ports: [FIRST_RTP_PORT, FIRST_RTP_PORT + 199] });
  if (rtpengine !== undefined) await lab.own(rtpengine);
  for (const [name, media] of [["kamailio", undefined] as const, ["anchored", rtpengine?.control] as const]) {
    if (name === "anchored" && media === undefined) continue;
    const kamailio = await startKamailio({ rtpengine: media });
    if (kamailio === undefined) continue;
    await lab.own(kamailio);
    const peerCaller = await phone(lab, kamailio.user(0), kamailio.server);
    await phone(lab, kamailio.user(1), kamailio.server);
    paths[name] = path(peerCaller, "bench1");
  }
  return paths;
}

async function measure(paths: readonly Path[]): Promise<void> {
  for (let made = 0; made < WARM_UP_CALLS + CALLS; made++) {
    for (const { caller, callee, ringing, answered } of paths) {
      const call = await caller.call(callee);
      await call.hangUp();
      if (made < WARM_UP_CALLS) continue;
      ringing.push(call.ringingMs);
      answered.push(call.answeredMs);
    }
  }
}

export async function run(): Promise<readonly BenchRow[]> {
  const lab = new Lab();
  try {
    const paths = await openPaths(lab);
    await measure(Object.values(paths));
    const rows: BenchRow[] = [];
    const add = (
      ours: "ours" | "oursFar",
      peer: "kamailio" | "anchored",
      to: "ringing" | "answered",
      share: number,
    ): void => {
      const figures = (name: PathName): number | undefined => {
        const values = paths[name]?.[to];
        return values === undefined ? undefined : percentile(values, share);
      };
      const peers = peer === "kamailio" ? [KAMAILIO] : [KAMAILIO, RTPENGINE];
      rows.push(
        lessIsBetter({
          name: `INVITE to ${to === "ringing" ? "180" : "200"}, ${ours === "ours" ? "one gateway" : "two regions"}`,
          unit: `ms p${share * 100}`,
          ours: figures(ours) ?? NaN,
          peer: figures(peer),
          peerName: peers.map(nameOf).join(" + "),
          note: missingNote(...peers) ?? `${CALLS} calls in turn; the peer stores no call`,
        }),
      );
    };
    for (const ours of ["ours", "oursFar"] as const) {
      for (const to of ["ringing", "answered"] as const) {
        for (const share of [0.5, 0.99]) add(ours, "kamailio", to, share);
      }
    }
    add("ours", "anchored", "answered", 0.5);
    return rows;
  } finally {
    await lab.close();
  }
}
