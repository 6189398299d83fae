/** Time as the gateway's parts get it: tests hand in a virtual one. */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  nowMs(): number;
  setTimer(delayMs: number, fire: () => void): Timer;
}

export interface Timer {
  clear(): void;
}

export interface SystemClock extends Clock {
  /** How many timers are set. At rest it is the same number whatever calls there were. */
  readonly timersSet: number;
}

/** Unix time that only moves forward: a step of the machine's clock must not end calls or nonces. */
export function createSystemClock(onFault: (error: unknown) => void): SystemClock {
  const running = new Set<NodeJS.Timeout>();
  return {
    get timersSet() {
      return running.size;
    },
    nowMs: () => performance.timeOrigin + performance.now(),
    setTimer: (delayMs, fire) => {
      const handle = setTimeout(() => {
        running.delete(handle);
        try {
          fire();
        } catch (error) {
          onFault(error);
        }
      }, delayMs);
      running.add(handle);
      return {
        clear: () => {
          running.delete(handle);
          clearTimeout(handle);
        },
      };
    },
  };
}
