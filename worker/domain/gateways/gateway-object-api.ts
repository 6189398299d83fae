/** What other objects may ask of a Gateway object: one control channel of one gateway. */
import type { TrunkPeer } from "#protocol/control-frames";
import type { NumberedCommand } from "#protocol/call-messages";
import type { CallToken, GatewayId, GatewayInstanceId, RegionName } from "#protocol/ids";

/** Names one Gateway object. */
export interface GatewayChannel {
  readonly region: RegionName;
  readonly gateway: GatewayId;
  readonly channel: number;
}

/** Commands of one call for the gateway at the other end of the channel. */
export interface GatewayDelivery {
  readonly call: CallToken;
  /** The run of the gateway that the commands are numbered for; another one does not get them. */
  readonly instance?: GatewayInstanceId;
  readonly commands: readonly NumberedCommand[];
  readonly ackEvent: number;
  /** Whether the gateway has a part in the call after these. */
  readonly live: boolean;
  /** As in `GatewayReply`. */
  readonly over?: boolean;
}

export interface GatewayObjectApi {
  /** `ok: false`: no open channel, nothing was sent. `ok: true` is no receipt: acknowledgements are in the call's stream. */
  deliver(delivery: GatewayDelivery): Promise<{ readonly ok: boolean }>;
  /** Lets this gateway ask another one's trunk port; `undefined` when it could not be asked or did not tell in time. */
  probe(target: TrunkPeer, roundTripMs: number): Promise<boolean | undefined>;
  /** The instance is proven dead: its calls are told, its socket is closed. */
  declareDead(instance: GatewayInstanceId): Promise<void>;
  /**
   * Of the gateway's keys only `standing` is good from now on, or none: a socket of another key is closed, its calls are told.
   * Rejects when some of them could not be; then it is to be said again.
   */
  withdrawKeys(standing: string | undefined): Promise<void>;
}
