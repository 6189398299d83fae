/** Keys that are no longer good: every channel of their gateway is told, again and again until it was. */
import type { GatewayId } from "#protocol/ids";
import { count } from "../../counters.ts";
import { faultCode, log } from "../../log.ts";

export const RETRY_MS = 10_000;

export interface UntoldChannel {
  readonly gateway: GatewayId;
  readonly channel: number;
}

/** Survives whatever happens to this object. */
interface UntoldChannels {
  addUntold(channel: UntoldChannel): void;
  removeUntold(channel: UntoldChannel): void;
  untold(): readonly UntoldChannel[];
}

interface KeyWithdrawalOptions {
  readonly table: UntoldChannels;
  readonly alarm: { setAlarm(atMs: number): Promise<void>; deleteAlarm(): Promise<void> };
  /** Rejects when the channel could not be told. */
  readonly tell: (channel: UntoldChannel) => Promise<void>;
}

export class KeyWithdrawal {
  readonly #options: KeyWithdrawalOptions;

  constructor(options: KeyWithdrawalOptions) {
    this.#options = options;
  }

  async begin(gateway: GatewayId, channels: number): Promise<void> {
    for (let channel = 0; channel < channels; channel += 1) this.#options.table.addUntold({ gateway, channel });
    await this.tellAll(Date.now());
  }

  /** The alarm for what is left is set first: this object may end at any moment. */
  async tellAll(nowMs: number): Promise<void> {
    const { table, alarm } = this.#options;
    const untold = table.untold();
    if (untold.length === 0) return;
    await alarm.setAlarm(nowMs + RETRY_MS);
    await Promise.all(untold.map((channel) => this.#tell(channel)));
    if (table.untold().length === 0) await alarm.deleteAlarm();
  }

  async #tell(channel: UntoldChannel): Promise<void> {
    const { table, tell } = this.#options;
    try {
      await tell(channel);
      table.removeUntold(channel);
    } catch (error) {
      count("gateway.withdrawal-untold");
      log({ event: "fault", where: "region.withdraw-key", code: faultCode(error) });
    }
  }
}
