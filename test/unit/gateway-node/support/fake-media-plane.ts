/** A media plane without sockets: what it was told, in order. */
import type { OutgoingStreamLease, WebRtcLegMedia } from "../../../../protocol/capsule.ts";
import type { CodecName, MediaJoin, RoomPort } from "../../../../protocol/media.ts";
import type { TouchTone } from "../../../../protocol/touch-tone.ts";
import type {
  LegStatistics,
  MediaLegKey,
  MediaPlane,
  RtpLegOptions,
  WebRtcOpening,
} from "../../../../gateway-node/media/media-plane.ts";

type RtpPeer = Parameters<MediaPlane["setRtpPeer"]>[1];

export class FakeMediaPlane implements MediaPlane {
  readonly portsInUse = 0;
  readonly trace: string[] = [];
  readonly peers = new Map<MediaLegKey, RtpPeer>();
  readonly open = new Map<MediaLegKey, { readonly epoch: number; readonly allowedHosts?: readonly string[] }>();
  readonly joins: { readonly key: MediaLegKey; readonly join: MediaJoin; readonly epoch: number }[] = [];
  readonly leases: OutgoingStreamLease[] = [];
  neighbours: readonly { readonly gateway: string }[] = [];
  poolEmpty = false;
  webRtc: WebRtcOpening = { ok: true, localSdp: "local" };
  #port = 20_000;

  openRtpLeg(
    key: MediaLegKey,
    options: RtpLegOptions,
  ): Promise<{ readonly host: string; readonly port: number } | undefined> {
    this.trace.push(`open ${short(key)}`);
    if (this.poolEmpty) return Promise.resolve(undefined);
    this.open.set(key, options);
    this.#port += 2;
    return Promise.resolve({ host: "127.0.0.1", port: this.#port });
  }

  setRtpPeer(key: MediaLegKey, peer: RtpPeer): void {
    this.trace.push(`peer ${short(key)} ${peer.host}:${String(peer.port)}${peer.sending ? "" : " silent"}`);
    this.peers.set(key, peer);
  }

  openWebRtcLeg(
    key: MediaLegKey,
    options: { readonly epoch: number; readonly codecs: readonly CodecName[] },
  ): Promise<WebRtcOpening> {
    this.trace.push(`open-webrtc ${short(key)}`);
    if (this.webRtc.ok) this.open.set(key, options);
    return Promise.resolve(this.webRtc);
  }

  completeWebRtcLeg(key: MediaLegKey, remoteSdp: string): WebRtcOpening {
    this.trace.push(`complete-webrtc ${short(key)} ${remoteSdp}`);
    return this.webRtc;
  }

  adoptWebRtcLeg(
    key: MediaLegKey,
    options: { readonly epoch: number; readonly media: WebRtcLegMedia; readonly sdpVersion: number },
  ): Promise<WebRtcOpening> {
    this.trace.push(`adopt-webrtc ${short(key)} ${String(options.sdpVersion)}`);
    this.open.set(key, options);
    return Promise.resolve(this.webRtc);
  }

  grantLease(key: MediaLegKey, lease: OutgoingStreamLease): void {
    this.trace.push(`lease ${short(key)}`);
    this.leases.push(lease);
  }

  join(key: MediaLegKey, join: MediaJoin, epoch: number): void {
    this.trace.push(`join ${short(key)} ${join.kind}`);
    this.joins.push({ key, join, epoch });
  }

  openRoomPort(key: MediaLegKey, port: RoomPort): void {
    this.trace.push(`room-port ${short(key)} ${port.room}`);
  }

  closeRoomPort(key: MediaLegKey): void {
    this.trace.push(`close-room-port ${short(key)}`);
  }

  sendDigit(key: MediaLegKey, digit: TouchTone, durationMs: number): boolean {
    if (this.peers.get(key)?.audio.telephoneEventPayloadType === undefined) return false;
    this.trace.push(`digit ${short(key)} ${digit} ${String(durationMs)}`);
    return true;
  }

  statistics(key: MediaLegKey): LegStatistics | undefined {
    return this.open.has(key)
      ? { packetsReceived: 3, packetsSent: 2, bytesReceived: 516, trunkPacketsSent: 1, trunkPacketsReceived: 0 }
      : undefined;
  }

  closeLeg(key: MediaLegKey): void {
    if (this.open.delete(key)) this.trace.push(`close ${short(key)}`);
  }

  watchNeighbours(neighbours: readonly { readonly gateway: string }[]): void {
    this.neighbours = neighbours;
  }

  probe(): Promise<boolean> {
    return Promise.resolve(true);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

function short(key: MediaLegKey): string {
  return key.slice(key.lastIndexOf(".") + 1);
}
