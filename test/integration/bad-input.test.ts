/** Malformed SIP against the whole stack: the documented answer (docs/operations.md) or silence, a counter, and honest phones that notice nothing. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { expectHonestTraffic, WIRE_TRANSPORTS } from "../support/honest-traffic.ts";
import { Lab } from "../support/lab.ts";
import { RawSipClient } from "../support/raw-sip-client.ts";
import { openWire } from "../support/raw-wire.ts";
import type { Wire, WireTransport } from "../support/raw-wire.ts";
import { startStack } from "../support/stack.ts";
import type { Stack } from "../support/stack.ts";
import { gatewayCounters, leaksIn, processIds, readLogs, risen, workerCounters } from "../support/stack-watch.ts";
import type { Counters } from "../support/stack-watch.ts";
import { waitUntil } from "../support/wait-until.ts";

const FIXTURES = fileURLToPath(new URL("../fixtures/rfc4475/", import.meta.url));
const STREAMS: readonly WireTransport[] = ["tcp", "tls"];

const lab = new Lab();
let stack: Stack;
let processesAtStart: Readonly<Record<string, number | null>>;
const wires: Wire[] = [];
/** All that the stack said to any wire of this file. */
let heard = "";

beforeAll(async () => {
  stack = await lab.own(startStack());
  processesAtStart = await processIds(stack);
});
afterEach(async () => {
  heard += wires.map(({ received }) => received).join("\n");
  await Promise.all(wires.splice(0).map((wire) => wire.close()));
});
afterAll(() => lab.close());

async function wireOver(transport: WireTransport): Promise<Wire> {
  const wire = await openWire(stack, transport);
  wires.push(wire);
  return wire;
}

/** Statuses as they stand in what came, also of responses whose copied header fields nobody can parse. */
function statusesOn(wire: Wire): readonly number[] {
  return [...wire.received.matchAll(/^SIP\/2\.0 (\d{3})/gm)].map(([, status]) => Number(status));
}

function countersOf(transport: WireTransport): Promise<Counters> {
  return transport === "ws" ? workerCounters(stack) : gatewayCounters(stack);
}

interface Torture {
  readonly file: string;
  /** The final answer; 0 for silence. */
  readonly answer: number;
  /** Where streams or WebSockets differ: framing is by Content-Length there, or the bridge has another reason. */
  readonly stream?: number;
  /** The stream cannot be read any further. */
  readonly closes?: boolean;
  /** Of the gateway and of the bridge; what the parser refuses has one code for both. */
  readonly counter: string | readonly [gateway: string, bridge: string];
}

const CHALLENGED = ["digest_digest_missing_total", "bridge.challenged"] as const;
const OPTIONS_SERVED = ["sip_request_options_total", "bridge.request.options"] as const;
const STRAY_RESPONSE = ["sip_response_unmatched_total", "bridge.ignored"] as const;
const UNKNOWN_METHOD = ["sip_refused_501_total", "bridge.refused.501"] as const;
const NOT_OUR_CALLER = ["invite_refused_from_not_ours_total", "bridge.refused.403"] as const;
const NO_SUCH_ADDRESS = ["register_refused_404_total", "bridge.refused.404"] as const;

/** RFC 4475, every message. Accounts of this stack own no domain of the RFC, so requests that are fine end at a challenge. */
const TORTURES: readonly Torture[] = [
  { file: "wsinv", answer: 481, counter: ["sip_request_invite_total", "bridge.refused.481"] },
  { file: "intmeth", answer: 501, counter: UNKNOWN_METHOD },
  { file: "esc01", answer: 403, counter: NOT_OUR_CALLER },
  { file: "escnull", answer: 404, counter: NO_SUCH_ADDRESS },
  { file: "esc02", answer: 501, counter: UNKNOWN_METHOD },
  { file: "lwsdisp", answer: 200, counter: OPTIONS_SERVED },
  { file: "longreq", answer: 403, counter: NOT_OUR_CALLER },
  // On a stream the rest is the next request, and what follows that one cannot be framed.
  { file: "dblreq", answer: 401, closes: true, counter: CHALLENGED },
  { file: "semiuri", answer: 200, counter: OPTIONS_SERVED },
  { file: "transports", answer: 200, counter: OPTIONS_SERVED },
  { file: "mpart01", answer: 405, counter: ["sip_refused_405_total", "bridge.refused.405"] },
  { file: "unreason", answer: 0, counter: STRAY_RESPONSE },
  { file: "noreason", answer: 0, counter: STRAY_RESPONSE },
  { file: "badinv01", answer: 400, counter: "via-invalid" },
  { file: "clerr", answer: 400, stream: 0, counter: "content-length-mismatch" },
  { file: "ncl", answer: 400, closes: true, counter: "content-length-invalid" },
  { file: "scalar02", answer: 400, counter: "cseq-invalid" },
  { file: "scalarlg", answer: 0, counter: "cseq-invalid" },
  { file: "quotbal", answer: 400, counter: "to-invalid" },
  { file: "ltgtruri", answer: 400, counter: "request-uri-invalid" },
  { file: "lwsruri", answer: 400, counter: "start-line-invalid" },
  { file: "lwsstart", answer: 400, counter: "start-line-invalid" },
  { file: "trws", answer: 400, counter: "start-line-invalid" },
  { file: "escruri", answer: 400, counter: "request-uri-invalid" },
  { file: "baddate", answer: 407, counter: CHALLENGED },
  { file: "regbadct", answer: 400, counter: "contact-invalid" },
  { file: "badaspec", answer: 400, counter: "to-invalid" },
  { file: "baddn", answer: 400, counter: "from-invalid" },
  { file: "badvers", answer: 505, counter: "version-unsupported" },
  { file: "mismatch01", answer: 400, counter: "cseq-mismatch" },
  { file: "mismatch02", answer: 400, counter: "cseq-mismatch" },
  { file: "bigcode", answer: 0, counter: "start-line-invalid" },
  { file: "badbranch", answer: 200, counter: OPTIONS_SERVED },
  { file: "insuf", answer: 0, counter: "header-missing" },
  { file: "unkscm", answer: 416, counter: "uri-scheme-unsupported" },
  { file: "novelsc", answer: 416, counter: "uri-scheme-unsupported" },
  { file: "unksm2", answer: 404, counter: NO_SUCH_ADDRESS },
  { file: "bext01", answer: 420, counter: ["sip_refused_420_total", "bridge.refused.420"] },
  { file: "invut", answer: 407, counter: CHALLENGED },
  { file: "regaut01", answer: 401, counter: ["digest_digest_missing_total", "bridge.refused.digest-malformed"] },
  { file: "multi01", answer: 400, counter: "header-repeated" },
  { file: "mcl01", answer: 400, closes: true, counter: "header-repeated" },
  { file: "bcast", answer: 0, counter: STRAY_RESPONSE },
  { file: "zeromf", answer: 200, counter: OPTIONS_SERVED },
  { file: "cparam01", answer: 401, counter: CHALLENGED },
  { file: "cparam02", answer: 401, counter: CHALLENGED },
  { file: "regescrt", answer: 401, counter: CHALLENGED },
  { file: "sdp01", answer: 407, counter: CHALLENGED },
  // A client of RFC 2543 sends no Content-Length, which a stream cannot do without.
  { file: "inv2543", answer: 403, stream: 400, closes: true, counter: NOT_OUR_CALLER },
];

function counterOf({ counter }: Torture, transport: WireTransport): string {
  if (typeof counter !== "string") return counter[transport === "ws" ? 1 : 0];
  return transport === "ws" ? `bridge.malformed.${counter}` : `sip_malformed_${counter.replaceAll("-", "_")}_total`;
}

const isStream = (transport: WireTransport): boolean => STREAMS.includes(transport);

async function expectTorture(torture: Torture, transport: WireTransport): Promise<void> {
  const answer = isStream(transport) ? (torture.stream ?? torture.answer) : torture.answer;
  const closes = isStream(transport) && torture.closes === true;
  // The rest of a body that is announced longer than it is may still come: oversize-input.test.ts sees the wait end.
  const waitsForMore = torture.file === "clerr" && isStream(transport);
  const before = await countersOf(transport);
  const wire = await wireOver(transport);
  wire.send(readFileSync(`${FIXTURES}${torture.file}.dat`));
  if (closes) await wire.closed;
  else if (answer > 0) await waitUntil("its answer", () => statusesOn(wire).some((status) => status >= 200));
  // Whoever answers requests in order has had its time to answer the one before.
  else if (!waitsForMore) await sentinel(wire);
  const finals = statusesOn(wire).filter((status) => status >= 200);
  // The answer to what came before the unreadable part may be lost with the connection.
  if (torture.file !== "dblreq" || !closes) {
    const sentinels = waitsForMore ? [] : [200];
    expect(finals).toEqual(answer === 0 ? sentinels : [answer]);
  }
  if (waitsForMore) return;
  const name =
    torture.file === "inv2543" && isStream(transport)
      ? "sip_malformed_content_length_missing_total"
      : counterOf(torture, transport);
  expect(Object.keys(risen(before, await countersOf(transport)))).toContain(name);
}

async function sentinel(wire: Wire): Promise<void> {
  const client = new RawSipClient(wire, stack.user("alice"));
  expect((await client.ask("OPTIONS")).status).toBe(200);
}

describe("the torture messages of RFC 4475", () => {
  describe.each(WIRE_TRANSPORTS)("over %s", (transport) => {
    it.each(TORTURES)("$file gets its documented answer and a counter", (torture) => expectTorture(torture, transport));
  });

  it("leave honest phones and every process as they were", () => expectHonestTraffic(stack, processesAtStart));

  it("bring nothing to light that is a secret, to no peer and in no log", async () => {
    expect(await leaksIn(stack, heard)).toEqual([]);
    expect(await leaksIn(stack, await readLogs(stack))).toEqual([]);
  });
});
