/** Opens, completes and adopts WebRTC legs: SDP in and out around `WebRtcLeg`. */
import { randomInt } from "node:crypto";
import type { WebRtcLegMedia } from "#protocol/capsule";
import type { CodecName } from "#protocol/media";
import { createAdoptionOffer, createWebRtcAnswer, createWebRtcOffer, type WebRtcSdpOptions } from "#sip/sdp/webrtc-sdp";
import { openWebRtcSecrets } from "../media/key-seal.ts";
import type { MediaLegKey, WebRtcOpening } from "../media/media-plane.ts";
import type { MediaHosts } from "../media/media-hosts.ts";
import type { LegPacketHandler } from "../media/media-leg.ts";
import type { MediaContext } from "../media/media-plane-options.ts";
import type { BoundPorts, RtpPortPool } from "../media/rtp-port-pool.ts";
import type { DtlsCertificate } from "./dtls-certificate.ts";
import { createIceCredentials, IceLiteAgent, type IcePair } from "./ice-lite-agent.ts";
import { IcePath } from "./ice-path.ts";
import { SecureMedia } from "./secure-media.ts";
import { readWebRtcAnswer, readWebRtcPeer } from "./webrtc-description.ts";
import { rtcpName, WebRtcLeg } from "./webrtc-leg.ts";

export interface WebRtcLegsOptions {
  readonly context: MediaContext;
  readonly certificate: DtlsCertificate;
  readonly hosts: MediaHosts;
  readonly pool: RtpPortPool;
  readonly onPacket: LegPacketHandler;
}

export interface NewWebRtcLeg {
  readonly key: MediaLegKey;
  readonly epoch: number;
  readonly ports: BoundPorts;
}

type Opened = { readonly leg: WebRtcLeg; readonly opening: WebRtcOpening & { readonly ok: true } };
type Refused = { readonly leg?: undefined; readonly opening: WebRtcOpening & { readonly ok: false } };

/** Checks of our own after an adoption, in case one is lost. */
const PREVIOUS_CHECKS_AT_MS = [0, 20, 60];

export class WebRtcLegs {
  readonly #options: WebRtcLegsOptions;

  constructor(options: WebRtcLegsOptions) {
    this.#options = options;
  }

  open(
    fresh: NewWebRtcLeg,
    options: {
      readonly remoteSdp?: string;
      readonly codecs: readonly CodecName[];
      readonly ssrc: number;
      readonly early?: true;
    },
  ): Opened | Refused {
    const leg = this.#create(fresh, options.ssrc, { local: createIceCredentials(), remote: undefined });
    leg.patient = options.early === true;
    const sdpOptions = describeLeg(leg, options.codecs, { sessionId: randomInt(1, 2 ** 31), version: 1 });
    if (options.remoteSdp === undefined) {
      leg.localSdp = createWebRtcOffer(sdpOptions);
      return { leg, opening: { ok: true, localSdp: leg.localSdp } };
    }
    const opening = this.#answer(leg, options.remoteSdp, sdpOptions);
    if (opening.ok) return { leg, opening };
    leg.stop();
    leg.release();
    return { opening };
  }

  /** A further offer of the browser on a leg that is there: hold, resume, or its own ICE restart. */
  reopen(leg: WebRtcLeg, remoteSdp: string, codecs: readonly CodecName[]): WebRtcOpening {
    if (remoteSdp === leg.remoteSdp && leg.audio !== undefined && codecs.includes(leg.audio.codec))
      return { ok: true, localSdp: leg.localSdp, audio: leg.audio };
    const peer = readWebRtcPeer(remoteSdp);
    const restarts = peer !== undefined && leg.peer !== undefined && peer.ice.ufrag !== leg.peer.ice.ufrag;
    if (restarts) {
      // RFC 8839 section 4.4.1.1.1: both sides change; checks under the old ones may still be on their way.
      leg.agent.previous = leg.agent.current;
      leg.agent.current = { local: createIceCredentials(), remote: undefined };
      leg.onIceRestart();
    }
    const sessionId = Number(/^o=\S+ (\d+) /m.exec(leg.localSdp)?.[1] ?? 1);
    const opening = this.#answer(leg, remoteSdp, describeLeg(leg, codecs, { sessionId, version: leg.sdpVersion + 1 }));
    if (opening.ok) leg.announce();
    return opening;
  }

  complete(leg: WebRtcLeg, remoteSdp: string, codecs: readonly CodecName[]): WebRtcOpening {
    if (remoteSdp === leg.remoteSdp && leg.audio !== undefined && leg.answered)
      return { ok: true, localSdp: leg.localSdp, audio: leg.audio };
    const answer = readWebRtcAnswer(remoteSdp, codecs);
    if (answer === undefined) return { ok: false, status: 488, reason: "unusable-answer" };
    if (!leg.setPeer(answer.peer, remoteSdp, answer.audio))
      return { ok: false, status: 488, reason: "fingerprint-changed" };
    leg.onAnswered();
    return { ok: true, localSdp: leg.localSdp, audio: answer.audio };
  }

  /** Takes a leg over: new ICE, old keys, no DTLS. The browser is spoken to at once under the old ICE credentials as well. */
  adopt(fresh: NewWebRtcLeg, media: WebRtcLegMedia, sdpVersion: number): Opened | Refused {
    const secrets = openWebRtcSecrets(this.#options.context.fleetKey, fresh.key, media.sealed);
    const peer = readWebRtcPeer(media.remoteSdp);
    if (secrets === undefined || peer === undefined) {
      this.#options.pool.release(fresh.ports);
      return {
        opening: { ok: false, status: 500, reason: secrets === undefined ? "seal-broken" : "unusable-description" },
      };
    }
    const previous = { local: secrets.localIce, remote: secrets.remoteIce };
    const leg = this.#create(
      fresh,
      media.outgoing.ssrc,
      { local: createIceCredentials(), remote: undefined },
      previous,
    );
    leg.audio = media.audio;
    leg.remoteSdp = media.remoteSdp;
    leg.sdpVersion = sdpVersion;
    const { local } = leg.agent.current;
    leg.localSdp = createAdoptionOffer(media.localSdp, {
      version: sdpVersion,
      ufrag: local.ufrag,
      pwd: local.password,
      candidates: leg.path.candidates,
    });
    const { profile, local: localKey, remote: remoteKey } = secrets;
    leg.beginAdoption(
      peer,
      SecureMedia.adopted({ profile, local: localKey, remote: remoteKey }, media.outgoing, media.incoming),
    );
    this.#greet(leg, media.peer);
    return { leg, opening: { ok: true, localSdp: leg.localSdp, audio: media.audio } };
  }

  /** Rule of feasibility 5b: measured to shorten the gap to 3-26 ms where no NAT stands between. */
  #greet(leg: WebRtcLeg, peer: WebRtcLegMedia["peer"]): void {
    leg.path.assume(peer.host, peer.port);
    for (const atMs of PREVIOUS_CHECKS_AT_MS) {
      const greet = (): void => leg.greet(peer.host, peer.port);
      if (atMs === 0) greet();
      else this.#options.context.clock.setTimer(atMs, greet);
    }
  }

  #create(fresh: NewWebRtcLeg, ssrc: number, current: IcePair, previous?: IcePair): WebRtcLeg {
    const { context, certificate, hosts, pool, onPacket } = this.#options;
    const path = new IcePath(fresh.ports, hosts, pool);
    const agent = new IceLiteAgent(current, previous);
    return new WebRtcLeg({ key: fresh.key, epoch: fresh.epoch, ssrc, path, agent, certificate, context, onPacket });
  }

  #answer(leg: WebRtcLeg, remoteSdp: string, sdpOptions: WebRtcSdpOptions): WebRtcOpening {
    const peer = readWebRtcPeer(remoteSdp);
    const answer = peer === undefined ? undefined : createWebRtcAnswer({ ...sdpOptions, offer: remoteSdp });
    if (peer === undefined || answer === undefined) return { ok: false, status: 488, reason: "unusable-offer" };
    if (!leg.setPeer(peer, remoteSdp, answer.audio)) return { ok: false, status: 488, reason: "fingerprint-changed" };
    leg.localSdp = answer.sdp;
    leg.sdpVersion = sdpOptions.version;
    return { ok: true, localSdp: answer.sdp, audio: answer.audio };
  }
}

function describeLeg(
  leg: WebRtcLeg,
  codecs: readonly CodecName[],
  origin: { readonly sessionId: number; readonly version: number },
): WebRtcSdpOptions {
  const { local } = leg.agent.current;
  return {
    ...origin,
    ufrag: local.ufrag,
    pwd: local.password,
    candidates: leg.path.candidates,
    fingerprint: leg.fingerprint,
    codecs,
    ssrc: leg.ssrc,
    cname: rtcpName(leg.ssrc),
  };
}
