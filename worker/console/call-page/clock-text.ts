/** +0.056 s: since the first INVITE. */
export function sinceText(atMs: number): string {
  return atMs < 60_000 ? `${(atMs / 1_000).toFixed(3)} s` : minutesText(atMs);
}

/** 2:05.3: longer than a minute nobody counts milliseconds. */
function minutesText(atMs: number): string {
  const minutes = Math.floor(atMs / 60_000);
  const seconds = ((atMs % 60_000) / 1_000).toFixed(1).padStart(4, "0");
  return `${minutes}:${seconds}`;
}

export function dateText(atMs: number): string {
  return new Date(atMs).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "medium" });
}
