/** Every line that a gateway writes. A new line is a new member here, reviewed like an API; no addresses, no secrets, no SIP text. */
import type { ControlRefusal } from "#protocol/control-frames";
import type { CallToken, EndpointId, GatewayId, LegId, RegionName, SipDomain } from "#protocol/ids";
import type { SipStackLogEvent } from "../sip-transport/sip-stack-options.ts";

export type LogEvent =
  | SipStackLogEvent
  | { readonly event: "gateway.listening"; readonly gateway: GatewayId; readonly region: RegionName }
  | { readonly event: "gateway.stopping"; readonly cause: string; readonly legs: number }
  | { readonly event: "gateway.fault"; readonly code: string; readonly problem: string; readonly stack?: string }
  | { readonly event: "control.open"; readonly channel: number }
  | { readonly event: "control.down"; readonly channel: number }
  | {
      readonly event: "control.refused";
      readonly channel: number;
      readonly code: ControlRefusal;
      readonly detail: string;
    }
  | {
      readonly event: "register.stored";
      readonly sipDomain: SipDomain;
      readonly endpoint: EndpointId;
      readonly transport: string;
      readonly bindings: number;
    }
  | {
      readonly event: "register.removed";
      readonly sipDomain: SipDomain;
      readonly endpoint: EndpointId;
      readonly reason: string;
    }
  | { readonly event: "register.refused"; readonly status: number; readonly code: string }
  | {
      readonly event: "leg.started";
      readonly call: CallToken;
      readonly leg: LegId;
      readonly role: string;
      readonly epoch: number;
    }
  | { readonly event: "leg.ended"; readonly call: CallToken; readonly leg: LegId; readonly cause: string }
  | {
      readonly event: "leg.adopted";
      readonly call: CallToken;
      readonly leg: LegId;
      readonly epoch: number;
      readonly tookMs: number;
    }
  | {
      readonly event: "leg.adoption-failed";
      readonly call: CallToken;
      readonly leg: LegId;
      readonly epoch: number;
      readonly status: number;
    }
  | {
      readonly event: "leg.fault";
      readonly call: CallToken;
      readonly leg: LegId;
      readonly code: string;
      readonly problem: string;
      readonly stack?: string;
    }
  | {
      readonly event: "leg.event-too-long";
      readonly call: CallToken;
      readonly leg: LegId;
      readonly problem: string;
    }
  | { readonly event: "neighbour.silent"; readonly neighbour: GatewayId; readonly silentMs: number }
  | { readonly event: "media.log"; readonly detail: unknown };

export type LogSeverity = "debug" | "info" | "warn" | "error";

const SEVERITIES: Readonly<Record<LogEvent["event"], LogSeverity>> = {
  "sip.listening": "info",
  "sip.internal-error": "error",
  "sip.socket-error": "warn",
  "gateway.listening": "info",
  "gateway.stopping": "info",
  "gateway.fault": "error",
  "control.open": "info",
  "control.down": "warn",
  "control.refused": "error",
  "register.stored": "info",
  "register.removed": "info",
  "register.refused": "debug",
  "leg.started": "debug",
  "leg.ended": "debug",
  "leg.adopted": "info",
  "leg.adoption-failed": "warn",
  "leg.fault": "error",
  "leg.event-too-long": "warn",
  "neighbour.silent": "warn",
  "media.log": "debug",
};

export function severityOf(event: LogEvent): LogSeverity {
  return SEVERITIES[event.event];
}
