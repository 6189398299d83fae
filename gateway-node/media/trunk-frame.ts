/**
 * Frames between gateways: version, kind, low 16 bits of the sender's leg epoch, stream id, body.
 * Media bodies are SRTP; keep-alive bodies name their sender and carry a MAC.
 */
import { createHmac, createSecretKey, hkdfSync, type KeyObject, timingSafeEqual } from "node:crypto";
import { type GatewayId, type GatewayInstanceId, parseGatewayId, parseGatewayInstanceId } from "#protocol/ids";
import type { SrtpMasterKey } from "./srtp-keys.ts";

export const TRUNK_VERSION = 1;
export const TRUNK_HEADER_BYTES = 12;
const KIND_CODES = { media: 1, ping: 2, pong: 3 } as const;
export type TrunkFrameKind = keyof typeof KIND_CODES;
const STREAM_BYTES = 8;
const MAC_BYTES = 16;
const INSTANCE_BYTES = 16;

/** `undefined` for another version, an unknown kind or a frame too short for its header. */
export function readTrunkKind(frame: Buffer): TrunkFrameKind | undefined {
  if (frame.length < TRUNK_HEADER_BYTES || frame[0] !== TRUNK_VERSION) return undefined;
  switch (frame[1]) {
    case KIND_CODES.media:
      return "media";
    case KIND_CODES.ping:
      return "ping";
    case KIND_CODES.pong:
      return "pong";
    default:
      return undefined;
  }
}

/** Low 16 bits of the epoch of a media frame. */
export function readTrunkEpoch(frame: Buffer): number {
  return frame.readUInt16BE(2);
}

/** Stream id of a media frame, 16 hex digits; nonce of a keep-alive. */
export function readTrunkStream(frame: Buffer): string {
  return frame.toString("hex", 4, 4 + STREAM_BYTES);
}

/** Writes the header at the start of `frame`; `stream` is 8 bytes. */
export function writeTrunkHeader(frame: Buffer, kind: TrunkFrameKind, epoch: number, stream: Buffer): void {
  frame[0] = TRUNK_VERSION;
  frame[1] = KIND_CODES[kind];
  frame[2] = (epoch >>> 8) & 0xff;
  frame[3] = epoch & 0xff;
  stream.copy(frame, 4, 0, STREAM_BYTES);
}

/** The stream id of a `join`, or `undefined` when it is not 16 hex digits. */
export function parseStreamId(text: string): Buffer | undefined {
  return /^[0-9a-f]{16}$/i.test(text) ? Buffer.from(text, "hex") : undefined;
}

/** The epoch nearest to `reference` whose low 16 bits were announced. */
export function expandEpoch(announced: number, reference: number): number {
  return reference + (((announced - (reference & 0xffff)) << 16) >> 16);
}

export function deriveTrunkKey(fleetKey: Buffer, stream: string, sender: string, epoch: number): SrtpMasterKey {
  const material = derive(fleetKey, `nearside-trunk-1|${stream.toLowerCase()}|${sender}|${epoch}`, 30);
  return { key: material.subarray(0, 16), salt: material.subarray(16, 30) };
}

export function deriveKeepAliveKey(fleetKey: Buffer): KeyObject {
  return createSecretKey(derive(fleetKey, "nearside-trunk-1|keep-alive", 32));
}

function derive(fleetKey: Buffer, info: string, length: number): Buffer {
  return Buffer.from(hkdfSync("sha256", fleetKey, Buffer.alloc(0), info, length));
}

export interface KeepAlive {
  readonly kind: "ping" | "pong";
  /** 16 hex digits; a pong repeats its ping's. */
  readonly nonce: string;
  readonly gateway: GatewayId;
  readonly instance: GatewayInstanceId;
}

export function encodeKeepAlive(key: KeyObject, message: KeepAlive): Buffer {
  const head = Buffer.alloc(TRUNK_HEADER_BYTES + INSTANCE_BYTES);
  writeTrunkHeader(head, message.kind, 0, Buffer.from(message.nonce, "hex"));
  head.write(message.instance, TRUNK_HEADER_BYTES, "hex");
  const signed = Buffer.concat([head, Buffer.from(message.gateway, "latin1")]);
  return Buffer.concat([signed, keepAliveMac(key, signed)]);
}

/** `undefined` when the frame does not carry our fleet's MAC. */
export function parseKeepAlive(key: KeyObject, frame: Buffer): KeepAlive | undefined {
  const kind = readTrunkKind(frame);
  const end = frame.length - MAC_BYTES;
  if ((kind !== "ping" && kind !== "pong") || end <= TRUNK_HEADER_BYTES + INSTANCE_BYTES) return undefined;
  const signed = frame.subarray(0, end);
  if (!timingSafeEqual(keepAliveMac(key, signed), frame.subarray(end))) return undefined;
  const instance = parseGatewayInstanceId(
    frame.toString("hex", TRUNK_HEADER_BYTES, TRUNK_HEADER_BYTES + INSTANCE_BYTES),
  );
  const gateway = parseGatewayId(frame.toString("latin1", TRUNK_HEADER_BYTES + INSTANCE_BYTES, end));
  return instance === undefined || gateway === undefined
    ? undefined
    : { kind, nonce: readTrunkStream(frame), gateway, instance };
}

function keepAliveMac(key: KeyObject, signed: Buffer): Buffer {
  return createHmac("sha256", key).update(signed).digest().subarray(0, MAC_BYTES);
}
