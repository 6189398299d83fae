import { describe, expect, it } from "vitest";
import { readCallListQuery } from "../../../../../worker/routes/twilio/call-query.ts";

function read(query: string): unknown {
  const outcome = readCallListQuery(new URLSearchParams(query));
  return outcome.ok ? outcome.page.filter : `${outcome.problem} ${outcome.parameter}`;
}

describe("the query of Twilio's list of calls", () => {
  const day = Date.UTC(2026, 9, 5);

  it.each([
    { query: "", filter: {} },
    {
      query: "Status=busy&To=client:bob&From=%2B15551234",
      filter: { status: "busy", to: "client:bob", from: "+15551234" },
    },
    { query: "StartTime=2026-10-05", filter: { startFromMs: day, startUntilMs: day + 86_400_000 } },
    { query: "StartTime=2026-10-05T00:00:07Z", filter: { startFromMs: day + 7_000, startUntilMs: day + 8_000 } },
    {
      query: "StartTime%3E=2026-10-05T00:00:00Z&StartTime%3C=2026-10-06",
      filter: { startFromMs: day, startUntilMs: day + 86_400_000 },
    },
    { query: "EndTime%3C=2026-10-05", filter: { endUntilMs: day } },
    { query: `ParentCallSid=CA${"0".repeat(32)}`, filter: { parentSid: `CA${"0".repeat(32)}` } },
    { query: "Status=&To=&PageSize=&Page=&PageToken=", filter: {} },
  ])("reads $query", ({ query, filter }) => {
    expect(read(query)).toEqual(filter);
  });

  it.each([
    ["Status=asleep", "parameter-invalid Status"],
    ["StartTime=2026-13-05", "parameter-invalid StartTime"],
    ["EndTime%3E=5 Oct", "parameter-invalid EndTime>"],
    ["ParentCallSid=CA1", "parameter-invalid ParentCallSid"],
    ["PageSize=1001", "page-size-invalid PageSize"],
    ["PageSize=-1", "page-size-invalid PageSize"],
    ["PageSize=1.5", "page-size-invalid PageSize"],
    ["Page=x", "parameter-invalid Page"],
    [`PageToken=PAx${"0".repeat(42)}`, "parameter-invalid PageToken"],
  ])("refuses %s: %s", (query, problem) => {
    expect(read(query)).toBe(problem);
  });
});
