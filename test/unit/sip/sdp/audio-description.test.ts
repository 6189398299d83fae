import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isDtlsSrtp, isPlainRtp, readAudioDescription, remoteIce } from "../../../../sip/sdp/audio-description.ts";
import { SDP_LIMIT, sdpProblem, sdpStatus } from "../../../../sip/sdp/session-description.ts";
import { sdpFixture } from "./fixture.ts";

const PLAIN = ["v=0", "o=- 1 2 IN IP4 192.0.2.1", "s=-", "c=IN IP4 192.0.2.1", "t=0 0", "m=audio 4000 RTP/AVP 0 8"];
const sdp = (...lines: readonly string[]) => `${lines.join("\r\n")}\r\n`;

describe("real offers", () => {
  it.each([
    [
      "sipp-offer",
      {
        host: "127.0.0.1",
        port: 6000,
        protocol: "RTP/AVP",
        codecs: ["PCMU"],
        event: undefined,
        id: "53655765",
        version: "2353687637",
      },
    ],
    [
      "baresip-offer",
      {
        host: "192.0.2.2",
        port: 44706,
        protocol: "RTP/AVP",
        codecs: ["PCMU", "PCMA"],
        event: 101,
        id: "1686314214",
        version: "747441610",
      },
    ],
    [
      "linphone-offer",
      {
        host: "fd00::2",
        port: 7078,
        protocol: "RTP/AVP",
        codecs: ["OPUS", "SPEEX", "SPEEX", "PCMU", "PCMA", "G729"],
        event: 101,
        id: "103",
        version: "1525",
      },
    ],
    [
      "chromium-offer",
      {
        host: "192.0.2.2",
        port: 33343,
        protocol: "UDP/TLS/RTP/SAVPF",
        codecs: ["OPUS", "RED", "G722", "PCMU", "PCMA"],
        event: 126,
        id: "3854288226707978415",
        version: "2",
      },
    ],
    [
      "firefox-offer",
      {
        host: "192.0.2.2",
        port: 57417,
        protocol: "UDP/TLS/RTP/SAVPF",
        codecs: ["OPUS", "G722", "PCMU", "PCMA"],
        event: 101,
        id: "2022953384841569308",
        version: "0",
      },
    ],
  ])("reads the address, codecs and versions of %s", (name, expected) => {
    const audio = readAudioDescription(sdpFixture(name));
    expect(audio).toMatchObject({
      host: expected.host,
      port: expected.port,
      protocol: expected.protocol,
      direction: "sendrecv",
      held: false,
      sessionId: expected.id,
      sessionVersion: expected.version,
      mediaIndex: 0,
      mediaCount: 1,
    });
    expect(audio?.codecs.map((codec) => codec.name)).toEqual(expected.codecs);
    expect(audio?.telephoneEventPayloadType).toBe(expected.event);
  });

  it("reads what DTLS and ICE need from Chromium's media section", () => {
    const audio = readAudioDescription(sdpFixture("chromium-offer"));
    expect(audio).toMatchObject({
      mid: "0",
      ice: { ufrag: "So1C", pwd: "8MzfiBc/gjLCC2pYmUUeH0fk", lite: false },
      setup: "actpass",
      ssrc: 3370115904,
      rtcpMux: true,
    });
    expect(audio?.fingerprint?.algorithm).toBe("sha-256");
    expect(audio?.candidates.map(({ transport, host, port, type }) => `${transport} ${host} ${port} ${type}`)).toEqual([
      "udp 192.0.2.2 33343 host",
      "udp fd00::2 54790 host",
      "tcp 192.0.2.2 9 host",
      "tcp fd00::2 9 host",
    ]);
  });

  it("finds Firefox's fingerprint at session level", () => {
    expect(readAudioDescription(sdpFixture("firefox-offer"))?.fingerprint?.value).toMatch(/^05:91:F2:/);
  });

  it.each(["chromium", "firefox"])("does not take %s's placeholder address of trickle ICE for hold", (browser) => {
    expect(readAudioDescription(sdpFixture(`${browser}-audio-video-data-offer`))).toMatchObject({
      host: "0.0.0.0",
      port: 9,
      held: false,
      mediaCount: 3,
    });
  });

  it("hands out the ICE credentials alone, and none for a phone", () => {
    expect(remoteIce(sdpFixture("firefox-offer"))).toEqual({
      ufrag: "83d85121",
      pwd: "9859a11cb07eb59128afa11fdd5a0aec",
    });
    expect(remoteIce(sdpFixture("baresip-offer"))).toBeUndefined();
  });
});

describe("choice of the m-line", () => {
  it("knows PCMU and PCMA without rtpmap", () => {
    expect(readAudioDescription(sdp(...PLAIN))?.codecs).toEqual([
      { name: "PCMU", payloadType: 0, clockRate: 8000, channels: 1 },
      { name: "PCMA", payloadType: 8, clockRate: 8000, channels: 1 },
    ]);
  });

  it("prefers plain RTP to an SDES line before it", () => {
    const audio = readAudioDescription(
      sdp(
        ...PLAIN.slice(0, 5),
        "m=audio 4000 RTP/SAVP 0",
        "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:x",
        "m=audio 4002 RTP/AVP 8",
      ),
    );
    expect(audio).toMatchObject({ port: 4002, mediaIndex: 1, mediaCount: 2 });
  });

  it("shows an SDES line when there is no other, as neither plain nor DTLS", () => {
    const audio = readAudioDescription(sdp(...PLAIN.slice(0, 5), "m=audio 4000 RTP/SAVP 0"));
    expect(audio?.protocol).toBe("RTP/SAVP");
    expect(audio !== undefined && (isPlainRtp(audio) || isDtlsSrtp(audio))).toBe(false);
  });

  it.each([
    ["refused streams", ["m=audio 0 RTP/AVP 0", "m=audio 4002 RTP/AVP 0"], 1],
    ["video", ["m=video 4000 RTP/AVP 96", "m=audio 4002 RTP/AVP 0"], 1],
    ["streams without known formats", ["m=audio 4000 RTP/AVP *", "m=audio 4002 RTP/AVP 0"], 1],
  ])("skips %s", (_, media, index) => {
    expect(readAudioDescription(sdp(...PLAIN.slice(0, 5), ...media))?.mediaIndex).toBe(index);
  });

  it("takes the media section's address before the session's", () => {
    expect(readAudioDescription(sdp(...PLAIN, "c=IN IP6 2001:db8::9"))?.host).toBe("2001:db8::9");
  });
});

describe("hold", () => {
  it.each([
    ["a=sendrecv", "sendrecv", false],
    ["a=recvonly", "recvonly", false],
    ["a=sendonly", "sendonly", true],
    ["a=inactive", "inactive", true],
    ["c=IN IP4 0.0.0.0", "sendrecv", true],
    ["c=IN IP6 ::", "sendrecv", true],
  ])("reads %s", (line, direction, held) => {
    expect(readAudioDescription(sdp(...PLAIN, line))).toMatchObject({ direction, held });
  });

  it("takes a direction at session level for all streams that have none of their own", () => {
    const lines = [...PLAIN.slice(0, 5), "a=sendonly", "m=audio 4000 RTP/AVP 0"];
    expect(readAudioDescription(sdp(...lines))?.held).toBe(true);
    expect(readAudioDescription(sdp(...lines, "a=sendrecv"))?.held).toBe(false);
  });
});

describe("bad input", () => {
  it.each([
    ["nothing", ""],
    ["something else", "hello"],
    ["no audio", sdp(...PLAIN.slice(0, 5))],
    ["a port out of range", sdp(...PLAIN.slice(0, 5), "m=audio 70000 RTP/AVP 0")],
    ["an address that is none", sdp(...PLAIN.slice(0, 3), "c=IN IP4 999.1.1.1", "m=audio 4000 RTP/AVP 0")],
    ["no address", sdp(...PLAIN.slice(0, 3), "m=audio 4000 RTP/AVP 0")],
    ["21 m-lines", sdp(...PLAIN, ...Array.from({ length: 20 }, () => "m=video 1 RTP/AVP 96"))],
    ["more than 64 kB", sdp(...PLAIN, `a=x:${"y".repeat(65_536)}`)],
  ])("is no description: %s", (_, text) => {
    expect(readAudioDescription(text)).toBeUndefined();
  });

  it("reads no more than 100 candidates", () => {
    const candidates = Array.from(
      { length: 200 },
      (_, index) => `a=candidate:${index} 1 udp 1 192.0.2.1 ${index + 1} typ host`,
    );
    expect(readAudioDescription(sdp(...PLAIN, ...candidates))?.candidates).toHaveLength(100);
  });

  it.each(["a=ice-ufrag:ab", "a=ice-ufrag:has space", "a=ice-ufrag:colon:colon"])(
    "ignores ICE credentials that STUN could not carry: %s",
    (line) => {
      expect(readAudioDescription(sdp(...PLAIN, line, `a=ice-pwd:${"p".repeat(22)}`))?.ice).toBeUndefined();
    },
  );

  it("ignores a mid that is no token, since it would be echoed", () => {
    expect(readAudioDescription(sdp(...PLAIN, "a=mid:0 a=x"))?.mid).toBeUndefined();
  });

  it("never throws, whatever lines are mixed", () => {
    const offers = ["chromium-audio-video-data-offer", "firefox-offer", "linphone-offer", "baresip-offer"].map(
      sdpFixture,
    );
    const line = fc.oneof(
      fc.constantFrom(...offers.flatMap((text) => text.split("\r\n"))),
      fc.string(),
      fc.string().map((text) => `a=${text}`),
      fc.string().map((text) => `m=audio ${text}`),
    );
    fc.assert(
      fc.property(fc.array(line, { maxLength: 40 }), (lines) => {
        const read = readAudioDescription(`v=0\r\n${lines.join("\r\n")}`);
        expect(read === undefined || read.port <= 65_535).toBe(true);
      }),
      { numRuns: 300 },
    );
  });
});

describe("an SDP that nobody should carry", () => {
  const text = sdp(...PLAIN);

  it.each([
    ["NUL", "\0"],
    ["an escape sequence", "\u001b[2J"],
    ["DEL", "\u007f"],
    ["a vertical tab", "\v"],
  ])("is not read: %s", (_what, control) => {
    expect(sdpProblem(`${text}a=x:${control}\r\n`)).toBe("sdp-with-controls");
    expect(readAudioDescription(`${text}a=x:${control}\r\n`)).toBeUndefined();
  });

  it("is not read when it is longer than 16 Ki characters", () => {
    const filled = (length: number): string => `${text}a=x:${"y".repeat(length - text.length - 6)}\r\n`;
    expect(filled(SDP_LIMIT)).toHaveLength(16 * 1024);
    expect(readAudioDescription(filled(SDP_LIMIT))).toBeDefined();
    expect(readAudioDescription(filled(SDP_LIMIT + 1))).toBeUndefined();
    expect(sdpStatus(sdpProblem(filled(SDP_LIMIT + 1))!)).toBe(413);
  });

  it("may hold tabs and any letters", () => {
    expect(sdpProblem(`${text}a=x:\t\u00e9\u65e5\r\n`)).toBeUndefined();
  });
});
