import { afterEach, describe, expect, test, vi } from "vitest";
import type { WebRtcLegMedia } from "#protocol/capsule";
import { CALL, ManualClock, Phone, type PlaneFixture, startPlane } from "../media/media-plane-fixture.ts";
import { Browser } from "./browser-fixture.ts";

const A = `${CALL}.a`;
const B = `${CALL}.b1`;
const SSRC = 0x11223344;
const LOCAL = ["127.0.0.1"];
const opened: { close(): unknown }[] = [];

afterEach(async () => {
  for (const one of opened.splice(0).reverse()) await one.close();
});

async function plane(gateway: string, overrides: Parameters<typeof startPlane>[1] = {}): Promise<PlaneFixture> {
  const fixture = await startPlane(gateway, overrides);
  opened.push(fixture.plane);
  return fixture;
}

function browser(): Browser {
  const one = new Browser();
  opened.push(one);
  return one;
}

/** A phone on leg b1, joined with the browser on leg a. */
async function joinPhone(fixture: PlaneFixture, epoch = 1): Promise<{ phone: Phone; port: number }> {
  const phone = await Phone.open();
  opened.push(phone);
  const address = await fixture.plane.openRtpLeg(B, { epoch: 1, allowedHosts: LOCAL });
  fixture.plane.setRtpPeer(B, {
    host: "127.0.0.1",
    port: phone.port,
    audio: { codec: "PCMU", payloadType: 0 },
    allowedHosts: LOCAL,
    sending: true,
  });
  fixture.plane.join(A, { kind: "local", leg: "b1" }, epoch);
  fixture.plane.join(B, { kind: "local", leg: "a" }, 1);
  return { phone, port: address!.port };
}

async function answered(fixture: PlaneFixture, peer: Browser): Promise<void> {
  const opening = await fixture.plane.openWebRtcLeg(A, {
    epoch: 1,
    remoteSdp: await peer.offer(),
    codecs: ["PCMU"],
    ssrc: SSRC,
  });
  expect(opening).toMatchObject({ ok: true, audio: { codec: "PCMU", payloadType: 0 } });
  if (opening.ok) await peer.accept(opening.localSdp);
  await vi.waitFor(() => expect(fixture.named("secured").length).toBe(1), { timeout: 5000 });
}

function lastSecured(fixture: PlaneFixture): WebRtcLegMedia {
  return fixture.named("secured").at(-1)!.args[1] as WebRtcLegMedia;
}

/** Talks both ways until both heard something that was not heard before. */
async function talk(peer: Browser, phone: Phone, port: number, fill: number): Promise<void> {
  const [heardByBrowser, heardByPhone] = [peer.received.length, phone.received.length];
  let sequence = fill * 100;
  await vi.waitFor(
    async () => {
      sequence += 1;
      peer.speak(fill);
      await phone.send(port, {
        payloadType: 0,
        sequence,
        timestamp: sequence * 160,
        ssrc: 6,
        payload: Buffer.alloc(160, fill + 1),
      });
      expect(peer.received.length).toBeGreaterThan(heardByBrowser);
      expect(phone.received.length).toBeGreaterThan(heardByPhone);
    },
    { timeout: 5000, interval: 20 },
  );
  expect(phone.received.at(-1)!.payload).toEqual(Buffer.alloc(160, fill));
  expect(peer.received.at(-1)!.payload).toEqual(Buffer.alloc(160, fill + 1));
  expect(peer.received.at(-1)!.ssrc).toBe(SSRC);
}

describe("a browser that offers", () => {
  test("is answered, secured, and talks with a phone", async () => {
    const fixture = await plane("us-east");
    const peer = browser();
    await answered(fixture, peer);
    const { phone, port } = await joinPhone(fixture);
    await talk(peer, phone, port, 1);
    const secured = lastSecured(fixture);
    expect(secured).toMatchObject({ kind: "webrtc", audio: { codec: "PCMU" }, outgoing: { ssrc: SSRC } });
    expect(secured.outgoing.indexLimit).toBeLessThan(0x8000 + 28_000);
    expect(secured.localSdp).toContain("a=setup:active");
    expect(fixture.counters.get("media.srtp-forged")).toBeUndefined();
  });

  test("with a fingerprint that is not its certificate's fails without keys", async () => {
    const fixture = await plane("us-east");
    const peer = browser();
    const offer = (await peer.offer()).replace(
      /(?<=a=fingerprint:sha-256 )[0-9A-F]{2}/g,
      // Whatever the first octet is, it is another one now.
      (octet) => (octet === "00" ? "FF" : "00"),
    );
    const opening = await fixture.plane.openWebRtcLeg(A, { epoch: 1, remoteSdp: offer, codecs: ["PCMU"], ssrc: SSRC });
    if (opening.ok) await peer.accept(opening.localSdp);
    await vi.waitFor(
      () => expect(fixture.named("failed").map((event) => event.args)).toEqual([[A, "fingerprint-mismatch"]]),
      { timeout: 5000 },
    );
    expect(fixture.named("secured")).toEqual([]);
    const again = browser();
    const reopened = await fixture.plane.openWebRtcLeg(A, {
      epoch: 1,
      remoteSdp: await again.offer(),
      codecs: ["PCMU"],
      ssrc: SSRC,
    });
    if (reopened.ok) await again.accept(reopened.localSdp);
    await vi.waitFor(() => expect(fixture.named("secured").length).toBe(1), { timeout: 5000 });
  });

  test("without a codec that is shared gets 488 and its port back", async () => {
    const fixture = await plane("us-east");
    const opening = await fixture.plane.openWebRtcLeg(A, {
      epoch: 1,
      remoteSdp: await browser().offer(),
      codecs: ["PCMA"],
      ssrc: SSRC,
    });
    expect(opening).toMatchObject({ ok: false, status: 488 });
    expect(fixture.plane.statistics(A)).toBeUndefined();
  });
});

describe("a browser that is offered", () => {
  test("answers, is secured, and talks with a phone", async () => {
    const fixture = await plane("us-east");
    const peer = browser();
    const opening = await fixture.plane.openWebRtcLeg(A, { epoch: 1, codecs: ["PCMU"], ssrc: SSRC });
    expect(opening.ok).toBe(true);
    const answer = opening.ok ? await peer.answer(opening.localSdp) : "";
    expect(fixture.plane.completeWebRtcLeg(A, answer, ["PCMU"])).toMatchObject({ ok: true, audio: { codec: "PCMU" } });
    await vi.waitFor(() => expect(fixture.named("secured").length).toBe(1), { timeout: 5000 });
    const { phone, port } = await joinPhone(fixture);
    await talk(peer, phone, port, 1);
    expect(fixture.plane.completeWebRtcLeg(A, answer, ["PCMU"])).toMatchObject({ ok: true });
  });

  test("and answers something unusable gets 488", async () => {
    const fixture = await plane("us-east");
    await fixture.plane.openWebRtcLeg(A, { epoch: 1, codecs: ["PCMU"], ssrc: SSRC });
    expect(fixture.plane.completeWebRtcLeg(A, "v=0\r\n", ["PCMU"])).toMatchObject({ ok: false, status: 488 });
    expect(fixture.plane.completeWebRtcLeg(B, "v=0\r\n", ["PCMU"])).toMatchObject({
      ok: false,
      status: 500,
      reason: "unknown-leg",
    });
  });
});

describe("a browser that offers again", () => {
  test("to be put on hold hears nothing until it resumes", async () => {
    const fixture = await plane("us-east");
    const peer = browser();
    await answered(fixture, peer);
    const { phone, port } = await joinPhone(fixture);
    await talk(peer, phone, port, 1);
    const offer = peer.pc.localDescription!.sdp;
    const held = await fixture.plane.openWebRtcLeg(A, {
      epoch: 1,
      remoteSdp: offer.replace("a=sendrecv", "a=inactive"),
      codecs: ["PCMU"],
      ssrc: SSRC,
    });
    expect(held.ok && held.localSdp).toMatch(/^o=\S+ \d+ 2 /m);
    expect(held.ok && held.localSdp).toContain("a=inactive");
    await phone.send(port, { payloadType: 0, sequence: 900, timestamp: 0, ssrc: 6 });
    await vi.waitFor(() => expect(fixture.counters.get("media.sink-not-ready")).toBeGreaterThan(0));
    const resumed = await fixture.plane.openWebRtcLeg(A, { epoch: 1, remoteSdp: offer, codecs: ["PCMU"], ssrc: SSRC });
    expect(resumed.ok && resumed.localSdp).toContain("a=sendrecv");
    await talk(peer, phone, port, 3);
  });

  test("after another leg of the call moved is answered by the same leg, with the same ICE", async () => {
    const fixture = await plane("us-east");
    const peer = browser();
    await answered(fixture, peer);
    const { phone, port } = await joinPhone(fixture);
    await talk(peer, phone, port, 1);
    const offer = peer.pc.localDescription!.sdp;
    const options = { epoch: 2, codecs: ["PCMU"], ssrc: SSRC, again: true } as const;
    const ufragOf = (opening: { ok: boolean; localSdp?: string }): string | undefined =>
      /a=ice-ufrag:(\S+)/.exec(opening.localSdp ?? "")?.[1];
    const held = await fixture.plane.openWebRtcLeg(A, {
      ...options,
      remoteSdp: offer.replace("a=sendrecv", "a=inactive"),
    });
    const resumed = await fixture.plane.openWebRtcLeg(A, { ...options, remoteSdp: offer });
    expect(ufragOf(held)).toBe(ufragOf(resumed));
    await talk(peer, phone, port, 3);
  });

  test("the same offer gets the same answer, and another when the codec has to change", async () => {
    const fixture = await plane("us-east");
    const remoteSdp = (await browser().offer()).replace(/(m=audio \d+ \S+) 0/, "$1 0 8");
    const options = { epoch: 1, remoteSdp, ssrc: SSRC } as const;
    const first = await fixture.plane.openWebRtcLeg(A, { ...options, codecs: ["PCMU"] });
    expect(await fixture.plane.openWebRtcLeg(A, { ...options, codecs: ["PCMU", "PCMA"] })).toEqual(first);
    const second = await fixture.plane.openWebRtcLeg(A, { ...options, codecs: ["PCMA"] });
    expect(second.ok && second.audio?.codec).toBe("PCMA");
  });

  test("the same offer gets the same answer", async () => {
    const fixture = await plane("us-east");
    const remoteSdp = await browser().offer();
    const options = { epoch: 1, remoteSdp, codecs: ["PCMU"], ssrc: SSRC } as const;
    const first = await fixture.plane.openWebRtcLeg(A, options);
    expect(await fixture.plane.openWebRtcLeg(A, options)).toEqual(first);
  });

  test("with new ICE credentials gets new ones, and with another fingerprint 488", async () => {
    const fixture = await plane("us-east");
    const remoteSdp = await browser().offer();
    const options = { epoch: 1, codecs: ["PCMU"], ssrc: SSRC } as const;
    const ufragOf = (opening: { ok: boolean; localSdp?: string }): string | undefined =>
      /a=ice-ufrag:(\S+)/.exec(opening.localSdp ?? "")?.[1];
    const first = await fixture.plane.openWebRtcLeg(A, { ...options, remoteSdp });
    const restarted = await fixture.plane.openWebRtcLeg(A, {
      ...options,
      remoteSdp: remoteSdp.replace(/a=ice-ufrag:\S+/, "a=ice-ufrag:fresh"),
    });
    expect(ufragOf(restarted)).not.toBe(ufragOf(first));
    const stranger = remoteSdp.replace(/(a=fingerprint:sha-256 )[0-9A-F]{2}:[0-9A-F]{2}/g, "$100:00");
    const other = await fixture.plane.openWebRtcLeg(A, { ...options, remoteSdp: stranger });
    expect(other).toMatchObject({ ok: false, status: 488, reason: "fingerprint-changed" });
  });
});

describe("adoption", () => {
  /** The call on `from`, whose gateway dies without a word, goes on at `to`. */
  async function adopt(from: PlaneFixture, to: PlaneFixture, peer: Browser, epoch: number): Promise<void> {
    const leases = from.named("lease").map((event) => event.args[1] as WebRtcLegMedia["outgoing"]);
    const media = lastSecured(from);
    const outgoing = leases.at(-1) ?? media.outgoing;
    peer.expectIndex(SSRC, outgoing.indexLimit);
    await from.plane.close();
    const opening = await to.plane.adoptWebRtcLeg(A, {
      epoch,
      media: { ...media, outgoing },
      sdpVersion: epoch * 1000,
    });
    expect(opening).toMatchObject({ ok: true });
    if (!opening.ok) return;
    expect(opening.localSdp).toMatch(new RegExp(`^o=\\S+ \\d+ ${epoch * 1000} `, "m"));
    const answer = await peer.answer(opening.localSdp);
    expect(to.plane.completeWebRtcLeg(A, answer, ["PCMU"])).toMatchObject({ ok: true });
  }

  test("by a second and a third gateway keeps the browser's keys, and media flows both ways", async () => {
    const [one, two, three] = [await plane("us-east"), await plane("eu-west"), await plane("ap-south")];
    const peer = browser();
    await answered(one, peer);
    const first = await joinPhone(one);
    await talk(peer, first.phone, first.port, 1);
    await adopt(one, two, peer, 2);
    const second = await joinPhone(two, 2);
    await talk(peer, second.phone, second.port, 2);
    await vi.waitFor(() => expect(two.named("secured").length).toBe(1), { timeout: 5000 });
    expect(lastSecured(two).localSdp).not.toBe(lastSecured(one).localSdp);
    await adopt(two, three, peer, 3);
    const third = await joinPhone(three, 3);
    await talk(peer, third.phone, third.port, 3);
    expect([two, three].flatMap((fixture) => fixture.named("failed"))).toEqual([]);
  });

  test("starts at the leased limit and asks for more before it sends", async () => {
    const [one, two] = [await plane("us-east"), await plane("eu-west")];
    const peer = browser();
    await answered(one, peer);
    const { outgoing } = lastSecured(one);
    await adopt(one, two, peer, 2);
    const lease = two.named("lease")[0]!.args[1] as WebRtcLegMedia["outgoing"];
    expect(lease.indexLimit).toBe(outgoing.indexLimit + 1500);
    const { phone, port } = await joinPhone(two, 2);
    await talk(peer, phone, port, 2);
    expect(peer.received[0]!.sequence).toBeGreaterThanOrEqual(outgoing.indexLimit & 0xffff);
    expect(peer.received[0]!.sequence).toBeLessThan((outgoing.indexLimit & 0xffff) + 1500);
  });

  test("is described with the limit that was asked for, granted or not", async () => {
    const [one, two] = [await plane("us-east"), await plane("eu-west")];
    const peer = browser();
    await answered(one, peer);
    await adopt(one, two, peer, 2);
    const { phone, port } = await joinPhone(two, 2);
    await talk(peer, phone, port, 2);
    await vi.waitFor(() => expect(two.named("lease").length).toBe(2), { timeout: 5000 });
    const asked = two.named("lease")[1]!.args[1] as WebRtcLegMedia["outgoing"];
    const offer = peer.pc.localDescription!.sdp;
    await two.plane.openWebRtcLeg(A, {
      epoch: 2,
      remoteSdp: offer.replace("passive", "actpass"),
      codecs: ["PCMU"],
      ssrc: SSRC,
    });
    expect(lastSecured(two).outgoing.indexLimit).toBe(asked.indexLimit);
  });

  test("in the same gateway replaces the leg in place, and a lower epoch is refused", async () => {
    const fixture = await plane("us-east");
    const peer = browser();
    await answered(fixture, peer);
    const media = lastSecured(fixture);
    const opening = await fixture.plane.adoptWebRtcLeg(A, { epoch: 2, media, sdpVersion: 2000 });
    expect(opening.ok).toBe(true);
    expect(await fixture.plane.adoptWebRtcLeg(A, { epoch: 1, media, sdpVersion: 1000 })).toMatchObject({
      ok: false,
      reason: "stale-epoch",
    });
    expect(await fixture.plane.adoptWebRtcLeg(A, { epoch: 2, media, sdpVersion: 2000 })).toEqual(opening);
    peer.expectIndex(SSRC, media.outgoing.indexLimit);
    if (opening.ok) fixture.plane.completeWebRtcLeg(A, await peer.answer(opening.localSdp), ["PCMU"]);
    const { phone, port } = await joinPhone(fixture, 2);
    await talk(peer, phone, port, 4);
  });

  test("with a seal of another leg is refused", async () => {
    const fixture = await plane("us-east");
    const peer = browser();
    await answered(fixture, peer);
    expect(
      await fixture.plane.adoptWebRtcLeg(B, { epoch: 2, media: lastSecured(fixture), sdpVersion: 2000 }),
    ).toMatchObject({ ok: false, reason: "seal-broken" });
  });

  test("with the wrong keys says so a second after the browser's first check", async () => {
    const [one, two] = [await plane("us-east"), await plane("eu-west")];
    const [peer, other] = [browser(), browser()];
    await answered(one, peer);
    const right = lastSecured(one);
    await answered(two, other);
    const wrong = lastSecured(two);
    await one.plane.close();
    two.plane.closeLeg(A);
    const opening = await two.plane.adoptWebRtcLeg(A, {
      epoch: 2,
      media: { ...right, sealed: wrong.sealed },
      sdpVersion: 2000,
    });
    if (opening.ok) two.plane.completeWebRtcLeg(A, await peer.answer(opening.localSdp), ["PCMU"]);
    await vi.waitFor(
      () => {
        peer.speak(1);
        expect(two.named("failed").map((event) => event.args)).toEqual([[A, "keys-refused"]]);
      },
      { timeout: 5000, interval: 50 },
    );
  });

  test("with a browser that sends nothing keeps the leg, whatever its direction says", async () => {
    const clock = new ManualClock();
    const [one, two] = [await plane("us-east"), await plane("eu-west", { clock })];
    const peer = browser();
    await answered(one, peer);
    const media = lastSecured(one);
    await one.plane.close();
    const opening = await two.plane.adoptWebRtcLeg(A, { epoch: 2, media, sdpVersion: 2000 });
    if (opening.ok) two.plane.completeWebRtcLeg(A, await peer.answer(opening.localSdp), ["PCMU"]);
    await vi.waitFor(() => expect(two.named("secured").length).toBe(1), { timeout: 5000 });
    // Longer than keys have to prove themselves.
    clock.advance(1_500);
    expect(two.named("failed")).toEqual([]);
  });
});
