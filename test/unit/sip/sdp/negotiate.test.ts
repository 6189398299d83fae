import { describe, expect, it } from "vitest";
import { readAudioDescription } from "../../../../sip/sdp/audio-description.ts";
import { negotiateAudio, supportedCodecs } from "../../../../sip/sdp/negotiate.ts";
import type { CodecName } from "../../../../protocol/media.ts";
import { sdpFixture } from "./fixture.ts";

const audioSdp = (formats: string, ...lines: readonly string[]) =>
  [
    "v=0",
    "o=- 1 1 IN IP4 192.0.2.1",
    "s=-",
    "c=IN IP4 192.0.2.1",
    "t=0 0",
    `m=audio 4000 RTP/AVP ${formats}`,
    ...lines,
    "",
  ].join("\r\n");

describe("supportedCodecs", () => {
  it.each<[string, string, readonly CodecName[], readonly CodecName[]]>([
    ["keeps the offer's order", audioSdp("8 0"), ["PCMU", "PCMA"], ["PCMA", "PCMU"]],
    ["leaves out what Nearside does not know", audioSdp("9 18 0"), ["PCMU", "PCMA"], ["PCMU"]],
    ["leaves out what is not wanted", audioSdp("0 8"), ["PCMA"], ["PCMA"]],
    ["names a codec once", audioSdp("0 96", "a=rtpmap:96 pcmu/8000"), ["PCMU", "PCMA"], ["PCMU"]],
    ["takes G.711 at another rate for another codec", audioSdp("96", "a=rtpmap:96 PCMU/16000"), ["PCMU"], []],
    ["finds none without audio", "", ["PCMU"], []],
  ])("%s", (_, sdp, preference, expected) => {
    expect(supportedCodecs(sdp, preference)).toEqual(expected);
  });

  it.each(["chromium-offer", "firefox-offer", "baresip-offer", "linphone-offer"])(
    "finds both G.711 laws in %s",
    (name) => {
      expect(supportedCodecs(sdpFixture(name), ["PCMU", "PCMA"])).toEqual(["PCMU", "PCMA"]);
    },
  );
});

describe("negotiateAudio", () => {
  const negotiate = (sdp: string, codecs: readonly CodecName[]) => {
    const description = readAudioDescription(sdp);
    return description === undefined ? undefined : negotiateAudio(description, codecs);
  };

  it("takes the first wanted codec with the peer's payload types", () => {
    expect(negotiate(sdpFixture("chromium-offer"), ["PCMA", "PCMU"])).toEqual({
      codec: "PCMA",
      payloadType: 8,
      telephoneEventPayloadType: 126,
    });
    expect(negotiate(audioSdp("97 96", "a=rtpmap:96 PCMU/8000", "a=rtpmap:97 telephone-event/8000"), ["PCMU"])).toEqual(
      {
        codec: "PCMU",
        payloadType: 96,
        telephoneEventPayloadType: 97,
      },
    );
  });

  it("goes on to the next when the first is missing, and names no telephone-event that was not offered", () => {
    expect(negotiate(sdpFixture("sipp-offer"), ["PCMA", "PCMU"])).toEqual({ codec: "PCMU", payloadType: 0 });
  });

  it("finds nothing when nothing is shared", () => {
    expect(negotiate(sdpFixture("sipp-offer"), ["PCMA"])).toBeUndefined();
  });
});
