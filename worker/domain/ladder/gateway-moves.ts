/** Moves of a call's legs between gateways, read from its log. */
import type { CallLogEntry } from "../calls/call-object-api.ts";
import type { LegWords } from "./event-words.ts";
import type { LadderMove } from "./ladder.ts";

/** `atMs` as in the log. */
export function gatewayMoves(
  log: readonly CallLogEntry[],
  wordsOf: (leg: string | undefined) => LegWords | undefined,
): readonly LadderMove[] {
  const moves: LadderMove[] = [];
  let lost: CallLogEntry | undefined;
  for (const entry of log) {
    if (entry.event === "gateway.lost") lost = entry;
    const { leg, gateway } = entry;
    if (leg === undefined) continue;
    const open = moves.findIndex((move) => move.leg === leg && move.state === "under-way");
    const move = open < 0 ? undefined : moves[open];
    if (entry.event === "leg.adopting" && move === undefined) moves.push(beginning(entry, leg, lost, wordsOf(leg)));
    else if (entry.event === "leg.adopting" && move !== undefined && gateway !== undefined)
      moves[open] = { ...move, to: gateway };
    else if (entry.event === "leg.adopted" && move !== undefined) moves[open] = finished(move, entry, wordsOf(leg));
    else if (entry.event === "leg.ended" && move !== undefined)
      moves[open] = {
        ...move,
        state: "failed",
        text: `${lossWords(move)} no other could take over ${whose(wordsOf(leg))}.`,
      };
  }
  return moves;
}

function beginning(
  entry: CallLogEntry,
  leg: string,
  lost: CallLogEntry | undefined,
  words: LegWords | undefined,
): LadderMove {
  const from = lost?.gateway;
  const move = {
    atMs: lost?.atMs ?? entry.atMs,
    leg,
    ...(from === undefined ? {} : { from }),
    ...(entry.gateway === undefined ? {} : { to: entry.gateway }),
    state: "under-way" as const,
  };
  return { ...move, text: `${lossWords(move)} ${entry.gateway ?? "another"} is taking over ${whose(words)}.` };
}

function finished(move: LadderMove, { gateway, detail }: CallLogEntry, words: LegWords | undefined): LadderMove {
  const tookMs = Number(/\bafter (\d+) ms/.exec(detail ?? "")?.[1] ?? Number.NaN);
  const after = Number.isNaN(tookMs) ? "" : ` after ${tookMs} ms`;
  const to = gateway ?? move.to;
  return {
    ...move,
    ...(to === undefined ? {} : { to }),
    ...(Number.isNaN(tookMs) ? {} : { tookMs }),
    state: "done",
    text: `${lossWords(move)} ${to ?? "another"} took over ${whose(words)}${after}.`,
  };
}

function lossWords({ from }: Pick<LadderMove, "from">): string {
  return from === undefined ? "A gateway was lost;" : `Gateway ${from} died;`;
}

function whose(words: LegWords | undefined): string {
  return words?.whose ?? "one side";
}
