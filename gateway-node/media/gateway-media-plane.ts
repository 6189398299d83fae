/** Legs by key: opened, joined, timed and closed. */
import type { OutgoingStreamLease, WebRtcLegMedia } from "#protocol/capsule";
import type { CodecName, MediaJoin } from "#protocol/media";
import { JoinTable } from "./join-table.ts";
import type { MediaLeg } from "./media-leg.ts";
import type { LegStatistics, MediaLegKey, MediaPlane, RtpLegOptions, WebRtcOpening } from "./media-plane.ts";
import type { MediaPlaneOptions, MediaTimer } from "./media-plane-options.ts";
import { RtpLeg, type RtpPeer } from "./rtp-leg.ts";
import { type BoundPorts, RtpPortPool } from "./rtp-port-pool.ts";
import type { Trunk, TrunkTarget } from "./trunk.ts";

/** Late packets of a finished call still arrive at its port; nobody else gets it meanwhile. */
const PORT_DRAIN_MS = 1000;
const SECOND_MS = 1000;

export class GatewayMediaPlane implements MediaPlane {
  readonly #options: MediaPlaneOptions;
  readonly #trunk: Trunk;
  readonly #pool: RtpPortPool;
  readonly #legs = new Map<MediaLegKey, MediaLeg>();
  /** The newest attempt to open each leg; an older one, or one that was closed meanwhile, gives its ports back. */
  readonly #openings = new Map<MediaLegKey, symbol>();
  readonly #draining = new Map<MediaLeg, MediaTimer>();
  readonly #joins: JoinTable;
  #secondTimer: MediaTimer;

  constructor(options: MediaPlaneOptions, trunk: Trunk) {
    this.#options = options;
    this.#trunk = trunk;
    this.#pool = new RtpPortPool(options.rtpPorts);
    this.#joins = new JoinTable(options, trunk, this.#legs);
    this.#secondTimer = options.clock.setTimer(SECOND_MS, () => this.#onSecond());
  }

  async openRtpLeg(
    key: MediaLegKey,
    options: RtpLegOptions,
  ): Promise<{ readonly host: string; readonly port: number } | undefined> {
    const known = this.#legs.get(key);
    if (known instanceof RtpLeg) {
      if (options.epoch > known.epoch) known.adopt(options.epoch, options.allowedHosts);
      return { host: this.#options.host, port: known.port };
    }
    const ports = await this.#bindPorts(key, [this.#options.host], true);
    if (ports === undefined) return undefined;
    const { epoch, allowedHosts } = options;
    this.#place(
      new RtpLeg({
        key,
        epoch,
        allowedHosts,
        ports,
        pool: this.#pool,
        context: this.#options,
        onPacket: this.#joins.forward,
      }),
    );
    return { host: this.#options.host, port: ports.port };
  }

  setRtpPeer(key: MediaLegKey, peer: RtpPeer): void {
    const leg = this.#legs.get(key);
    if (!(leg instanceof RtpLeg)) return;
    leg.setPeer(peer);
    this.#joins.onAudio(leg);
  }

  openWebRtcLeg(
    _key: MediaLegKey,
    _options: {
      readonly epoch: number;
      readonly remoteSdp?: string;
      readonly codecs: readonly CodecName[];
      readonly ssrc: number;
    },
  ): Promise<WebRtcOpening> {
    return Promise.resolve({ ok: false, status: 500, reason: "not-implemented" });
  }

  completeWebRtcLeg(_key: MediaLegKey, _remoteSdp: string, _codecs: readonly CodecName[]): WebRtcOpening {
    return { ok: false, status: 500, reason: "not-implemented" };
  }

  adoptWebRtcLeg(
    _key: MediaLegKey,
    _options: { readonly epoch: number; readonly media: WebRtcLegMedia; readonly sdpVersion: number },
  ): Promise<WebRtcOpening> {
    return Promise.resolve({ ok: false, status: 500, reason: "not-implemented" });
  }

  grantLease(_key: MediaLegKey, _lease: OutgoingStreamLease): void {}

  join(key: MediaLegKey, join: MediaJoin, epoch: number): void {
    const leg = this.#legs.get(key);
    if (leg === undefined || epoch < leg.epoch) {
      this.#options.count(leg === undefined ? "media.join-unknown-leg" : "media.stale-epoch");
      return;
    }
    this.#joins.join(leg, join, epoch);
  }

  statistics(key: MediaLegKey): LegStatistics | undefined {
    return this.#legs.get(key)?.counters.snapshot();
  }

  closeLeg(key: MediaLegKey): void {
    this.#openings.delete(key);
    const leg = this.#legs.get(key);
    if (leg === undefined) return;
    this.#joins.remove(key);
    this.#legs.delete(key);
    this.#drain(leg);
  }

  watchNeighbours(neighbours: readonly TrunkTarget[]): void {
    this.#trunk.watchNeighbours(neighbours);
  }

  probe(target: TrunkTarget): Promise<boolean> {
    return this.#trunk.probe(target);
  }

  close(): Promise<void> {
    this.#openings.clear();
    this.#secondTimer.clear();
    for (const key of this.#legs.keys()) this.closeLeg(key);
    for (const [leg, timer] of this.#draining) {
      timer.clear();
      leg.release();
    }
    this.#draining.clear();
    this.#trunk.close();
    return Promise.resolve();
  }

  /** `undefined` when there are no ports, or when the leg was closed or opened again while they were bound. */
  async #bindPorts(key: MediaLegKey, hosts: readonly string[], withRtcp: boolean): Promise<BoundPorts | undefined> {
    const opening = Symbol(key);
    this.#openings.set(key, opening);
    const ports = await this.#pool.bind(hosts, withRtcp);
    if (ports === undefined) this.#options.count("media.ports-exhausted");
    if (this.#openings.get(key) === opening) {
      this.#openings.delete(key);
      return ports;
    }
    if (ports !== undefined) this.#pool.release(ports);
    return undefined;
  }

  #place(leg: MediaLeg): void {
    const replaced = this.#legs.get(leg.key);
    this.#legs.set(leg.key, leg);
    if (replaced !== undefined) this.#drain(replaced);
  }

  #drain(leg: MediaLeg): void {
    leg.stop();
    const timer = this.#options.clock.setTimer(PORT_DRAIN_MS, () => {
      this.#draining.delete(leg);
      leg.release();
    });
    this.#draining.set(leg, timer);
  }

  #onSecond(): void {
    const nowMs = this.#options.clock.nowMs();
    for (const leg of this.#legs.values()) leg.onSecond(nowMs, this.#joins.isJoined(leg.key));
    this.#secondTimer = this.#options.clock.setTimer(SECOND_MS, () => this.#onSecond());
  }
}
