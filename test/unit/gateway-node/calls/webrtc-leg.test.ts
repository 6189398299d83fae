import { beforeEach, describe, expect, it } from "vitest";
import type { OutgoingStreamLease, WebRtcLegMedia } from "../../../../protocol/capsule.ts";
import { UNANSWERED_LIMIT_MS } from "../../../../gateway-node/calls/webrtc-leg.ts";
import { A, CallLab, TAG_A } from "../support/call-lab.ts";
import { settle } from "../support/virtual-clock.ts";

const lease: OutgoingStreamLease = { ssrc: 1, indexLimit: 28_000, timestamp: 0, atMs: 0 };
const media: WebRtcLegMedia = {
  kind: "webrtc",
  localSdp: "l",
  remoteSdp: "r",
  audio: { codec: "PCMU", payloadType: 0 },
  sealed: "s",
  peer: { host: "192.0.2.7", port: 1 },
  outgoing: lease,
};

let lab: CallLab;

beforeEach(() => {
  lab = new CallLab();
});

const open = (): Promise<void> =>
  lab.command({ kind: "open-webrtc-leg", leg: A, remoteSdp: "offer", codecs: ["PCMU"], ssrc: 1 });

describe("a browser's media leg", () => {
  it("is opened, joined, secured, leased and released as the Call object says", async () => {
    await open();
    expect(lab.event("webrtc-leg-ready").localSdp).toBe("local");
    await lab.command({ kind: "join-leg", leg: A, join: { kind: "echo" } });
    lab.reports.onSecured(TAG_A, media);
    lab.reports.onLeaseWanted(TAG_A, lease, undefined);
    await settle();
    await lab.command({ kind: "grant-lease", leg: A, lease });
    await lab.command({ kind: "complete-webrtc-leg", leg: A, remoteSdp: "answer", codecs: ["PCMU"] });
    await lab.command({ kind: "release-leg", leg: A });
    expect(lab.media.trace).toEqual(["open-webrtc a", "join a echo", "lease a", "complete-webrtc a answer", "close a"]);
    expect(lab.eventKinds()).toEqual([
      "webrtc-leg-ready",
      "webrtc-leg-secured",
      "lease-wanted",
      "webrtc-leg-ready",
      "leg-statistics",
    ]);
    expect(lab.legs.size).toBe(0);
  });

  it("that the media plane refuses is reported and forgotten", async () => {
    lab.media.webRtc = { ok: false, status: 488, reason: "no-codec" };
    await open();
    expect(lab.event("webrtc-leg-refused")).toMatchObject({ status: 488, reason: "no-codec" });
    expect(lab.legs.size).toBe(0);
  });

  it("that offers again stays what it is, whatever becomes of the offer, and when other legs have moved meanwhile", async () => {
    await open();
    lab.reports.onSecured(TAG_A, media);
    await settle();
    lab.media.webRtc = { ok: false, status: 488, reason: "fingerprint-changed" };
    await lab.command({ kind: "open-webrtc-leg", leg: A, remoteSdp: "other", codecs: ["PCMU"], ssrc: 1 }, 2);
    expect(lab.event("webrtc-leg-refused").reason).toBe("fingerprint-changed");
    expect(lab.legs.size).toBe(1);
    lab.reports.onWebRtcFailed(TAG_A, "gone");
    await settle();
    expect(lab.eventKinds()).toContain("leg-ended");
  });

  it("is adopted with a higher epoch while the old one is still here", async () => {
    await open();
    await lab.command({ kind: "adopt-webrtc-leg", leg: A, media, sdpVersion: 5 }, 2);
    expect(lab.event("webrtc-leg-ready").epoch).toBe(2);
    expect(lab.media.trace).toEqual(["open-webrtc a", "adopt-webrtc a 5"]);
  });

  it.each([
    ["before DTLS", false, "webrtc-leg-refused"],
    ["after DTLS", true, "leg-ended"],
  ] as const)("that fails %s is reported so", async (_when, secured, kind) => {
    await open();
    if (secured) lab.reports.onSecured(TAG_A, media);
    lab.reports.onWebRtcFailed(TAG_A, "dtls-timeout");
    await settle();
    expect(lab.eventKinds()).toContain(kind);
    expect(lab.legs.size).toBe(0);
  });

  it("whose offer nobody answers is given up, and one that is answered is not", async () => {
    await lab.command({ kind: "open-webrtc-leg", leg: A, codecs: ["PCMU"], ssrc: 1 });
    lab.clock.advance(UNANSWERED_LIMIT_MS - 1);
    expect(lab.legs.size).toBe(1);
    lab.clock.advance(1);
    expect(lab.event("webrtc-leg-refused")).toMatchObject({ status: 408, reason: "no-answer" });
    expect(lab.legs.size).toBe(0);
    expect(lab.media.trace.at(-1)).toBe("close a");

    await lab.command({ kind: "open-webrtc-leg", leg: A, codecs: ["PCMU"], ssrc: 1 }, 2);
    await lab.command({ kind: "complete-webrtc-leg", leg: A, remoteSdp: "answer", codecs: ["PCMU"] }, 2);
    lab.clock.advance(2 * UNANSWERED_LIMIT_MS);
    expect(lab.legs.size).toBe(1);
  });

  it("that falls silent is ended", async () => {
    await open();
    lab.reports.onMediaTimeout(TAG_A);
    await settle();
    expect(lab.event("leg-ended").cause).toBe("media-timeout");
    expect(lab.legs.size).toBe(0);
  });

  it("takes no command that is meant for a phone", async () => {
    await open();
    await lab.command({ kind: "answer-leg", leg: A, codec: "PCMU" });
    expect(lab.count("calls.leg-kind-mismatch.answer-leg")).toBe(1);
  });
});
