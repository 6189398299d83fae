/** werift's RTCPeerConnection in the part of the browser. */
import { MediaStreamTrack, type RtpPacket, RTCPeerConnection, RTCRtpCodecParameters } from "werift";
import { rtpPacket } from "../media/media-plane-fixture.ts";

export class Browser {
  readonly received: {
    readonly payloadType: number;
    readonly sequence: number;
    readonly ssrc: number;
    readonly payload: Buffer;
  }[] = [];
  readonly pc: RTCPeerConnection;
  readonly #track = new MediaStreamTrack({ kind: "audio" });
  #sequence = 100;

  constructor() {
    this.pc = new RTCPeerConnection({
      codecs: {
        audio: [new RTCRtpCodecParameters({ mimeType: "audio/PCMU", clockRate: 8000, channels: 1, payloadType: 0 })],
      },
      iceServers: [],
      iceUseIpv6: false,
      iceAdditionalHostAddresses: ["127.0.0.1"],
      iceInterfaceAddresses: { udp4: "127.0.0.1" },
      bundlePolicy: "max-bundle",
    });
    this.pc.onTrack.subscribe((track) => track.onReceiveRtp.subscribe((packet) => this.#onRtp(packet)));
  }

  async offer(): Promise<string> {
    this.pc.addTransceiver(this.#track, { direction: "sendrecv" });
    await this.pc.setLocalDescription(await this.pc.createOffer());
    return this.pc.localDescription!.sdp;
  }

  async accept(sdp: string): Promise<void> {
    await this.pc.setRemoteDescription({ type: "answer", sdp });
  }

  async answer(sdp: string): Promise<string> {
    await this.pc.setRemoteDescription({ type: "offer", sdp });
    const [transceiver] = this.pc.getTransceivers();
    if (transceiver!.sender.track === undefined || transceiver!.sender.track === null) {
      transceiver!.sender.registerTrack(this.#track);
      transceiver!.setDirection("sendrecv");
      // As answerer werift says `active` even when the offer did.
      for (const transport of this.pc.dtlsTransports) transport.role = "server";
    }
    await this.pc.setLocalDescription(await this.pc.createAnswer());
    return this.pc.localDescription!.sdp;
  }

  /** werift sees a rollover only within 100 packets of the wrap; browsers (libsrtp) follow any jump below 2^15. */
  expectIndex(ssrc: number, index: number): void {
    const states = this.pc.dtlsTransports[0]!.srtp.remoteContext.srtpSSRCStates;
    const position = { rolloverCounter: Math.floor(index / 0x10000), lastSequenceNumber: index % 0x10000 };
    states[ssrc] = { ssrc, rolloverHasProcessed: true, ...position };
  }

  speak(fill: number): void {
    this.#sequence += 1;
    const fields = { payloadType: 0, sequence: this.#sequence, timestamp: this.#sequence * 160, ssrc: 5 };
    this.#track.writeRtp(rtpPacket({ ...fields, payload: Buffer.alloc(160, fill) }));
  }

  async close(): Promise<void> {
    await this.pc.close();
  }

  #onRtp(packet: RtpPacket): void {
    const { payloadType, sequenceNumber, ssrc } = packet.header;
    this.received.push({ payloadType, sequence: sequenceNumber, ssrc, payload: packet.payload });
  }
}
