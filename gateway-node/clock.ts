/** Time as the gateway's parts get it: tests hand in a virtual one. */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  nowMs(): number;
  setTimer(delayMs: number, fire: () => void): Timer;
}

export interface Timer {
  clear(): void;
}

/** Unix time that only moves forward: a step of the machine's clock must not end calls or nonces. */
export function createSystemClock(onFault: (error: unknown) => void): Clock {
  return {
    nowMs: () => performance.timeOrigin + performance.now(),
    setTimer: (delayMs, fire) => {
      const handle = setTimeout(() => {
        try {
          fire();
        } catch (error) {
          onFault(error);
        }
      }, delayMs);
      return { clear: () => clearTimeout(handle) };
    },
  };
}
