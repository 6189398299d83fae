import type { Context } from "hono";
import type { Ladder } from "../domain/ladder/ladder.ts";
import { ladderText } from "../domain/ladder/ladder-text.ts";
import type { AppTypes } from "../middleware/app-types.ts";

/** JSON, or ASCII for `?format=text` and for who accepts plain text before JSON. */
export function ladderAnswer<Types extends AppTypes>(c: Context<Types>, ladder: Ladder): Response {
  c.header("Cache-Control", "no-store");
  c.header("Vary", "Accept");
  const format = c.req.query("format") ?? (prefersText(c.req.header("Accept")) ? "text" : "json");
  if (format === "json") return c.json(ladder);
  if (format !== "text") return c.json({ code: "format-invalid" }, 400);
  const startedAt = new Date(ladder.startedAtMs).toISOString();
  return c.text(ladderText(ladder, startedAt), 200, { "X-Content-Type-Options": "nosniff" });
}

/** RFC 9110 section 12.5.1, as far as two types need it: the named one with the higher weight, JSON when they are equal. */
function prefersText(accept: string | undefined): boolean {
  return weightOf(accept ?? "", "text/plain") > weightOf(accept ?? "", "application/json");
}

function weightOf(accept: string, type: string): number {
  const range = accept.split(",").find((one) => one.split(";", 1)[0]?.trim().toLowerCase() === type);
  if (range === undefined) return 0;
  const weight = Number(/;\s*q\s*=\s*([\d.]+)/i.exec(range)?.[1] ?? 1);
  return Number.isNaN(weight) ? 0 : weight;
}
