/** A ladder in ASCII: a column for each party, a line for each message and event, as RFCs draw call flows. */
import type { Ladder, LadderEntry, LadderEventEntry, LadderMessageEntry, LadderPartyId } from "./ladder.ts";

/** From bar to bar. */
const STEP = 19;
const TIME = 10;

/** `startedAt`: the moment of the first INVITE, written for people. */
export function ladderText(ladder: Ladder, startedAt: string): string {
  const severalCallees = ladder.legs.filter(({ side }) => side === "callee").length > 1;
  return [
    ...heading(ladder, startedAt),
    "",
    columnHeads(ladder, ({ id, name, kind }) => (kind === "gateway" ? id.replace("-gateway", "'s") : name)),
    columnHeads(ladder, ({ kind }) => (kind === "worker" ? "" : kind === "gateway" ? "gateway" : `(${kind})`)),
    columnHeads(ladder, ({ name, kind }) => (kind === "gateway" ? ascii(name) : "")),
    bars(ladder, "", new Map()),
    ...ladder.entries.map((entry) => entryLine(ladder, entry, severalCallees)),
    ...(ladder.omittedMessages === 0 ? [] : ["", `${ladder.omittedMessages} messages were left out.`]),
    ...routingLines(ladder),
    ...mediaLines(ladder),
    "",
  ]
    .map((line) => line.trimEnd())
    .join("\n");
}

function heading({ sid, from, to, status, outcome, isLive }: Ladder, startedAt: string): readonly string[] {
  return [
    `Call ${sid}`,
    `${from} calls ${to}, ${startedAt}`,
    `${isLive ? "now" : "ended"}: ${status}. ${outcome}`,
    "Times in seconds since the first INVITE.",
  ];
}

type Party = Ladder["parties"][number];

function columnHeads({ parties }: Ladder, text: (party: Party) => string): string {
  let line = " ".repeat(TIME);
  for (const [index, party] of parties.entries()) {
    const word = ascii(text(party)).slice(0, STEP - 2);
    const start = TIME + index * STEP - Math.floor(word.length / 2);
    line = line.padEnd(Math.max(start, line.length)).concat(word);
  }
  return line;
}

/** The bars of all parties, with other marks at some places. */
function bars({ parties }: Ladder, time: string, marks: ReadonlyMap<number, string>): string {
  let line = time.padStart(TIME - 2).padEnd(TIME);
  for (const index of parties.keys()) line = `${line.padEnd(TIME + index * STEP)}${marks.get(index) ?? "|"}`;
  return line;
}

function entryLine(ladder: Ladder, entry: LadderEntry, severalCallees: boolean): string {
  const time = (entry.atMs / 1_000).toFixed(3);
  if (entry.kind !== "message") return eventLine(ladder, entry, time);
  const leg = severalCallees && entry.leg !== "a" ? [entry.leg] : [];
  return messageLine(ladder, entry, time, leg);
}

function eventLine(ladder: Ladder, entry: LadderEventEntry, time: string): string {
  const text = ascii(entry.text);
  if (entry.kind === "move") return `${time.padStart(TIME - 2)}  == ${text}`.replace(/\.$/, " ==");
  const column = columnOf(ladder, entry.party);
  return `${bars(ladder, time, new Map([[column, "*"]]))}  ${text}`;
}

function messageLine(ladder: Ladder, entry: LadderMessageEntry, time: string, leg: readonly string[]): string {
  const [from, to] = [columnOf(ladder, entry.from), columnOf(ladder, entry.to)];
  const [left, right] = [Math.min(from, to), Math.max(from, to)];
  const plain = bars(ladder, time, new Map());
  const room = (right - left) * STEP - 1;
  const label = wholeWords(ascii(entry.label), room - 3);
  const dashes = room - label.length - 1;
  const before = Math.floor(dashes / 2);
  const body = "-".repeat(before) + label + "-".repeat(dashes - before);
  const arrow = from < to ? `${body}>` : `<${body}`;
  const start = TIME + left * STEP + 1;
  const line = plain.slice(0, start) + arrow + plain.slice(start + arrow.length);
  const notes = [...leg, ...notesOf(entry)];
  return notes.length === 0 ? line : `${line}  ${notes.join("; ")}`;
}

function wholeWords(text: string, room: number): string {
  if (text.length <= room) return text;
  const end = text.lastIndexOf(" ", room);
  return text.slice(0, end < 0 ? room : end);
}

function notesOf({ sdp, repeat, via, cseq, method, cause }: LadderMessageEntry): readonly string[] {
  return [
    `${via} ${cseq} ${method}`,
    ...(repeat ? ["again"] : []),
    ...(sdp === undefined ? [] : [`SDP ${sdp.codecs.join(" ")} ${sdp.direction}`]),
    ...(cause === undefined ? [] : [`cause ${cause}`]),
  ];
}

function columnOf({ parties }: Ladder, id: LadderPartyId): number {
  return Math.max(
    0,
    parties.findIndex((party) => party.id === id),
  );
}

function routingLines({ routing }: Ladder): readonly string[] {
  return routing.flatMap(decisionLines);
}

function decisionLines(routing: Ladder["routing"][number]): readonly string[] {
  return [
    "",
    `Routing (${routing.policy}): ${ascii(routing.sentence)}`,
    ...routing.candidates.map(
      ({ device, gateway, verdict, crossings, rttMs, distanceKm, reason }) =>
        `  ${ascii(device)} by ${gateway ?? "-"}: ${verdict}; crossings ${crossings}, ${rttMs} ms, ${distanceKm} km; ${ascii(reason)}`,
    ),
  ];
}

function mediaLines({ legs }: Ladder): readonly string[] {
  const lines = legs.map(({ leg, identity, kind, transport, gateway, region, codec, statistics }) => {
    const { packetsReceived, packetsSent } = statistics ?? {};
    const packets = packetsReceived === undefined ? "" : `; packets in ${packetsReceived}, out ${packetsSent ?? 0}`;
    return `  ${leg}: ${ascii(identity)}, ${kind} over ${transport ?? "-"}; ${gateway ?? "no gateway"} (${region ?? "-"}); ${codec ?? "no codec"}${packets}`;
  });
  return ["", "Legs", ...lines];
}

/** Terminals and logs of any kind show it. */
function ascii(text: string): string {
  return text
    .replaceAll("→", ">")
    .replaceAll(/[“”]/g, '"')
    .replaceAll(/[^\x20-\x7e]/g, "?");
}
