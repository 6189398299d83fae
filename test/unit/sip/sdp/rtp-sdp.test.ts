import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readAudioDescription } from "../../../../sip/sdp/audio-description.ts";
import { createRtpAnswer, createRtpOffer } from "../../../../sip/sdp/rtp-sdp.ts";
import { sdpFixture } from "./fixture.ts";

const here = { host: "192.0.2.50", port: 20_000, sessionId: 77, version: 3 };
const audioSdp = (...lines: readonly string[]) =>
  ["v=0", "o=- 1 1 IN IP4 192.0.2.1", "s=-", "c=IN IP4 192.0.2.1", "t=3 4", ...lines, ""].join("\r\n");

describe("createRtpOffer", () => {
  it("offers the codecs in order, telephone-event and 20 ms packets", () => {
    expect(createRtpOffer({ ...here, codecs: ["PCMA", "PCMU"] }).split("\r\n")).toEqual([
      "v=0",
      "o=- 77 3 IN IP4 192.0.2.50",
      "s=-",
      "c=IN IP4 192.0.2.50",
      "t=0 0",
      "m=audio 20000 RTP/AVP 8 0 101",
      "a=rtpmap:8 PCMA/8000",
      "a=rtpmap:0 PCMU/8000",
      "a=rtpmap:101 telephone-event/8000",
      "a=fmtp:101 0-15",
      "a=ptime:20",
      "a=sendrecv",
      "",
    ]);
  });

  it("keeps the place of every stream that the peer has named, in its protocol", () => {
    const peerSdp = audioSdp(
      "m=video 4000 RTP/AVP 96",
      "m=audio 4002 RTP/AVPF 0",
      "a=mid:a",
      "m=image 4004 udptl t38",
      "m=text 4006 RTP/AVP 98",
    );
    const sdp = createRtpOffer({ ...here, codecs: ["PCMU"], peerSdp });
    expect(sdp.match(/^(m=|a=mid).*$/gm)).toEqual([
      "m=video 0 RTP/AVP 96",
      "m=audio 20000 RTP/AVPF 0 101",
      "a=mid:a",
      "m=image 0 udptl t38",
      "m=text 0 RTP/AVP 98",
    ]);
  });

  it("keeps the dialog's number for telephone-event in a later offer", () => {
    const sdp = createRtpOffer({ ...here, codecs: ["PCMU"], telephoneEventPayloadType: 96 });
    expect(readAudioDescription(sdp)?.telephoneEventPayloadType).toBe(96);
  });

  it("reads back as it was written, for every address family, codec list and direction", () => {
    fc.assert(
      fc.property(
        fc.record({
          host: fc.constantFrom("192.0.2.1", "2001:db8::1", "::1"),
          port: fc.integer({ min: 1, max: 65_535 }),
          sessionId: fc.nat(),
          version: fc.nat(),
          codecs: fc.constantFrom(["PCMU" as const], ["PCMA" as const, "PCMU" as const]),
          direction: fc.constantFrom(
            "sendrecv" as const,
            "sendonly" as const,
            "recvonly" as const,
            "inactive" as const,
          ),
        }),
        (options) => {
          const { host, port, direction, sessionId, version, codecs } = options;
          const read = readAudioDescription(createRtpOffer(options));
          expect(read).toMatchObject({
            host,
            port,
            direction,
            sessionId: String(sessionId),
            sessionVersion: String(version),
          });
          expect(read?.codecs.map((codec) => codec.name)).toEqual(codecs);
        },
      ),
    );
  });
});

describe("createRtpAnswer", () => {
  it("answers baresip with one codec and its telephone-event", () => {
    const answer = createRtpAnswer({ ...here, offer: sdpFixture("baresip-offer"), codec: "PCMA" });
    expect(answer?.audio).toEqual({ codec: "PCMA", payloadType: 8, telephoneEventPayloadType: 101 });
    expect(answer?.sdp).toContain("m=audio 20000 RTP/AVP 8 101\r\n");
  });

  it("answers sipp, which knows no telephone-event, without one", () => {
    const answer = createRtpAnswer({ ...here, offer: sdpFixture("sipp-offer"), codec: "PCMU" });
    expect(answer?.sdp).toContain("m=audio 20000 RTP/AVP 0\r\n");
    expect(answer?.sdp).not.toContain("telephone-event");
  });

  it("uses the offer's own payload types and time", () => {
    const offer = audioSdp("m=audio 4000 RTP/AVP 98 97", "a=rtpmap:98 PCMU/8000", "a=rtpmap:97 telephone-event/8000");
    const sdp = createRtpAnswer({ ...here, offer, codec: "PCMU" })?.sdp;
    expect(sdp).toContain(
      "m=audio 20000 RTP/AVP 98 97\r\na=rtpmap:98 PCMU/8000\r\na=rtpmap:97 telephone-event/8000\r\n",
    );
    expect(sdp).toContain("t=3 4\r\n");
  });

  it("gives each stream of the offer its place and refuses all but one audio", () => {
    const offer = audioSdp(
      "m=video 4000 RTP/AVP 96",
      "a=mid:v",
      "m=audio 4002 RTP/SAVP 0",
      "m=audio 4004 RTP/AVP 0",
      "a=mid:a",
      "m=audio 4006 RTP/AVP 0",
      "m=application 9 UDP/DTLS/SCTP webrtc-datachannel",
    );
    const sdp = createRtpAnswer({ ...here, offer, codec: "PCMU" })?.sdp ?? "";
    expect(sdp.match(/^m=.*$/gm)).toEqual([
      "m=video 0 RTP/AVP 96",
      "m=audio 0 RTP/SAVP 0",
      "m=audio 20000 RTP/AVP 0",
      "m=audio 0 RTP/AVP 0",
      "m=application 0 UDP/DTLS/SCTP webrtc-datachannel",
    ]);
    expect(sdp.match(/^a=mid:.*$/gm)).toEqual(["a=mid:v", "a=mid:a"]);
  });

  it.each([
    ["sendrecv", "sendrecv", "sendrecv"],
    ["sendonly", "sendrecv", "recvonly"],
    ["recvonly", "sendrecv", "sendonly"],
    ["inactive", "sendrecv", "inactive"],
    ["sendrecv", "sendonly", "sendonly"],
    ["sendonly", "sendonly", "inactive"],
    ["sendrecv", "inactive", "inactive"],
  ] as const)("mirrors %s, when we want %s, as %s", (offered, wanted, answered) => {
    const offer = audioSdp("m=audio 4000 RTP/AVP 0", `a=${offered}`);
    expect(createRtpAnswer({ ...here, offer, codec: "PCMU", direction: wanted })?.sdp).toContain(`a=${answered}\r\n`);
  });

  it("answers a plain RTP/AVPF offer with its own protocol", () => {
    expect(createRtpAnswer({ ...here, offer: audioSdp("m=audio 4000 RTP/AVPF 0"), codec: "PCMU" })?.sdp).toContain(
      "m=audio 20000 RTP/AVPF 0\r\n",
    );
  });

  it.each([
    ["SDES", audioSdp("m=audio 4000 RTP/SAVP 0")],
    ["a browser's DTLS-SRTP", sdpFixture("chromium-offer")],
    ["a codec that is not there", audioSdp("m=audio 4000 RTP/AVP 8")],
    ["no SDP", "hello"],
  ])("refuses %s", (_, offer) => {
    expect(createRtpAnswer({ ...here, offer, codec: "PCMU" })).toBeUndefined();
  });
});
