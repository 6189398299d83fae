/**
 * Wakes a call when its state says so. What is near is waited for in memory: nobody keeps the object from being evicted, but
 * it is not within so few seconds of its last input, and if it is lost, its gateways' next word loads it and its deadline
 * again. What is far is left to the object's alarm (decision 3: no alarm under 10 s), which survives everything.
 */
const ALARM_FROM_MS = 10_000;

/** The part of an object's storage that wakes it. */
export interface AlarmStorage {
  setAlarm(atMs: number): Promise<void>;
  deleteAlarm(): Promise<void>;
}

export class CallClock {
  readonly #storage: AlarmStorage;
  readonly #wake: () => void;
  #deadlineMs: number | undefined;
  /** Stands behind retries that are counted in memory. */
  #backstopMs: number | undefined;
  #alarmMs: number | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(storage: AlarmStorage, wake: () => void) {
    this.#storage = storage;
    this.#wake = wake;
  }

  /** The deadline of a call that was loaded: its alarm, if it needs one, is set already. */
  resume(deadlineMs: number | undefined): void {
    if (deadlineMs !== undefined && isFar(deadlineMs)) this.#alarmMs = deadlineMs;
    this.watch(deadlineMs);
  }

  /** Costs nothing when nothing has changed. */
  watch(deadlineMs: number | undefined): void {
    if (deadlineMs === this.#deadlineMs) return;
    this.#deadlineMs = deadlineMs;
    if (this.#timer !== undefined) clearTimeout(this.#timer);
    this.#timer = undefined;
    if (deadlineMs !== undefined && !isFar(deadlineMs))
      this.#timer = setTimeout(this.#wake, Math.max(0, deadlineMs - Date.now()));
    this.#setAlarm();
  }

  /** An alarm in any case, as soon as there may be one. */
  backstop(): void {
    this.#backstopMs = Date.now() + ALARM_FROM_MS;
    this.#setAlarm();
  }

  /** The alarm went off and is no more. */
  alarmFired(): void {
    this.#alarmMs = undefined;
    this.#backstopMs = undefined;
    this.#deadlineMs = undefined;
  }

  #setAlarm(): void {
    const far = this.#deadlineMs !== undefined && isFar(this.#deadlineMs) ? this.#deadlineMs : Infinity;
    const next = Math.min(far, this.#backstopMs ?? Infinity);
    const alarmMs = Number.isFinite(next) ? next : undefined;
    if (alarmMs === this.#alarmMs) return;
    this.#alarmMs = alarmMs;
    void (alarmMs === undefined ? this.#storage.deleteAlarm() : this.#storage.setAlarm(alarmMs));
  }
}

function isFar(atMs: number): boolean {
  return atMs - Date.now() >= ALARM_FROM_MS;
}
