/** The log as JSON lines on standard error; standard output belongs to the ready line. */
import { pino } from "pino";
import { severityOf } from "./log-event.ts";
import type { LogEvent } from "./log-event.ts";

export interface Logger {
  log(event: LogEvent): void;
  /** Before the process ends: what is buffered would be lost. */
  flush(): void;
}

export function createLogger(level: string, bindings: Readonly<Record<string, string>>): Logger {
  // Not synchronous: a reader that does not keep up must not stop the media of all calls.
  const destination = pino.destination({ dest: 2, sync: false, minLength: 0 });
  const logger = pino(
    { level, base: bindings, timestamp: pino.stdTimeFunctions.isoTime, messageKey: "event" },
    destination,
  );
  return {
    log: (line) => {
      const { event, ...fields } = line;
      logger[severityOf(line)](fields, event);
    },
    flush: () => {
      try {
        destination.flushSync();
      } catch {
        // The descriptor may not be open yet, or closed by the other side: nothing is left to write to.
      }
    },
  };
}
