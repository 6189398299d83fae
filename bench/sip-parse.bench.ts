/**
 * SIP parsing and serialising beside two widely used JavaScript stacks, in one process on one message.
 * Figures are CPU time, the least of several rounds: other load on the machine only ever adds.
 */
import { createRequire } from "node:module";
import { Parser } from "../node_modules/sip.js/lib/core/messages/parser.js";
import { OutgoingRequestMessage } from "../node_modules/sip.js/lib/core/messages/outgoing-request-message.js";
import { URI } from "../node_modules/sip.js/lib/grammar/uri.js";
import { parseSipMessage } from "../sip/message/parser.ts";
import { serializeSipMessage } from "../sip/message/serializer.ts";
import type { SipMessage } from "../sip/message/sip-message.ts";
import { callIdOf, contactsOf, cseqOf, fromOf, maxForwardsOf, topVia, toOf } from "../sip/message/typed-headers.ts";
import type { BenchRow } from "./bench-row.ts";

const SDP = [
  "v=0",
  "o=alice 3905012345 3905012346 IN IP4 192.0.2.17",
  "s=-",
  "c=IN IP4 192.0.2.17",
  "t=0 0",
  "m=audio 49170 RTP/AVP 0 8 9 96 101",
  "a=rtpmap:0 PCMU/8000",
  "a=rtpmap:8 PCMA/8000",
  "a=rtpmap:9 G722/8000",
  "a=rtpmap:96 opus/48000/2",
  "a=fmtp:96 useinbandfec=1",
  "a=rtpmap:101 telephone-event/8000",
  "a=fmtp:101 0-16",
  "a=ptime:20",
  "a=sendrecv",
  "",
].join("\r\n");

const INVITE = [
  "INVITE sip:+442079460123@gateway.eu-west.example.net;transport=udp SIP/2.0",
  "Via: SIP/2.0/UDP 192.0.2.17:5060;branch=z9hG4bK-524287-1---5c8a6b1f2d3e4f50;rport",
  "Via: SIP/2.0/TCP proxy.example.com:5060;branch=z9hG4bK87asdks7;received=198.51.100.7",
  "Max-Forwards: 69",
  "Record-Route: <sip:proxy.example.com;lr;ftag=9fxced76sl>",
  'Contact: <sip:alice@192.0.2.17:5060;transport=udp>;+sip.instance="<urn:uuid:00000000-0000-1000-8000-000A95A0E128>"',
  'To: "Bob Example" <sip:+442079460123@gateway.eu-west.example.net>',
  'From: "Alice Example" <sip:alice@example.com>;tag=9fxced76sl',
  "Call-ID: 3848276298220188511@192.0.2.17",
  "CSeq: 31862 INVITE",
  "Allow: INVITE, ACK, CANCEL, BYE, NOTIFY, REFER, MESSAGE, OPTIONS, INFO, SUBSCRIBE, UPDATE",
  "Supported: replaces, outbound, timer, 100rel",
  "Session-Expires: 1800;refresher=uac",
  "Min-SE: 90",
  "User-Agent: ExamplePhone/4.11.2 (build 20250131; arm64)",
  "P-Asserted-Identity: <sip:alice@example.com>",
  "Accept: application/sdp, message/sipfrag",
  "Content-Type: application/sdp",
  `Content-Length: ${SDP.length}`,
  "",
  SDP,
].join("\r\n");

const encoder = new TextEncoder();
const OCTETS = encoder.encode(INVITE);
const ROUNDS = 7;

const require = createRequire(import.meta.url);
const jssip: { parseMessage(data: string, ua: unknown): unknown } = require("jssip/lib/Parser.js");
const silent = { warn: () => undefined, error: () => undefined, log: () => undefined, debug: () => undefined };

/** Keeps results alive, so that no work can be optimised away. */
let sink: unknown;

function parsed(): SipMessage {
  const outcome = parseSipMessage(OCTETS);
  if (!outcome.ok) throw new Error(outcome.problem.code);
  return outcome.message;
}

/** What a gateway looks at to route an INVITE. */
function readRoutingHeaders(message: SipMessage): unknown {
  return [
    topVia(message),
    fromOf(message),
    toOf(message),
    callIdOf(message),
    cseqOf(message),
    contactsOf(message),
    maxForwardsOf(message),
  ];
}

/** A request with the same header fields, as sip.js builds it. */
function createPeerRequest(): OutgoingRequestMessage {
  const own = new Set(["via", "max-forwards", "to", "from", "call-id", "cseq", "content-type", "content-length"]);
  const lines = INVITE.slice(0, INVITE.indexOf("\r\n\r\n")).split("\r\n").slice(1);
  const extra = lines.filter((line) => !own.has(line.slice(0, line.indexOf(":")).toLowerCase()));
  const uri = (user: string, host: string): URI => new URI("sip", user, host);
  const request = new OutgoingRequestMessage(
    "INVITE",
    uri("+442079460123", "gateway.eu-west.example.net"),
    uri("alice", "example.com"),
    uri("+442079460123", "gateway.eu-west.example.net"),
    {},
    extra,
    { body: SDP, contentType: "application/sdp" } as never,
  );
  request.setViaHeader("z9hG4bK-524287-1---5c8a6b1f2d3e4f50", "UDP");
  return request;
}

interface Work {
  readonly run: () => unknown;
  readonly timesARound: number;
}

const MESSAGE = parsed();
const PEER_REQUEST = createPeerRequest();

const WORK = {
  parse: { run: () => readRoutingHeaders(parsed()), timesARound: 20_000 },
  parseOnly: { run: parsed, timesARound: 20_000 },
  sipJsParse: { run: () => Parser.parseMessage(INVITE, silent as never), timesARound: 500 },
  jssipParse: { run: () => jssip.parseMessage(INVITE, {}), timesARound: 2_000 },
  serialize: { run: () => serializeSipMessage(MESSAGE), timesARound: 20_000 },
  sipJsSerialize: { run: () => encoder.encode(PEER_REQUEST.toString()), timesARound: 20_000 },
} satisfies Record<string, Work>;

type Figures = Record<keyof typeof WORK, number>;

/** Microseconds of CPU for one run of the work. */
function measure({ run, timesARound }: Work): number {
  const before = process.cpuUsage();
  for (let i = 0; i < timesARound; i++) sink = run();
  const { user, system } = process.cpuUsage(before);
  if (sink === undefined) throw new Error("the work did nothing");
  return (user + system) / timesARound;
}

/** Rounds go through all work in turn, so that a busy moment of the machine hits none of it alone. The first only warms up. */
function measureAll(): Figures {
  const best: Figures = {
    parse: Infinity,
    parseOnly: Infinity,
    sipJsParse: Infinity,
    jssipParse: Infinity,
    serialize: Infinity,
    sipJsSerialize: Infinity,
  };
  for (let round = 0; round <= ROUNDS; round++) {
    for (const name of Object.keys(WORK) as (keyof typeof WORK)[]) {
      const microseconds = measure(WORK[name]);
      if (round > 0) best[name] = Math.min(best[name], microseconds);
    }
  }
  return best;
}

export async function run(): Promise<readonly BenchRow[]> {
  const best = measureAll();
  const name = `parse an INVITE of ${OCTETS.length} octets`;
  const note = `CPU time, least of ${ROUNDS} rounds; ours: octets, checked, typed routing headers (without them ${best.parseOnly.toFixed(1)} us); peer: string`;
  return [
    {
      name,
      unit: "us",
      ours: best.parse,
      peer: best.jssipParse,
      peerName: "jssip 3.13.8",
      ratio: best.jssipParse / best.parse,
      goal: 5,
      note,
    },
    {
      name,
      unit: "us",
      ours: best.parse,
      peer: best.sipJsParse,
      peerName: "sip.js 0.21.2",
      ratio: best.sipJsParse / best.parse,
      goal: 5,
      note,
    },
    {
      name: "serialise it",
      unit: "us",
      ours: best.serialize,
      peer: best.sipJsSerialize,
      peerName: "sip.js 0.21.2",
      ratio: best.sipJsSerialize / best.serialize,
      note: "both to octets; ours checks for line ends in values and counts the body",
    },
  ];
}

if (import.meta.main) {
  for (const { name, ours, peer = NaN, peerName, ratio = NaN } of await run()) {
    console.log(`${name}: ${ours.toFixed(2)} us, ${peerName} ${peer.toFixed(2)} us, ${ratio.toFixed(1)}x`);
  }
}
