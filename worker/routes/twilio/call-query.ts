/** The query of Twilio's list of calls: filters, and where in the list a page begins. */
import { parseCallSid } from "#protocol/ids";
import type { CallFilter } from "../../domain/call-index/call-index-api.ts";
import { decodePlace, encodePlace, placeOf } from "../../domain/call-index/call-place.ts";
import type { CallPageQuery } from "../../domain/call-index/call-place.ts";
import type { CallStatus, CallSummary } from "../../domain/calls/call-object-api.ts";

const STATUSES: readonly CallStatus[] = [
  "queued",
  "ringing",
  "in-progress",
  "completed",
  "busy",
  "failed",
  "no-answer",
  "canceled",
];
const DAY_MS = 86_400_000;
const PAGE_SIZE = 50;
const PAGE_SIZE_LIMIT = 1_000;
/** What a next or previous page repeats, because clients ask for those addresses as they are. */
const FILTER_NAMES = [
  "To",
  "From",
  "ParentCallSid",
  "Status",
  "StartTime",
  "StartTime<",
  "StartTime>",
  "EndTime",
  "EndTime<",
  "EndTime>",
] as const;

export type CallListQuery =
  | {
      readonly ok: true;
      readonly page: Omit<CallPageQuery, "account">;
      readonly number: number;
      readonly filters: readonly (readonly [string, string])[];
      readonly token?: string;
    }
  | { readonly ok: false; readonly problem: "page-size-invalid" | "parameter-invalid"; readonly parameter: string };

export function readCallListQuery(query: URLSearchParams): CallListQuery {
  const filters = FILTER_NAMES.flatMap((name) => {
    const value = query.get(name);
    return value === null || value === "" ? [] : [[name, value] as const];
  });
  const filter: { -readonly [Key in keyof CallFilter]: CallFilter[Key] } = {};
  for (const [name, value] of filters) {
    if (!applyFilter(filter, name, value)) return { ok: false, problem: "parameter-invalid", parameter: name };
  }
  const limit = wholeNumber(query.get("PageSize"), PAGE_SIZE);
  if (limit === undefined || limit < 1 || limit > PAGE_SIZE_LIMIT)
    return { ok: false, problem: "page-size-invalid", parameter: "PageSize" };
  const number = wholeNumber(query.get("Page"), 0);
  if (number === undefined) return { ok: false, problem: "parameter-invalid", parameter: "Page" };
  const token = query.get("PageToken");
  if (token === null || token === "") return { ok: true, page: { direction: "older", limit, filter }, number, filters };
  const place = decodePlace(token.slice(3));
  if (place === undefined || !/^PA[ns]/.test(token))
    return { ok: false, problem: "parameter-invalid", parameter: "PageToken" };
  return {
    ok: true,
    page: { direction: token[2] === "n" ? "newer" : "older", place, limit, filter },
    number,
    filters,
    token,
  };
}

/** `s`: what comes since then going back in time, `n`: what is newer. */
export function pageToken(direction: "older" | "newer", call: CallSummary): string {
  return `PA${direction === "older" ? "s" : "n"}${encodePlace(placeOf(call))}`;
}

type Mutable = { -readonly [Key in keyof CallFilter]: CallFilter[Key] };

function applyFilter(filter: Mutable, name: (typeof FILTER_NAMES)[number], value: string): boolean {
  switch (name) {
    case "To":
      filter.to = value;
      return true;
    case "From":
      filter.from = value;
      return true;
    case "ParentCallSid":
      filter.parentSid = parseCallSid(value);
      return filter.parentSid !== undefined;
    case "Status":
      filter.status = STATUSES.find((status) => status === value);
      return filter.status !== undefined;
    default:
      return applyTime(filter, name, value);
  }
}

/** A date means its whole day, an instant means its second; `<` is before it, `>` is from it on. */
function applyTime(filter: Mutable, name: string, value: string): boolean {
  const isDate = /^\d{4}-\d{2}-\d{2}$/.test(value);
  const atMs =
    isDate || /^\d{4}-\d{2}-\d{2}T[0-9:.]+(Z|[+-]\d{2}:?\d{2})$/.test(value) ? Date.parse(value) : Number.NaN;
  if (Number.isNaN(atMs)) return false;
  const which = name.startsWith("Start") ? "start" : "end";
  if (!name.endsWith("<")) filter[`${which}FromMs`] = atMs;
  if (name.endsWith("<")) filter[`${which}UntilMs`] = atMs;
  else if (!name.endsWith(">")) filter[`${which}UntilMs`] = atMs + (isDate ? DAY_MS : 1_000);
  return true;
}

function wholeNumber(text: string | null, absent: number): number | undefined {
  if (text === null || text === "") return absent;
  return /^[0-9]{1,9}$/.test(text) ? Number(text) : undefined;
}
