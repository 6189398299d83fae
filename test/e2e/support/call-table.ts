/**
 * Who calls whom, and how it goes: every pair of clients with every course of a call, as cells. A cell runs, or says why it
 * cannot. Transfer, forwarding, do not disturb, early media and touch tones come as further courses.
 */

export const CLIENTS = ["sip.js", "jssip", "phone-udp", "phone-tcp", "phone-tls", "linphone"] as const;
export type ClientKind = (typeof CLIENTS)[number];

export const NUMBERS = ["echo", "music", "conference"] as const;
export type NumberName = (typeof NUMBERS)[number];

/** The caller is at `us-east`; the callee there too, or at `eu-west`. A number is where its caller is. */
export const PLACES = ["same-region", "across-regions"] as const;
export type Place = (typeof PLACES)[number];

export interface Pair {
  readonly caller: ClientKind;
  readonly callee: ClientKind | NumberName;
  readonly place: Place;
}

export const PAIRS: readonly Pair[] = CLIENTS.flatMap((caller) => [
  ...CLIENTS.flatMap((callee) => PLACES.map((place) => ({ caller, callee, place }))),
  ...NUMBERS.map((callee) => ({ caller, callee, place: "same-region" as const })),
]);

export type CourseName =
  | "caller-hangs-up"
  | "callee-hangs-up"
  | "hold-and-resume"
  | "two-calls"
  | "ring-all"
  | "two-answers"
  | "cancel"
  | "decline"
  | "busy"
  | "no-answer"
  | "unknown"
  | "not-registered"
  | "gateways-failed";

interface Course {
  readonly title: string;
  /** Nobody is connected at its end. */
  readonly bad: boolean;
  /** Why a pair cannot take it. */
  cannot(pair: Pair): string | undefined;
}

const BROWSERS: ReadonlySet<string> = new Set<ClientKind>(["sip.js", "jssip"]);

export function isNumber(callee: Pair["callee"]): callee is NumberName {
  return (NUMBERS as readonly string[]).includes(callee);
}

export function isBrowser(kind: Pair["callee"]): boolean {
  return BROWSERS.has(kind);
}

function numbersCannot({ callee }: Pair): string | undefined {
  return isNumber(callee) ? "a number answers at once and stays until its caller hangs up" : undefined;
}

/** There is no callee, so each caller takes the course once: in the row of its own kind. */
function once({ caller, callee, place }: Pair): string | undefined {
  if (caller === callee && place === "same-region") return undefined;
  return "nobody is called: the row of the caller's own kind in one region has it";
}

function noDecline(pair: Pair): string | undefined {
  if (pair.callee === "phone-tcp" || pair.callee === "phone-tls")
    return "baresip has no command for 603, and SIPp, which is scripted in its place, is registered over UDP only";
  return numbersCannot(pair);
}

function noBusy(pair: Pair): string | undefined {
  if (pair.callee === "linphone") return "linphonec has no command for 486: what it declines, it declines with 603";
  return numbersCannot(pair);
}

function noTwoAnswers(pair: Pair): string | undefined {
  if (pair.callee === "phone-udp") return undefined;
  return (
    numbersCannot(pair) ?? "only SIPp answers within the millisecond that it is rung in, and it is registered over UDP"
  );
}

function noFailure(pair: Pair): string | undefined {
  const { caller, callee, place } = pair;
  if (callee === "phone-udp" || callee === "linphone")
    return "a phone on open UDP is rung through another gateway: phone-outliving.test.ts kills its own";
  if (isBrowser(callee)) {
    return isBrowser(caller)
      ? undefined
      : "a browser's media needs any gateway at all: when all are gone, a phone has none to call through";
  }
  return place === "same-region"
    ? (numbersCannot(pair) ?? "the gateway that fails is the caller's own: its call cannot begin")
    : undefined;
}

export const COURSES: Readonly<Record<CourseName, Course>> = {
  "caller-hangs-up": { title: "talk until the caller hangs up", bad: false, cannot: () => undefined },
  "callee-hangs-up": { title: "talk until the callee hangs up", bad: false, cannot: numbersCannot },
  "hold-and-resume": {
    title: "each holds the other for a while, and they talk on",
    bad: false,
    cannot: numbersCannot,
  },
  "two-calls": { title: "the caller holds for a second call, and swaps", bad: false, cannot: numbersCannot },
  "ring-all": {
    title: "another device of the callee answers, and the first is told so",
    bad: false,
    cannot: numbersCannot,
  },
  "two-answers": { title: "two devices answer within 5 ms, and exactly one stays", bad: false, cannot: noTwoAnswers },
  cancel: { title: "the caller gives up while it rings", bad: true, cannot: numbersCannot },
  decline: { title: "the callee declines (603)", bad: true, cannot: noDecline },
  busy: { title: "the callee is busy (486)", bad: true, cannot: noBusy },
  unknown: { title: "the account has no such user (404)", bad: true, cannot: once },
  "not-registered": { title: "the callee is not registered (480)", bad: true, cannot: once },
  // A minute, in which the transactions of those before it run out.
  "no-answer": { title: "nobody answers in time (408)", bad: true, cannot: numbersCannot },
  "gateways-failed": { title: "no gateway reaches the callee (503, Retry-After)", bad: true, cannot: noFailure },
};

export interface Cell {
  readonly course: CourseName;
  readonly pair: Pair;
  readonly reason: string | undefined;
}

export const CELLS: readonly Cell[] = (Object.keys(COURSES) as CourseName[]).flatMap((course) =>
  PAIRS.map((pair) => ({ course, pair, reason: COURSES[course].cannot(pair) })),
);

export function nameOf({ course, pair }: Cell): string {
  const where = isNumber(pair.callee) ? "" : pair.place === "same-region" ? " in one region" : " across regions";
  return `${pair.caller} to ${pair.callee}${where}: ${COURSES[course].title}`;
}

/** What a cell shows of its course: that it works for this caller, this callee, this place. */
function aspects({ caller, callee, place }: Pair): readonly string[] {
  return [`${caller} calls`, `${callee} is called`, place];
}

/**
 * The cells that every run takes. Each pair has one talk, its two ends taking turns; each other course meets every caller,
 * every callee and every place that it can, in as few cells as a greedy choice needs. Always the same ones.
 */
export function selectCells(cells: readonly Cell[]): readonly Cell[] {
  const runnable = cells.filter(({ reason }) => reason === undefined);
  const talks = runnable.filter(({ course, pair }) => course === talkOf(pair));
  const others = (Object.keys(COURSES) as CourseName[])
    .filter((course) => course !== "caller-hangs-up" && course !== "callee-hangs-up")
    .flatMap((course, index) =>
      cover(
        runnable.filter((cell) => cell.course === course),
        index,
      ),
    );
  return [...talks, ...others];
}

function talkOf({ caller, callee, place }: Pair): CourseName {
  if (isNumber(callee)) return "caller-hangs-up";
  const odd = CLIENTS.indexOf(caller) + CLIENTS.indexOf(callee) + PLACES.indexOf(place);
  return odd % 2 === 0 ? "caller-hangs-up" : "callee-hangs-up";
}

/** Begins elsewhere for each course, so that all courses together meet many pairs. */
function cover(cells: readonly Cell[], start: number): readonly Cell[] {
  const from = (start * 13) % Math.max(1, cells.length);
  const order = [...cells.slice(from), ...cells.slice(0, from)];
  const missing = new Set(cells.flatMap(({ pair }) => aspects(pair)));
  const chosen: Cell[] = [];
  while (missing.size > 0) {
    const gain = ({ pair }: Cell): number => aspects(pair).filter((aspect) => missing.has(aspect)).length;
    const best = order.reduce((found, cell) => (gain(cell) > gain(found) ? cell : found));
    for (const aspect of aspects(best.pair)) missing.delete(aspect);
    chosen.push(best);
  }
  return chosen;
}
