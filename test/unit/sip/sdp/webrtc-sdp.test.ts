import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readAudioDescription } from "../../../../sip/sdp/audio-description.ts";
import { createAdoptionOffer, createWebRtcAnswer, createWebRtcOffer } from "../../../../sip/sdp/webrtc-sdp.ts";
import { sdpFixture } from "./fixture.ts";

const fingerprint = { algorithm: "sha-256", value: Array.from({ length: 32 }, () => "AB").join(":") };
const ours = {
  sessionId: 77,
  version: 1,
  ufrag: "ufrg",
  pwd: "passwordpasswordpassword",
  fingerprint,
  candidates: [{ host: "192.0.2.50", port: 21_000 }],
  codecs: ["PCMU", "PCMA"] as const,
  ssrc: 4_000_000_001,
  cname: "nearside",
};
const mediaLines = (sdp: string | undefined) => sdp?.match(/^m=.*$/gm);

describe("createWebRtcOffer", () => {
  it("is a complete ICE-lite, DTLS-client offer with the mid of a first stream", () => {
    expect(createWebRtcOffer(ours).split("\r\n")).toEqual([
      "v=0",
      "o=- 77 1 IN IP4 192.0.2.50",
      "s=-",
      "t=0 0",
      "a=ice-lite",
      "a=group:BUNDLE 0",
      "a=msid-semantic: WMS *",
      "m=audio 21000 UDP/TLS/RTP/SAVPF 0 8 101",
      "c=IN IP4 192.0.2.50",
      "a=ice-ufrag:ufrg",
      "a=ice-pwd:passwordpasswordpassword",
      "a=candidate:1 1 udp 2130706431 192.0.2.50 21000 typ host",
      "a=end-of-candidates",
      `a=fingerprint:sha-256 ${fingerprint.value}`,
      "a=setup:active",
      "a=mid:0",
      "a=sendrecv",
      "a=msid:nearside nearside-audio",
      "a=rtcp-mux",
      "a=rtpmap:0 PCMU/8000",
      "a=rtpmap:8 PCMA/8000",
      "a=rtpmap:101 telephone-event/8000",
      "a=fmtp:101 0-15",
      "a=ptime:20",
      "a=ssrc:4000000001 cname:nearside",
      "",
    ]);
  });

  it("ranks several candidates by their order", () => {
    const audio = readAudioDescription(
      createWebRtcOffer({
        ...ours,
        candidates: [
          { host: "2001:db8::1", port: 1 },
          { host: "192.0.2.1", port: 2 },
        ],
      }),
    );
    expect(audio).toMatchObject({ host: "2001:db8::1", port: 1 });
    expect(audio?.candidates.map((one) => one.host)).toEqual(["2001:db8::1", "192.0.2.1"]);
    const [first, second] = audio?.candidates ?? [];
    expect(first?.priority).toBeGreaterThan(second?.priority ?? Infinity);
  });

  it("needs a candidate: an offer without one is our own mistake", () => {
    expect(() => createWebRtcOffer({ ...ours, candidates: [] })).toThrow(TypeError);
  });
});

describe("createWebRtcAnswer", () => {
  it.each([
    ["chromium-offer", 126],
    ["firefox-offer", 101],
  ])("answers %s as DTLS client with ICE-lite at session level", (name, telephoneEventPayloadType) => {
    const answer = createWebRtcAnswer({ ...ours, offer: sdpFixture(name) });
    expect(answer?.audio).toEqual({ codec: "PCMU", payloadType: 0, telephoneEventPayloadType });
    const [session, media] = answer?.sdp.split(/(?=^m=)/m) ?? [];
    expect(session).toContain("a=ice-lite\r\n");
    expect(session).toContain("a=group:BUNDLE 0\r\n");
    expect(media).toContain("a=setup:active\r\n");
    expect(media).toContain("a=mid:0\r\n");
    expect(media).toContain("a=rtcp-mux\r\n");
    expect(media).toContain("a=end-of-candidates\r\n");
    expect(media).toContain("a=ssrc:4000000001 cname:nearside\r\n");
  });

  it.each(["chromium", "firefox"])("refuses %s's video and data outside the bundle", (browser) => {
    const sdp = createWebRtcAnswer({ ...ours, offer: sdpFixture(`${browser}-audio-video-data-offer`) })?.sdp ?? "";
    expect(mediaLines(sdp)?.map((line) => line.split(" ").slice(0, 2).join(" "))).toEqual([
      "m=audio 21000",
      "m=video 0",
      "m=application 0",
    ]);
    expect(sdp.match(/^a=mid:.*$/gm)).toEqual(["a=mid:0", "a=mid:1", "a=mid:2"]);
    expect(sdp).toContain("a=group:BUNDLE 0\r\n");
  });

  it("answers a hold with recvonly", () => {
    const offer = sdpFixture("chromium-offer").replace("a=sendrecv", "a=sendonly");
    expect(readAudioDescription(createWebRtcAnswer({ ...ours, offer })?.sdp ?? "")?.direction).toBe("recvonly");
  });

  it("makes no bundle where none was offered", () => {
    const offer = sdpFixture("chromium-offer").replace("a=group:BUNDLE 0\r\n", "");
    expect(createWebRtcAnswer({ ...ours, offer })?.sdp).not.toContain("BUNDLE");
  });

  it.each([
    [
      "a peer that insists on being the DTLS client",
      sdpFixture("chromium-offer").replace("a=setup:actpass", "a=setup:active"),
    ],
    ["a peer without rtcp-mux", sdpFixture("chromium-offer").replace("a=rtcp-mux\r\n", "")],
    ["a peer without a fingerprint", sdpFixture("chromium-offer").replace(/a=fingerprint.*\r\n/, "")],
    ["a peer without ICE", sdpFixture("chromium-offer").replace(/a=ice-ufrag.*\r\n/, "")],
    ["plain RTP", sdpFixture("baresip-offer")],
    ["no shared codec", sdpFixture("chromium-offer").replace(" 9 0 8 13", " 9 13")],
    ["no SDP", ""],
  ])("refuses %s", (_, offer) => {
    expect(createWebRtcAnswer({ ...ours, offer })).toBeUndefined();
  });
});

describe("createAdoptionOffer", () => {
  const move = {
    version: 1001,
    ufrag: "new1",
    pwd: "newpasswordnewpassword00",
    candidates: [{ host: "198.51.100.7", port: 22_000 }],
  };
  const sent: readonly (readonly [string, string])[] = [
    ["our offer", createWebRtcOffer(ours)],
    [
      "our answer to Chromium",
      createWebRtcAnswer({ ...ours, offer: sdpFixture("chromium-audio-video-data-offer") })?.sdp ?? "",
    ],
    [
      "our answer to Firefox",
      createWebRtcAnswer({ ...ours, offer: sdpFixture("firefox-audio-video-data-offer") })?.sdp ?? "",
    ],
  ];

  it.each(sent)("changes only the version, the ICE credentials and the candidate of %s", (_, last) => {
    const lines = new Set(last.split("\r\n"));
    const offer = createAdoptionOffer(last, move).split("\r\n");
    expect(offer).toHaveLength(last.split("\r\n").length);
    expect(offer.filter((line) => !lines.has(line)).map((line) => line.replace(/ .*/, ""))).toEqual([
      "o=-",
      "m=audio",
      "c=IN",
      "a=ice-ufrag:new1",
      "a=ice-pwd:newpasswordnewpassword00",
      "a=candidate:1",
    ]);
  });

  it.each(sent)("keeps the order of streams, mids, fingerprint, role and SSRC of %s", (_, last) => {
    const before = readAudioDescription(last);
    const after = readAudioDescription(createAdoptionOffer(last, move));
    expect(after).toEqual({
      ...before,
      host: "198.51.100.7",
      port: 22_000,
      sessionVersion: "1001",
      ice: { ufrag: "new1", pwd: "newpasswordnewpassword00", lite: true },
      candidates: [expect.objectContaining({ host: "198.51.100.7", port: 22_000, type: "host" })],
    });
    expect(after?.setup).toBe("active");
  });

  it("may be repeated: the second adopter offers the first one's offer again", () => {
    const twice = createAdoptionOffer(createAdoptionOffer(createWebRtcOffer(ours), { ...move, ufrag: "midd" }), move);
    expect(twice).toBe(createAdoptionOffer(createWebRtcOffer(ours), move));
  });

  it("holds for every address and number of candidates", () => {
    const candidates = fc.array(
      fc.record({ host: fc.constantFrom("192.0.2.1", "2001:db8::5"), port: fc.integer({ min: 1, max: 65_535 }) }),
      { minLength: 1, maxLength: 4 },
    );
    fc.assert(
      fc.property(candidates, fc.nat(), (list, version) => {
        const read = readAudioDescription(
          createAdoptionOffer(createWebRtcOffer(ours), { ...move, version, candidates: list }),
        );
        expect(read?.candidates.map(({ host, port }) => ({ host, port }))).toEqual(list);
        expect(read?.sessionVersion).toBe(String(version));
      }),
    );
  });
});
