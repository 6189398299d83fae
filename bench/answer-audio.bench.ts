/**
 * From the answer to audio both ways. Phones: from the callee's 200 to the first packet that each side got of the other,
 * beside Kamailio with rtpengine under the same phones. A browser that is called: from its user's answer until both sides
 * hear the other's tone, jitter buffer and playout of Chromium included. One call at a time.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { launchChromium } from "../test/support/browser/chromium.ts";
import type { BrowserPhone } from "../test/support/browser/browser-phone.ts";
import { Lab } from "../test/support/lab.ts";
import { toneStartMs } from "../test/support/tone.ts";
import { waitUntil } from "../test/support/wait-until.ts";
import { lessIsBetter } from "./bench-row.ts";
import type { BenchRow } from "./bench-row.ts";
import { startBenchStack } from "./support/bench-stack.ts";
import type { BenchUser } from "./support/bench-stack.ts";
import { KAMAILIO, missingNote, nameOf, RTPENGINE } from "./support/debian-package.ts";
import { startKamailio } from "./support/kamailio.ts";
import { ENDPOINT_TONE_HZ, RtpEndpoint } from "./support/rtp-endpoint.ts";
import { FIRST_RTP_PORT } from "./support/rtp-ports.ts";
import { Rtpengine } from "./support/rtpengine.ts";
import { SipPhone } from "./support/sip-phone.ts";
import type { Address } from "./support/sip-fields.ts";
import { percentile } from "./support/statistics.ts";

const CALLS = 60;
const WARM_UP_CALLS = 5;
const BROWSER_CALLS = 12;
const GOAL_MS = { phone: 40, browser: 150 };

/** Two phones of one server, and how long each of their calls took. */
interface Pair {
  readonly caller: SipPhone;
  readonly callee: string;
  readonly sides: readonly [caller: RtpEndpoint, callee: RtpEndpoint];
  readonly times: number[];
  answeredAt: number;
}

async function openPair(lab: Lab, users: readonly (BenchUser | undefined)[], server: Address): Promise<Pair> {
  const [from, to] = users;
  if (from === undefined || to === undefined) throw new Error("too few users");
  const sides = [await lab.own(RtpEndpoint.open()), await lab.own(RtpEndpoint.open())] as const;
  const open = async (user: BenchUser, side: RtpEndpoint): Promise<SipPhone> => {
    const opened = await lab.own(SipPhone.open({ user, server, rtpPort: side.address.port }));
    await opened.register();
    return opened;
  };
  const pair: Pair = { caller: await open(from, sides[0]), callee: to.identity, sides, times: [], answeredAt: 0 };
  const callee = await open(to, sides[1]);
  callee.onCall = (audio) => {
    pair.answeredAt = performance.now();
    sides[1].target = audio;
  };
  return pair;
}

async function measurePair(pair: Pair): Promise<number> {
  for (const side of pair.sides) {
    side.target = undefined;
    side.restart();
  }
  const call = await pair.caller.call(pair.callee);
  pair.sides[0].target = call.audio;
  const heard = await waitUntil("audio both ways", () => {
    const [one, other] = pair.sides.map(({ firstArrivalMs }) => firstArrivalMs);
    return one !== undefined && other !== undefined && Math.max(one, other);
  });
  await call.hangUp();
  return heard - pair.answeredAt;
}

async function measureBrowser(browser: BrowserPhone, phone: SipPhone, side: RtpEndpoint): Promise<number> {
  side.target = undefined;
  side.restart();
  const from = await browser.mark();
  const calling = phone.call("alice");
  await browser.waitEvent("incoming", { from });
  const answeredAt = performance.now();
  const answeredWallMs = Date.now();
  await browser.answer();
  const call = await calling;
  side.target = call.audio;
  const phoneHears = await waitUntil("the phone hears the browser", () => side.firstArrivalMs);
  await sleep(800);
  const { samples, rate, startedAtMs } = await browser.received();
  const since = answeredWallMs - startedAtMs;
  const skip = Math.max(0, Math.round((since * rate) / 1_000));
  const toneMs = toneStartMs(samples.subarray(skip), rate, ENDPOINT_TONE_HZ);
  if (toneMs === undefined) throw new Error("the browser never heard the phone");
  await call.hangUp();
  return Math.max(phoneHears - answeredAt, toneMs + Math.min(0, -since));
}

export async function run(): Promise<readonly BenchRow[]> {
  const lab = new Lab();
  try {
    const { stack, users } = await lab.own(startBenchStack({ users: 3 }));
    const ours = await openPair(lab, users, stack.sip("us-east"));
    const peer = await openPeer(lab);
    const pairs = peer === undefined ? [ours] : [ours, peer];
    for (let made = 0; made < WARM_UP_CALLS + CALLS; made++) {
      for (const pair of pairs) {
        const ms = await measurePair(pair);
        if (made >= WARM_UP_CALLS) pair.times.push(ms);
      }
    }
    const browserTimes = await measureBrowsers(lab, stack, users[2]);
    const peers = { peerName: [KAMAILIO, RTPENGINE].map(nameOf).join(" + ") };
    const note = missingNote(KAMAILIO, RTPENGINE) ?? `${CALLS} calls in turn; packets of 20 ms`;
    const goal = { peerName: "goal", goal: 1 };
    return [
      ...[0.5, 0.99].map((share) =>
        lessIsBetter({
          ...peers,
          name: "answer to audio both ways, phones at one gateway",
          unit: `ms p${share * 100}`,
          ours: percentile(ours.times, share),
          peer: peer && percentile(peer.times, share),
          note,
        }),
      ),
      lessIsBetter({
        ...goal,
        name: "answer to audio both ways, phones at one gateway",
        unit: "ms p50",
        ours: percentile(ours.times, 0.5),
        peer: GOAL_MS.phone,
      }),
      lessIsBetter({
        ...goal,
        name: "answer to audio both ways, a browser that a phone calls",
        unit: "ms p50",
        ours: percentile(browserTimes, 0.5),
        peer: GOAL_MS.browser,
        note: `${BROWSER_CALLS} calls; as played by Chromium, its jitter buffer included`,
      }),
    ];
  } finally {
    await lab.close();
  }
}

async function openPeer(lab: Lab): Promise<Pair | undefined> {
  const rtpengine = await Rtpengine.start({ ports: [FIRST_RTP_PORT, FIRST_RTP_PORT + 199] });
  if (rtpengine === undefined) return undefined;
  await lab.own(rtpengine);
  const kamailio = await startKamailio({ rtpengine: rtpengine.control });
  if (kamailio === undefined) return undefined;
  await lab.own(kamailio);
  return await openPair(lab, [kamailio.user(0), kamailio.user(1)], kamailio.server);
}

async function measureBrowsers(
  lab: Lab,
  stack: Awaited<ReturnType<typeof startBenchStack>>["stack"],
  user: BenchUser | undefined,
): Promise<readonly number[]> {
  if (user === undefined) throw new Error("too few users");
  const side = await lab.own(RtpEndpoint.open({ tone: true }));
  const server = stack.sip("us-east");
  const phone = await lab.own(SipPhone.open({ user, server, rtpPort: side.address.port }));
  const browser = await lab.own(launchChromium({ toneFrequency: 700 }));
  await phone.register();
  await browser.start({ library: "sip.js", server: stack.webSocket("us-east"), ...stack.user("alice") });
  await browser.register();
  const times: number[] = [];
  for (let made = 0; made <= BROWSER_CALLS; made++) {
    const ms = await measureBrowser(browser, phone, side);
    // The first one opens Chromium's audio.
    if (made > 0) times.push(ms);
    await sleep(200);
  }
  return times;
}
