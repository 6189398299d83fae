/** Legs by key: opened, joined, timed and closed. */
import type { OutgoingStreamLease } from "#protocol/capsule";
import type { CodecName, MediaJoin, RoomPort } from "#protocol/media";
import type { TouchTone } from "#protocol/touch-tone";
import { FrameScheduler } from "./frame-scheduler.ts";
import { JoinTable } from "./join-table.ts";
import type { MediaLeg } from "./media-leg.ts";
import type { LegStatistics, MediaLegKey, MediaPlane, RtpLegOptions, WebRtcOpening } from "./media-plane.ts";
import type { MediaPlaneOptions, MediaTimer } from "./media-plane-options.ts";
import { SourceLibrary } from "./player/source-library.ts";
import { RoomPorts } from "./room/room-ports.ts";
import { RoomTable } from "./room/room-table.ts";
import { RtpLeg, type RtpPeer } from "./rtp-leg.ts";
import { type BoundPorts, RtpPortPool } from "./rtp-port-pool.ts";
import { TouchToneSender } from "./touch-tone-sender.ts";
import type { Trunk, TrunkTarget } from "./trunk.ts";
import { WAKE_TICK_MS, WakeWatch } from "./wake-watch.ts";
import type { DtlsCertificate } from "../webrtc/dtls-certificate.ts";
import { type MediaHosts, planMediaHosts } from "./media-hosts.ts";
import { WebRtcLeg } from "../webrtc/webrtc-leg.ts";
import { WebRtcLegs } from "../webrtc/webrtc-legs.ts";

type OpenWebRtcOptions = Parameters<MediaPlane["openWebRtcLeg"]>[1];
type AdoptWebRtcOptions = Parameters<MediaPlane["adoptWebRtcLeg"]>[1];

const NO_PORTS: WebRtcOpening = { ok: false, status: 503, reason: "ports-exhausted" };

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
  readonly #roomPorts: RoomPorts;
  readonly #touchTones: TouchToneSender;
  readonly #mediaHosts: MediaHosts;
  readonly #webRtc: WebRtcLegs;
  readonly #wakeWatch: WakeWatch;
  #secondTimer: MediaTimer;
  #wakeTimer: MediaTimer;

  constructor(options: MediaPlaneOptions, trunk: Trunk, certificate: DtlsCertificate) {
    this.#options = options;
    this.#trunk = trunk;
    this.#pool = new RtpPortPool(options.rtpPorts);
    this.#wakeWatch = new WakeWatch(options.clock.nowMs());
    const wakeWatch = this.#wakeWatch;
    const scheduler = new FrameScheduler(options, wakeWatch);
    const rooms = new RoomTable(options, scheduler);
    const library = new SourceLibrary();
    this.#joins = new JoinTable({ options, trunk, legs: this.#legs, wakeWatch, scheduler, library, rooms });
    this.#roomPorts = new RoomPorts({ options, trunk, wakeWatch, rooms });
    this.#touchTones = new TouchToneSender(scheduler, this.#legs);
    this.#mediaHosts = planMediaHosts(options.host, options.mediaHosts);
    const { forward } = this.#joins;
    this.#webRtc = new WebRtcLegs({
      context: options,
      certificate,
      hosts: this.#mediaHosts,
      pool: this.#pool,
      onPacket: forward,
    });
    this.#secondTimer = options.clock.setTimer(SECOND_MS, () => this.#onSecond());
    this.#wakeTimer = options.clock.setTimer(WAKE_TICK_MS, () => this.#onWakeTick());
  }

  get portsInUse(): number {
    return this.#pool.used;
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

  async openWebRtcLeg(key: MediaLegKey, options: OpenWebRtcOptions): Promise<WebRtcOpening> {
    const known = this.#legs.get(key);
    const isHere = options.again === true && options.remoteSdp !== undefined;
    if (known instanceof WebRtcLeg && (isHere || known.epoch >= options.epoch) && !known.failed) {
      if (known.epoch > options.epoch) return this.#refuseStale();
      known.patient = options.early === true;
      if (options.remoteSdp === undefined) return { ok: true, localSdp: known.localSdp };
      const reopened = this.#webRtc.reopen(known, options.remoteSdp, options.codecs);
      this.#joins.onAudio(known);
      return reopened;
    }
    const ports = await this.#bindPorts(key, this.#mediaHosts.bound, false);
    if (ports === undefined) return NO_PORTS;
    return this.#placeWebRtc(this.#webRtc.open({ key, epoch: options.epoch, ports }, options));
  }

  completeWebRtcLeg(key: MediaLegKey, remoteSdp: string, codecs: readonly CodecName[]): WebRtcOpening {
    const leg = this.#legs.get(key);
    if (!(leg instanceof WebRtcLeg)) return { ok: false, status: 500, reason: "unknown-leg" };
    const opening = this.#webRtc.complete(leg, remoteSdp, codecs);
    this.#joins.onAudio(leg);
    return opening;
  }

  async adoptWebRtcLeg(key: MediaLegKey, options: AdoptWebRtcOptions): Promise<WebRtcOpening> {
    const known = this.#legs.get(key);
    if (known !== undefined && known.epoch > options.epoch) return this.#refuseStale();
    if (known instanceof WebRtcLeg && known.epoch === options.epoch)
      return { ok: true, localSdp: known.localSdp, audio: known.audio };
    const ports = await this.#bindPorts(key, this.#mediaHosts.bound, false);
    if (ports === undefined) return NO_PORTS;
    return this.#placeWebRtc(
      this.#webRtc.adopt({ key, epoch: options.epoch, ports }, options.media, options.sdpVersion),
    );
  }

  grantLease(key: MediaLegKey, lease: OutgoingStreamLease): void {
    const leg = this.#legs.get(key);
    if (leg instanceof WebRtcLeg) leg.grantLease(lease);
  }

  join(key: MediaLegKey, join: MediaJoin, epoch: number): void {
    const leg = this.#legs.get(key);
    if (leg === undefined || epoch < leg.epoch) {
      this.#options.count(leg === undefined ? "media.join-unknown-leg" : "media.stale-epoch");
      return;
    }
    this.#joins.join(leg, join, epoch);
  }

  openRoomPort(key: MediaLegKey, port: RoomPort, epoch: number): void {
    this.#roomPorts.open(key, port, epoch);
  }

  closeRoomPort(key: MediaLegKey, epoch: number): void {
    this.#roomPorts.close(key, epoch);
  }

  sendDigit(key: MediaLegKey, digit: TouchTone, durationMs: number): boolean {
    return this.#touchTones.send(key, digit, durationMs);
  }

  statistics(key: MediaLegKey): LegStatistics | undefined {
    return this.#legs.get(key)?.counters.snapshot();
  }

  closeLeg(key: MediaLegKey): void {
    this.#openings.delete(key);
    const leg = this.#legs.get(key);
    if (leg === undefined) return;
    this.#touchTones.stop(key);
    this.#joins.remove(key);
    this.#legs.delete(key);
    this.#drain(leg);
  }

  watchNeighbours(neighbours: readonly TrunkTarget[]): void {
    this.#trunk.watchNeighbours(neighbours);
  }

  probe(target: TrunkTarget, roundTripMs?: number): Promise<boolean> {
    return this.#trunk.probe(target, roundTripMs);
  }

  close(): Promise<void> {
    this.#openings.clear();
    this.#secondTimer.clear();
    this.#wakeTimer.clear();
    for (const key of this.#legs.keys()) this.closeLeg(key);
    this.#roomPorts.closeAll();
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

  #placeWebRtc(opened: ReturnType<WebRtcLegs["open"]>): WebRtcOpening {
    if (opened.leg !== undefined) {
      this.#place(opened.leg);
      // The leg may replace one under an older epoch whose trunk is still joined.
      this.#joins.onAudio(opened.leg);
    }
    return opened.opening;
  }

  #refuseStale(): WebRtcOpening {
    this.#options.count("media.stale-epoch");
    return { ok: false, status: 500, reason: "stale-epoch" };
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

  #onWakeTick(): void {
    this.#wakeWatch.tick(this.#options.clock.nowMs());
    this.#wakeTimer = this.#options.clock.setTimer(WAKE_TICK_MS, () => this.#onWakeTick());
  }
}
