/** What the browser measures of a call's sound, in the words of the page. */

export interface CallFigures {
  readonly codec: string | undefined;
  /** Browser to gateway and back. */
  readonly roundTripMs: number | undefined;
  readonly jitterMs: number | undefined;
  /** Of the packets since the figures before, 0 to 1. */
  readonly lossShare: number | undefined;
  readonly packetsReceived: number;
  readonly packetsLost: number;
  readonly packetsSent: number;
}

type Report = Readonly<Record<string, unknown>>;

/** `before`: the figures of the last time, for what happened between. */
export function readCallFigures(reports: readonly Report[], before: CallFigures | undefined): CallFigures {
  const named = (id: unknown): Report | undefined => reports.find((report) => report["id"] === id);
  const inbound = reports.find((report) => report["type"] === "inbound-rtp" && report["kind"] === "audio");
  const outbound = reports.find((report) => report["type"] === "outbound-rtp" && report["kind"] === "audio");
  const transport = reports.find((report) => report["type"] === "transport");
  const pair =
    named(transport?.["selectedCandidatePairId"]) ??
    reports.find((report) => report["type"] === "candidate-pair" && report["nominated"] === true);
  const codec = named(inbound?.["codecId"] ?? outbound?.["codecId"]);
  const packetsReceived = figure(inbound?.["packetsReceived"]) ?? 0;
  const packetsLost = Math.max(0, figure(inbound?.["packetsLost"]) ?? 0);
  return {
    codec: codecName(codec?.["mimeType"]),
    roundTripMs: milliseconds(pair?.["currentRoundTripTime"]),
    jitterMs: milliseconds(inbound?.["jitter"]),
    lossShare: lossShare(packetsReceived, packetsLost, before),
    packetsReceived,
    packetsLost,
    packetsSent: figure(outbound?.["packetsSent"]) ?? 0,
  };
}

export type Quality = "excellent" | "good" | "fair" | "poor";

/** Where people begin to notice: half of ITU-T G.114's 400 ms there and back, and the loss that concealment hides. */
export function qualityOf(figures: CallFigures): Quality | undefined {
  const { roundTripMs, jitterMs = 0, lossShare = 0 } = figures;
  if (roundTripMs === undefined || figures.packetsReceived === 0) return undefined;
  if (lossShare > 0.08 || roundTripMs > 500 || jitterMs > 100) return "poor";
  if (lossShare > 0.03 || roundTripMs > 250 || jitterMs > 50) return "fair";
  return lossShare > 0.01 || roundTripMs > 120 || jitterMs > 25 ? "good" : "excellent";
}

/** Figures below a millisecond are the clock's, not the network's. */
export function millisecondsText(value: number | undefined): string {
  if (value === undefined) return "–";
  return value < 1 ? "< 1 ms" : `${Math.round(value)} ms`;
}

/** As people know them. */
function codecName(mimeType: unknown): string | undefined {
  if (typeof mimeType !== "string") return undefined;
  const name = mimeType.replace(/^audio\//i, "");
  const known: Readonly<Record<string, string>> = {
    pcmu: "G.711 µ-law",
    pcma: "G.711 A-law",
    opus: "Opus",
    g722: "G.722",
  };
  return known[name.toLowerCase()] ?? name;
}

function lossShare(received: number, lost: number, before: CallFigures | undefined): number | undefined {
  const newlyLost = Math.max(0, lost - (before?.packetsLost ?? 0));
  const expected = received - (before?.packetsReceived ?? 0) + newlyLost;
  return expected <= 0 ? undefined : newlyLost / expected;
}

function figure(value: unknown): number | undefined {
  return typeof value === "number" && Number.isFinite(value) ? value : undefined;
}

function milliseconds(seconds: unknown): number | undefined {
  const value = figure(seconds);
  return value === undefined ? undefined : value * 1_000;
}
