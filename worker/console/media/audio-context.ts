let shared: AudioContext | undefined;

/** One for the whole page: browsers count them. It sleeps until the first gesture of the user. */
export function audioContext(): AudioContext {
  shared ??= new AudioContext({ latencyHint: "interactive" });
  if (shared.state === "suspended") void shared.resume().catch(() => {});
  return shared;
}
