/** 0:07, 12:34, 1:02:03. */
export function durationText(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1_000));
  const hours = Math.floor(seconds / 3_600);
  const minutes = Math.floor(seconds / 60) % 60;
  const rest = String(seconds % 60).padStart(2, "0");
  return hours === 0 ? `${minutes}:${rest}` : `${hours}:${String(minutes).padStart(2, "0")}:${rest}`;
}

/** "3 minutes 5 seconds", for those who hear it. */
export function durationWords(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1_000));
  const minutes = Math.floor(seconds / 60);
  const parts = [
    minutes === 0 ? undefined : `${minutes} ${minutes === 1 ? "minute" : "minutes"}`,
    seconds % 60 === 0 && minutes > 0 ? undefined : `${seconds % 60} ${seconds % 60 === 1 ? "second" : "seconds"}`,
  ];
  return parts.filter((part) => part !== undefined).join(" ");
}

const DAY_MS = 86_400_000;

/** The time for today, the day for the week, the date before that; in the language of the browser. */
export function momentText(at: Date, now: Date): string {
  const midnight = new Date(now.getFullYear(), now.getMonth(), now.getDate()).getTime();
  const time = at.toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit" });
  if (at.getTime() >= midnight) return time;
  if (at.getTime() >= midnight - DAY_MS) return `Yesterday ${time}`;
  if (at.getTime() >= midnight - 6 * DAY_MS) return `${at.toLocaleDateString(undefined, { weekday: "short" })} ${time}`;
  return at.toLocaleDateString(undefined, { day: "numeric", month: "short", year: "numeric" });
}
