/** Frames from the Worker, checked field by field: the gateway acts on nothing that does not fit. */
import { z } from "zod";
import type { CallCommand } from "#protocol/call-messages";
import type { OutgoingStreamLease, PhoneLegCapsule, RtpLegMedia, SipFlow, WebRtcLegMedia } from "#protocol/capsule";
import { CONTROL_FRAME_LIMIT } from "#protocol/control-frames";
import type { ControlRefusal, EndpointCredentials, TrunkPeer, WorkerFrame } from "#protocol/control-frames";
import { parseAccountSid, parseCallToken, parseGatewayId, parseLegId } from "#protocol/ids";
import type { AccountSid, CallToken, GatewayId, LegId } from "#protocol/ids";
import { type CodecName, MEDIA_SOURCES, type MediaJoin, type NegotiatedAudio, type RoomPort } from "#protocol/media";
import { TOUCH_TONES } from "#protocol/touch-tone";
import type { DialogState } from "#sip/dialog/dialog-state";

/** A command whose place in its stream can be read and nothing else: it takes its turn, so that the stream goes on. */
export interface UnreadableCommand {
  readonly kind: "unreadable";
  readonly leg: LegId;
  /** What it was to be; a newer release may know more kinds than we. */
  readonly of: CallCommand["kind"] | undefined;
}

export interface ReceivedCommand {
  readonly seq: number;
  readonly epoch: number;
  readonly command: CallCommand | UnreadableCommand;
}

export interface CallCommandFrame extends ReceivedCommand {
  readonly kind: "call-command";
  readonly call: CallToken;
  readonly ackEvent: number;
}

export type ReadFrame = Exclude<WorkerFrame, { kind: "call-command" }> | CallCommandFrame;

type FrameFault = "frame-too-long" | "frame-not-json" | "frame-invalid" | "unknown-kind";

export type WorkerFrameReading =
  | {
      readonly ok: true;
      readonly frame: ReadFrame;
      /** What was wrong with an unreadable command. */ readonly code?: FrameFault;
    }
  /** `unknown-kind` is a newer release speaking; everything else is a fault. */
  | { readonly ok: false; readonly code: FrameFault; readonly detail: string };

const callToken = z.custom<CallToken>((value) => parseCallToken(value) !== undefined);
const legId = z.custom<LegId>((value) => parseLegId(value) !== undefined);
const gatewayId = z.custom<GatewayId>((value) => parseGatewayId(value) !== undefined);
const accountSid = z.custom<AccountSid>((value) => parseAccountSid(value) !== undefined);

const count = z.number().int().nonnegative();
const port = z.number().int().min(0).max(65_535);
/** SIP text from the Worker ends up in header fields: a line break in it would be a second header (RFC 3261 section 7.3.1). */
const line = z
  .string()
  .max(8_192)
  .regex(/^[^\r\n\0]*$/);
const body = z.string().max(65_536);
const headers = z.array(z.tuple([z.string().regex(/^[A-Za-z0-9!%*_+`'~.-]{1,64}$/), line])).max(64);

const codec: z.ZodType<CodecName> = z.enum(["PCMU", "PCMA"]);
const codecs = z.array(codec).min(1).max(8);
const audio: z.ZodType<NegotiatedAudio> = z.object({
  codec,
  payloadType: z.number().int().min(0).max(127),
  telephoneEventPayloadType: z.number().int().min(0).max(127).optional(),
});
const flow: z.ZodType<SipFlow> = z.object({ transport: z.enum(["udp", "tcp", "tls"]), host: line, port });
const trunkPeer: z.ZodType<TrunkPeer> = z.object({ gateway: gatewayId, host: line, port });
const lease: z.ZodType<OutgoingStreamLease> = z.object({
  ssrc: count,
  indexLimit: count,
  timestamp: count,
  atMs: z.number(),
});

const dialog: z.ZodType<DialogState> = z.object({
  callId: line,
  localTag: line,
  remoteTag: line.optional(),
  localUri: line,
  remoteUri: line,
  remoteTarget: line,
  routeSet: z.array(line),
  localCseq: z.number().int(),
  remoteCseq: z.number().int(),
  remoteAllow: z.array(line),
  localSdpVersion: count,
  localSdpId: count,
});
const rtpMedia: z.ZodType<RtpLegMedia> = z.object({ kind: z.literal("rtp"), remoteSdp: body, audio });
const webRtcMedia: z.ZodType<WebRtcLegMedia> = z.object({
  kind: z.literal("webrtc"),
  localSdp: body,
  remoteSdp: body,
  audio,
  sealed: body,
  peer: z.object({ host: line, port }),
  outgoing: lease,
  incoming: z.object({ ssrc: count, index: count, atMs: z.number() }).optional(),
});
const phoneCapsule: z.ZodType<PhoneLegCapsule> = z.object({
  kind: z.literal("phone"),
  phase: z.enum(["calling", "ringing", "answered", "confirmed"]),
  dialog,
  flow,
  invite: z
    .object({
      vias: z.array(line),
      from: line,
      to: line,
      callId: line,
      cseq: count,
      recordRoutes: z.array(line),
      requestUri: line,
    })
    .optional(),
  remoteOffer: body.optional(),
  media: rtpMedia.optional(),
});
const trunk = z.object({ gateway: line, host: line, port, stream: z.string().regex(/^[0-9a-f]{16}$/) });
const room = z.string().min(1).max(256);
const join: z.ZodType<MediaJoin> = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("local"), leg: line, call: callToken.optional() }),
  trunk.extend({ kind: z.literal("trunk"), room: z.literal(true).optional() }),
  z.object({ kind: z.literal("echo") }),
  z.object({ kind: z.literal("player"), source: z.enum(MEDIA_SOURCES), loop: z.boolean(), anchorMs: z.number() }),
  z.object({ kind: z.literal("room"), room }),
  z.object({ kind: z.literal("none") }),
]);

const roomPort: z.ZodType<RoomPort> = z.object({ room, codec, trunk });

const finalStatus = z.number().int().min(300).max(699);
const command = z.discriminatedUnion("kind", [
  z.object({
    kind: z.literal("invite-leg"),
    leg: legId,
    flow,
    requestUri: line,
    callId: line,
    localUri: line,
    remoteUri: line,
    localTag: line,
    viaBranch: line,
    cseq: count,
    codecs,
    ringTimeoutMs: count,
    headers,
  }),
  z.object({ kind: z.literal("ring-leg"), leg: legId, status: z.literal(180), earlyCodec: codec.optional() }),
  z.object({ kind: z.literal("answer-leg"), leg: legId, codec }),
  z.object({
    kind: z.literal("reject-leg"),
    leg: legId,
    status: finalStatus,
    reason: line,
    retryAfterSeconds: count.optional(),
    headers: headers.optional(),
  }),
  z.object({ kind: z.literal("confirm-leg"), leg: legId }),
  z.object({
    kind: z.literal("answer-refer"),
    leg: legId,
    cseq: count,
    status: z.number().int().min(200).max(699),
    reason: line,
    headers,
  }),
  z.object({
    kind: z.literal("notify-leg"),
    leg: legId,
    event: line,
    subscriptionState: line,
    body,
  }),
  z.object({ kind: z.literal("cancel-leg"), leg: legId, reason: line.optional() }),
  z.object({ kind: z.literal("end-leg"), leg: legId, reason: line.optional() }),
  z.object({
    kind: z.literal("adopt-leg"),
    leg: legId,
    capsule: phoneCapsule,
    codecs,
    oldViaBranch: line.optional(),
    farewell: z.boolean().optional(),
    ringTimeoutMs: count,
    headers,
  }),
  z.object({
    kind: z.literal("open-webrtc-leg"),
    leg: legId,
    remoteSdp: body.optional(),
    codecs,
    ssrc: count,
    early: z.literal(true).optional(),
  }),
  z.object({ kind: z.literal("complete-webrtc-leg"), leg: legId, remoteSdp: body, codecs }),
  z.object({ kind: z.literal("adopt-webrtc-leg"), leg: legId, media: webRtcMedia, sdpVersion: count }),
  z.object({ kind: z.literal("grant-lease"), leg: legId, lease }),
  z.object({ kind: z.literal("join-leg"), leg: legId, join }),
  z.object({ kind: z.literal("send-digit"), leg: legId, digit: z.enum(TOUCH_TONES), durationMs: count }),
  z.object({ kind: z.literal("open-room-port"), leg: legId, port: roomPort }),
  z.object({ kind: z.literal("close-room-port"), leg: legId }),
  z.object({ kind: z.literal("release-leg"), leg: legId }),
]);

const credentials: z.ZodType<EndpointCredentials> = z.object({
  account: accountSid,
  ha1Md5: z.string().regex(/^[0-9a-f]{32}$/),
  ha1Sha256: z.string().regex(/^[0-9a-f]{64}$/),
});
const refusal: z.ZodType<ControlRefusal> = z.enum([
  "gateway-not-enrolled",
  "gateway-revoked",
  "signature-invalid",
  "protocol-unsupported",
  "hello-expected",
  "frame-invalid",
  "frame-too-long",
  "superseded",
]);

const FRAMES = {
  challenge: z.object({ kind: z.literal("challenge"), nonce: line.min(1).max(256) }),
  welcome: z.object({
    kind: z.literal("welcome"),
    protocol: count,
    tickets: z.array(callToken),
    neighbours: z.array(trunkPeer),
    heartbeatMs: z.number().int().min(100).max(600_000),
  }),
  refused: z.object({ kind: z.literal("refused"), code: refusal, detail: z.string(), final: z.boolean() }),
  "call-command": z.object({
    kind: z.literal("call-command"),
    call: callToken,
    ackEvent: count,
    seq: z.number().int().positive(),
    epoch: count,
    command,
  }),
  "event-ack": z.object({ kind: z.literal("event-ack"), call: callToken, ackEvent: count }),
  "call-gone": z.object({ kind: z.literal("call-gone"), call: callToken, endLegs: z.boolean().optional() }),
  credentials: z.object({ kind: z.literal("credentials"), id: count, credentials: credentials.optional() }),
  "route-stored": z.object({
    kind: z.literal("route-stored"),
    id: count,
    ok: z.boolean(),
    code: z.string().optional(),
  }),
  probe: z.object({
    kind: z.literal("probe"),
    id: count,
    target: trunkPeer,
    roundTripMs: z.number().nonnegative().optional(),
  }),
  neighbours: z.object({ kind: z.literal("neighbours"), neighbours: z.array(trunkPeer) }),
  tickets: z.object({ kind: z.literal("tickets"), tickets: z.array(callToken) }),
} satisfies { readonly [K in WorkerFrame["kind"]]: z.ZodType<Extract<WorkerFrame, { kind: K }>> };

const workerFrame: z.ZodType<WorkerFrame> = z.discriminatedUnion("kind", [
  FRAMES.challenge,
  FRAMES.welcome,
  FRAMES.refused,
  FRAMES["call-command"],
  FRAMES["event-ack"],
  FRAMES["call-gone"],
  FRAMES.credentials,
  FRAMES["route-stored"],
  FRAMES.probe,
  FRAMES.neighbours,
  FRAMES.tickets,
]);

/** As much of a `call-command` as the stream needs. */
const commandPlace = z.object({
  kind: z.literal("call-command"),
  call: callToken,
  ackEvent: count,
  seq: z.number().int().positive(),
  epoch: count,
  command: z.object({ kind: z.string(), leg: legId }),
});
const COMMAND_KINDS: ReadonlySet<string> = new Set(command.options.map((option) => option.shape.kind.value));

function isCommandKind(kind: string): kind is CallCommand["kind"] {
  return COMMAND_KINDS.has(kind);
}

export function readWorkerFrame(text: string): WorkerFrameReading {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { ok: false, code: "frame-not-json", detail: "not JSON" };
  }
  if (text.length > CONTROL_FRAME_LIMIT)
    return unreadable(value, "frame-too-long", `${String(text.length)} characters`);
  const result = workerFrame.safeParse(value);
  if (result.success) return { ok: true, frame: result.data };
  const kind = typeof value === "object" && value !== null && "kind" in value ? value.kind : undefined;
  if (typeof kind === "string" && !Object.hasOwn(FRAMES, kind))
    return { ok: false, code: "unknown-kind", detail: kind.slice(0, 64) };
  const issue = result.error.issues[0];
  // Path and code only: values can be secrets.
  return unreadable(value, "frame-invalid", `${String(kind)} ${issue?.path.join(".") ?? ""} ${issue?.code ?? ""}`);
}

function unreadable(value: unknown, code: FrameFault, detail: string): WorkerFrameReading {
  const place = commandPlace.safeParse(value);
  if (!place.success) return { ok: false, code, detail };
  const { command: unread, ...frame } = place.data;
  const of = isCommandKind(unread.kind) ? unread.kind : undefined;
  return { ok: true, code, frame: { ...frame, command: { kind: "unreadable", leg: unread.leg, of } } };
}
