import type { JSX } from "preact";

/** Beside a name that is written out, so it says nothing itself. */
export function Avatar({
  name,
  size = "small",
}: {
  readonly name: string;
  readonly size?: "small" | "large";
}): JSX.Element {
  return (
    <span class={`avatar ${size}`} aria-hidden="true">
      {initialsOf(name)}
    </span>
  );
}

function initialsOf(name: string): string {
  const words = name.split(/[\s._+-]+/).filter((word) => word !== "");
  const first = words[0] ?? "?";
  if (/^\d/.test(first)) return "#";
  const last = words.length > 1 ? (words.at(-1) ?? "") : "";
  return `${first.charAt(0)}${last.charAt(0)}`.toUpperCase();
}
