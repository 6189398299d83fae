import type { BenchRow } from "../../bench/bench-row.ts";

/** One line for each row, columns aligned; ratios over 1 are in our favour. */
export function encodeBenchTable(rows: readonly BenchRow[]): string {
  const header = ["measured", "unit", "ours", "peer", "ratio", "goal", "beside", "note"];
  const cells = rows.map((row) => [
    row.name,
    row.unit,
    encodeFigure(row.ours),
    encodeFigure(row.peer),
    `${encodeFigure(row.ratio)}x`,
    row.goal === undefined ? "" : `${encodeFigure(row.goal)}x${row.ratio < row.goal ? " MISSED" : ""}`,
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

export function missedGoals(rows: readonly BenchRow[]): readonly string[] {
  return rows.flatMap(({ name, ratio, goal }) =>
    goal !== undefined && !(ratio >= goal)
      ? [`goal missed: ${name}: ${encodeFigure(ratio)}x of ${encodeFigure(goal)}x`]
      : [],
  );
}
