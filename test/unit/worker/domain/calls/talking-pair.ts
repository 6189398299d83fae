/** Two who talk, each a phone or a browser, and what either says within its dialog. */
import type { WebRtcLegMedia } from "#protocol/capsule";
import { callTag } from "#protocol/ids";
import type { CallToken, EndpointId, LegId } from "#protocol/ids";
import type { DialogState } from "#sip/dialog/dialog-state";
import { CallWorld, DOMAIN, PHONE_AUDIO, TOKEN, browserRoute, capsule, phoneRoute } from "./call-world.ts";

export type PeerKind = "phone" | "browser";

export const legId = (id: string): LegId => id as LegId;

export const browserSdp = (ufrag: string): string =>
  [
    "v=0",
    "o=- 1 1 IN IP4 0.0.0.0",
    "s=-",
    "t=0 0",
    "a=group:BUNDLE 0",
    "m=audio 9 UDP/TLS/RTP/SAVPF 0 8 126",
    "c=IN IP4 0.0.0.0",
    `a=ice-ufrag:${ufrag}`,
    "a=ice-pwd:0123456789abcdef01234567",
    `a=fingerprint:sha-256 ${Array.from({ length: 32 }, () => "AA").join(":")}`,
    "a=setup:actpass",
    "a=mid:0",
    "a=sendrecv",
    "a=rtcp-mux",
    "a=rtpmap:0 PCMU/8000",
    "a=rtpmap:8 PCMA/8000",
    "a=rtpmap:126 telephone-event/8000",
    "",
  ].join("\r\n");

const media: WebRtcLegMedia = {
  kind: "webrtc",
  localSdp: browserSdp("gAAA"),
  remoteSdp: browserSdp("uAAA"),
  audio: { codec: "PCMU", payloadType: 0 },
  sealed: "sealed",
  peer: { host: "192.0.2.9", port: 5000 },
  outgoing: { ssrc: 7, indexLimit: 30_000, timestamp: 0, atMs: 0 },
};

export function sipText(lines: readonly string[], body = "", contentType = "application/sdp"): string {
  const type = body === "" ? [] : [`Content-Type: ${contentType}`];
  return [...lines, ...type, `Content-Length: ${body.length}`, "", body].join("\r\n");
}

/** INVITE of a browser outside a dialog. */
export function browserInvite(options: {
  readonly from: string;
  readonly to: string;
  readonly callId: string;
  readonly headers?: readonly string[];
}): string {
  const { from, to, callId, headers = [] } = options;
  return sipText(
    [
      `INVITE sip:${to}@${DOMAIN} SIP/2.0`,
      `Via: SIP/2.0/WS x.invalid;branch=z9hG4bK${callId}`,
      `From: <sip:${from}@${DOMAIN}>;tag=f-${callId}`,
      `To: <sip:${to}@${DOMAIN}>`,
      `Call-ID: ${callId}`,
      "CSeq: 1 INVITE",
      "Max-Forwards: 70",
      `Contact: <sip:${callId}@x.invalid;transport=ws>`,
      ...headers,
    ],
    browserSdp("uAAA"),
  );
}

/** What a browser answers to the last request that its leg was sent. */
export function browserAnswers(world: CallWorld, leg: string, status: number, body = ""): void {
  const request = world.sip.findLast((sent) => sent.leg === leg);
  const found = world.state?.legs.find((entry) => entry.leg === leg);
  if (request === undefined || found?.kind !== "browser") throw new Error(`nothing was sent to ${leg}`);
  const fields = request.text.split("\r\n").filter((line) => /^(Via|From|Call-ID|CSeq):/.test(line));
  const to = /^To: (.*)$/m.exec(request.text)?.[1]?.trim() ?? "";
  const text = sipText(
    [
      `SIP/2.0 ${status} Test`,
      ...fields,
      `To: ${to.includes("tag=") ? to : `${to};tag=t-${leg}`}`,
      `Contact: <sip:${leg}@y.invalid;transport=ws>`,
    ],
    body,
  );
  world.browser(found.identity, found.socket, text);
}

/** A request of the leg's peer within its dialog. */
export function browserSays(world: CallWorld, leg: string, method: string, headers: readonly string[] = []): void {
  const found = world.state?.legs.find((entry) => entry.leg === leg);
  const dialog: DialogState | undefined = found?.kind === "browser" ? found.dialog : undefined;
  if (found?.kind !== "browser" || dialog === undefined) throw new Error(`${leg} has no dialog with a browser`);
  const cseq = Math.max(dialog.remoteCseq, 0) + 1;
  const text = sipText([
    `${method} sip:${callTag(world.token, legId(leg))}@${DOMAIN} SIP/2.0`,
    `Via: SIP/2.0/WS x.invalid;branch=z9hG4bK${leg}${method}${cseq}`,
    `From: ${dialog.remoteUri};tag=${dialog.remoteTag ?? ""}`,
    `To: ${dialog.localUri};tag=${dialog.localTag}`,
    `Call-ID: ${dialog.callId}`,
    `CSeq: ${cseq} ${method}`,
    "Max-Forwards: 70",
    `Contact: <sip:${leg}@x.invalid;transport=ws>`,
    ...headers,
  ]);
  world.browser(found.identity, found.socket, text);
}

/** The gateway that holds the leg. */
export function holderOf(world: CallWorld, leg: string): string {
  return world.state?.legs.find((entry) => entry.leg === leg)?.holder ?? "";
}

export interface PairOptions {
  readonly token?: CallToken;
  readonly from?: string;
  readonly to?: string;
  readonly callerGateway?: string;
  readonly calleeGateway?: string;
}

/** Alice (leg a) at us-east talks with bob (leg b1) at eu-west, unless told otherwise. */
export function talkingPair(caller: PeerKind, callee: PeerKind, options: PairOptions = {}): CallWorld {
  const { token = TOKEN, from = "alice", to = "bob", callerGateway = "us-east", calleeGateway = "eu-west" } = options;
  const world = new CallWorld(token);
  if (caller === "phone") world.phoneCalls(to, callerGateway, DOMAIN, { from });
  else world.browser(from, "s1", browserInvite({ from, to, callId: "browser-1" }));
  world.located(callee === "phone" ? phoneRoute("desk", calleeGateway) : browserRoute("tab", calleeGateway));
  answerAs(world, "b1", callee);
  if (caller === "browser") {
    world.event(holderOf(world, "a"), { kind: "webrtc-leg-ready", leg: legId("a"), localSdp: browserSdp("gAAA") });
    browserSays(world, "a", "ACK");
    world.event(holderOf(world, "a"), { kind: "webrtc-leg-secured", leg: legId("a"), media });
  } else world.event(callerGateway, { kind: "leg-confirmed", leg: legId("a"), capsule: capsule("confirmed") });
  world.told();
  world.said();
  return world;
}

/** The device of this leg rings, and answers. */
export function answerAs(world: CallWorld, leg: string, kind: PeerKind): void {
  ringAs(world, leg, kind);
  const id = legId(leg);
  const gateway = holderOf(world, leg);
  if (kind === "phone") {
    world.event(gateway, { kind: "leg-answered", leg: id, capsule: capsule("confirmed"), audio: PHONE_AUDIO });
    return;
  }
  browserAnswers(world, leg, 200, browserSdp("uBBB"));
  world.event(gateway, { kind: "webrtc-leg-secured", leg: id, media });
}

export function ringAs(world: CallWorld, leg: string, kind: PeerKind): void {
  const gateway = holderOf(world, leg);
  if (kind === "phone") return world.event(gateway, { kind: "leg-ringing", leg: legId(leg), status: 180 });
  world.event(gateway, { kind: "webrtc-leg-ready", leg: legId(leg), localSdp: browserSdp("gBBB") });
  browserAnswers(world, leg, 180);
}

/** REFER of the leg's peer; `cseq` is that of phones. */
export function refer(world: CallWorld, leg: string, kind: PeerKind, referTo: string, cseq = 7): void {
  if (kind === "browser") return browserSays(world, leg, "REFER", [`Refer-To: ${referTo}`]);
  world.event(holderOf(world, leg), { kind: "refer-received", leg: legId(leg), cseq, referTo, subscribes: true });
}

/** BYE of the leg's peer. */
export function hangUp(world: CallWorld, leg: string, kind: PeerKind): void {
  if (kind === "browser") return browserSays(world, leg, "BYE");
  world.event(holderOf(world, leg), { kind: "leg-ended", leg: legId(leg), cause: "bye" });
}

/** The NOTIFYs that this leg's peer got so far, by the status line that they carry. */
export function notified(world: CallWorld, leg: string): readonly string[] {
  const toBrowsers = world.effects.flatMap((effect) =>
    effect.kind === "send-sip" && effect.leg === leg && effect.text.startsWith("NOTIFY")
      ? [
          `${/^Subscription-State: (\w+)/m.exec(effect.text)?.[1] ?? ""} ${effect.text.split("\r\n\r\n")[1]?.trim() ?? ""}`,
        ]
      : [],
  );
  const toPhones = world.effects.flatMap((effect) =>
    effect.kind === "send-command" && effect.command.command.kind === "notify-leg" && effect.command.command.leg === leg
      ? [`${effect.command.command.subscriptionState.split(";")[0] ?? ""} ${effect.command.command.body.trim()}`]
      : [],
  );
  return [...toBrowsers, ...toPhones];
}

export const endpoint = (name: string): EndpointId => name as EndpointId;
