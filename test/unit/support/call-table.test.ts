import { describe, expect, it } from "vitest";
import { CELLS, CLIENTS, COURSES, NUMBERS, PAIRS, PLACES, nameOf, selectCells } from "../../e2e/support/call-table.ts";

const selected = selectCells(CELLS);
const runnable = CELLS.filter(({ reason }) => reason === undefined);

describe("the table of pairs and courses", () => {
  it("has a cell for each pair of clients in each place, each number, and each course", () => {
    const pairs = CLIENTS.length * (CLIENTS.length * PLACES.length + NUMBERS.length);
    expect(PAIRS).toHaveLength(pairs);
    expect(new Set(CELLS.map(nameOf)).size).toBe(pairs * Object.keys(COURSES).length);
  });

  it("gives a reason, in words, for each cell that does not run", () => {
    const silent = CELLS.filter(({ reason }) => reason !== undefined && reason.split(" ").length < 5);
    expect(silent.map(nameOf)).toEqual([]);
  });

  it("lets each course run for every client as the caller, and for some callee", () => {
    const missing = Object.keys(COURSES).flatMap((course) =>
      CLIENTS.filter((caller) => !runnable.some((cell) => cell.course === course && cell.pair.caller === caller)).map(
        (caller) => `${course}: ${caller}`,
      ),
    );
    expect(missing).toEqual([]);
  });
});

describe("the cells of every run", () => {
  it("take no cell that cannot run, and none twice", () => {
    expect(selected.filter(({ reason }) => reason !== undefined)).toEqual([]);
    expect(new Set(selected).size).toBe(selected.length);
  });

  it("connect each pair, and take each course with every caller, callee and place that it has", () => {
    const seen = (cells: typeof CELLS): readonly string[] => {
      const talks = cells.filter(({ course }) => course.endsWith("-hangs-up"));
      return [
        ...new Set([
          ...talks.map(({ pair }) => JSON.stringify(pair)),
          ...cells.flatMap(({ course, pair }) => [
            `${course}: ${pair.caller} calls`,
            `${course}: ${pair.callee} is called`,
            `${course}: ${pair.place}`,
          ]),
        ]),
      ].sort();
    };
    expect(seen(selected)).toEqual(seen(runnable));
  });

  it("are few", () => {
    expect(selected.length).toBeLessThan(170);
    expect(runnable.length).toBeGreaterThan(selected.length * 3);
  });
});
