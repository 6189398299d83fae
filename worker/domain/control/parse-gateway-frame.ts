/** From a WebSocket message to a `GatewayFrame`, or to what is wrong with it. Never throws. */
import { CONTROL_FRAME_LIMIT } from "#protocol/control-frames";
import type { GatewayFrame } from "#protocol/control-frames";
import type { CallToken } from "#protocol/ids";
import { parseCallToken, parseEndpointId, parseGatewayId, parseGatewayInstanceId, parseSipDomain } from "#protocol/ids";
import {
  numberedEvents,
  counters,
  fieldsOf,
  gatewayLoad,
  natural,
  publishedRoute,
  removalReason,
  resumedCalls,
  text,
} from "./frame-fields.ts";
import type { Fields } from "./frame-fields.ts";

/** Whom a frame concerned that cannot be taken, as far as it can be read: the others on its channel need not suffer. */
export type LostFrame =
  | { readonly kind: "call"; readonly call: CallToken }
  /** A request for a route, which waits for its answer. */
  | { readonly kind: "route"; readonly id: number }
  | { readonly kind: "other" };

export type GatewayFrameOutcome =
  | { readonly ok: true; readonly frame: GatewayFrame }
  /** `kind-unknown` is no mistake: releases may differ by one. */
  | { readonly ok: false; readonly code: "kind-unknown"; readonly detail: string }
  /** Without `lost` it is no frame at all. */
  | {
      readonly ok: false;
      readonly code: "frame-too-long" | "frame-invalid";
      readonly detail: string;
      readonly lost?: LostFrame;
    };

/** Up to here a frame that is too long is still looked into for whom it concerns. */
const READABLE_LIMIT = 4 * CONTROL_FRAME_LIMIT;

type Kind = GatewayFrame["kind"];
type Readers = { readonly [K in Kind]: (fields: Fields) => Extract<GatewayFrame, { readonly kind: K }> | undefined };

const READERS: Readers = {
  hello(fields) {
    const gateway = parseGatewayId(fields["gateway"]);
    const instance = parseGatewayInstanceId(fields["instance"]);
    const protocol = natural(fields["protocol"]);
    const channel = natural(fields["channel"]);
    const channels = natural(fields["channels"]);
    const signature = text(fields["signature"], 200);
    const calls = resumedCalls(fields["calls"]);
    if (gateway === undefined || instance === undefined || protocol === undefined || channel === undefined)
      return undefined;
    if (channels === undefined || signature === undefined || calls === undefined) return undefined;
    const moreCalls = fields["moreCalls"] === true ? { moreCalls: true } : {};
    return { kind: "hello", protocol, gateway, instance, channel, channels, signature, calls, ...moreCalls };
  },
  "hello-calls"(fields) {
    const calls = resumedCalls(fields["calls"]);
    return calls === undefined ? undefined : { kind: "hello-calls", calls, moreCalls: fields["moreCalls"] === true };
  },
  "call-events"(fields) {
    const call = parseCallToken(fields["call"]);
    const ackCommand = natural(fields["ackCommand"]);
    const events = numberedEvents(fields["events"]);
    if (call === undefined || ackCommand === undefined || events === undefined) return undefined;
    return { kind: "call-events", call, ackCommand, events };
  },
  "command-ack"(fields) {
    const call = parseCallToken(fields["call"]);
    const ackCommand = natural(fields["ackCommand"]);
    return call === undefined || ackCommand === undefined ? undefined : { kind: "command-ack", call, ackCommand };
  },
  heartbeat(fields) {
    const load = gatewayLoad(fields["load"]);
    return load === undefined
      ? undefined
      : { kind: "heartbeat", load, counters: counters(fields["counters"]), draining: fields["draining"] === true };
  },
  "credential-request"(fields) {
    const id = natural(fields["id"]);
    const sipDomain = parseSipDomain(fields["sipDomain"]);
    const endpoint = parseEndpointId(fields["endpoint"]);
    return id === undefined || sipDomain === undefined || endpoint === undefined
      ? undefined
      : { kind: "credential-request", id, sipDomain, endpoint };
  },
  "route-added"(fields) {
    const id = natural(fields["id"]);
    const route = publishedRoute(fields["route"]);
    return id === undefined || route === undefined ? undefined : { kind: "route-added", id, route };
  },
  "route-removed"(fields) {
    const id = natural(fields["id"]);
    const sipDomain = parseSipDomain(fields["sipDomain"]);
    const endpoint = parseEndpointId(fields["endpoint"]);
    const device = text(fields["device"], 256);
    const reason = removalReason(fields["reason"]);
    if (
      id === undefined ||
      sipDomain === undefined ||
      endpoint === undefined ||
      device === undefined ||
      reason === undefined
    )
      return undefined;
    return { kind: "route-removed", id, sipDomain, endpoint, device, reason };
  },
  suspicion(fields) {
    const gateway = parseGatewayId(fields["gateway"]);
    const silentMs = natural(fields["silentMs"]);
    return gateway === undefined || silentMs === undefined ? undefined : { kind: "suspicion", gateway, silentMs };
  },
  "probe-result"(fields) {
    const id = natural(fields["id"]);
    const gateway = parseGatewayId(fields["gateway"]);
    const alive = fields["alive"];
    return id === undefined || gateway === undefined || typeof alive !== "boolean"
      ? undefined
      : { kind: "probe-result", id, gateway, alive };
  },
  "stray-request"(fields) {
    const call = parseCallToken(fields["call"]);
    const leg = text(fields["leg"], 16);
    const method = text(fields["method"], 32);
    return call === undefined || leg === undefined || method === undefined
      ? undefined
      : { kind: "stray-request", call, leg, method };
  },
  "tickets-wanted"(fields) {
    const count = natural(fields["count"]);
    return count === undefined ? undefined : { kind: "tickets-wanted", count };
  },
};

export function parseGatewayFrame(message: string): GatewayFrameOutcome {
  const tooLong = message.length > CONTROL_FRAME_LIMIT;
  const code = tooLong ? "frame-too-long" : "frame-invalid";
  const detail = `${message.length} characters`;
  if (message.length > READABLE_LIMIT) return { ok: false, code, detail };
  let value: unknown;
  try {
    value = JSON.parse(message);
  } catch {
    return { ok: false, code, detail: tooLong ? detail : "not JSON" };
  }
  const fields = fieldsOf(value);
  const kind = fields?.["kind"];
  if (fields === undefined || typeof kind !== "string")
    return { ok: false, code, detail: tooLong ? detail : "no kind" };
  if (!isKind(kind))
    return tooLong ? { ok: false, code, detail } : { ok: false, code: "kind-unknown", detail: kind.slice(0, 64) };
  const frame = tooLong ? undefined : READERS[kind](fields);
  return frame === undefined ? { ok: false, code, detail: kind, lost: lostFrame(kind, fields) } : { ok: true, frame };
}

function lostFrame(kind: Kind, fields: Fields): LostFrame {
  const call = parseCallToken(fields["call"]);
  if ((kind === "call-events" || kind === "command-ack") && call !== undefined) return { kind: "call", call };
  const id = natural(fields["id"]);
  return (kind === "route-added" || kind === "route-removed") && id !== undefined
    ? { kind: "route", id }
    : { kind: "other" };
}

function isKind(kind: string): kind is Kind {
  return Object.hasOwn(READERS, kind);
}
