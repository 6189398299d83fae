import type { BenchRow } from "../../bench/bench-row.ts";

/** One line for each row, columns aligned; ratios over 1 are in our favour. */
export function encodeBenchTable(rows: readonly BenchRow[]): string {
  const header = ["measured", "unit", "ours", "peer", "ratio", "goal", "beside", "note"];
  const cells = rows.map((row) => [
    row.name,
    row.unit,
    encodeFigure(row.ours),
    row.peer === undefined ? "-" : encodeFigure(row.peer),
    row.ratio === undefined ? "-" : `${encodeFigure(row.ratio)}x`,
    row.goal === undefined ? "" : `${encodeFigure(row.goal)}x${isMissed(row) ? " MISSED" : ""}`,
    row.peerName,
    row.note ?? "",
  ]);
  const widths = header.map((title, column) =>
    Math.max(title.length, ...cells.map((line) => line[column]?.length ?? 0)),
  );
  return [header, ...cells]
    .map((line) =>
      line
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

/** Three significant digits say enough, and never in powers of ten. */
export function encodeFigure(figure: number): string {
  if (!Number.isFinite(figure)) return String(figure);
  const rounded = Number(figure.toPrecision(3));
  return Math.abs(rounded) >= 1000 ? Math.round(figure).toLocaleString("en-US") : String(rounded);
}

/** A row whose peer is not installed has no ratio and so misses nothing. */
export function missedGoals(rows: readonly BenchRow[]): readonly string[] {
  return rows.flatMap((row) => {
    const { name, ratio = NaN, goal = NaN } = row;
    return isMissed(row) ? [`goal missed: ${name}: ${encodeFigure(ratio)}x of ${encodeFigure(goal)}x`] : [];
  });
}

function isMissed({ ratio, goal }: BenchRow): boolean {
  return goal !== undefined && ratio !== undefined && !(ratio >= goal);
}
