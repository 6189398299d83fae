/** What can happen to a call, what it asks for in return, and what it may know of the world meanwhile. */
import type { CallEvent, InviteReceivedEvent, NumberedCommand } from "#protocol/call-messages";
import type { CallSid, CallToken, EndpointId, GatewayId, GatewayInstanceId, LegId, RegionName } from "#protocol/ids";
import type { ToneCountry } from "#protocol/media";
import type { SipMessage, SipRequest } from "#sip/message/sip-message";
import type { CalleePlan } from "../accounts/callee-plan.ts";
import type { ApplicationAnswer, ApplicationRequest } from "../instructions/application-request.ts";
import type { EndpointRoute } from "../location/endpoint-route.ts";
import type { RoomEntering, RoomHost } from "../rooms/room-object-api.ts";
import type { GatewayStatus } from "../routing/gateway-status.ts";
import type { RoutingDecision } from "../routing/routing-decision.ts";
import type { LinkAnswer, LinkRequest } from "./call-link.ts";
import type { BrowserSip, GatewayAddress } from "./call-object-api.ts";
import type { LinkEnd } from "./call-state.ts";

export type CallInput =
  | { readonly kind: "phone-invite"; readonly from: GatewayAddress; readonly event: InviteReceivedEvent }
  | { readonly kind: "browser-invite"; readonly sip: BrowserSip; readonly request: SipRequest }
  /** An INVITE that is to take the place of one of this call's dialogs. */
  | { readonly kind: "browser-replaces"; readonly sip: BrowserSip; readonly request: SipRequest }
  /** Answer to `locate`. */
  | {
      readonly kind: "located";
      readonly group: number;
      readonly endpoint: EndpointId;
      readonly known: boolean;
      readonly routes: readonly EndpointRoute[];
      /** What its account says about calls to it. */
      readonly plan?: CalleePlan;
    }
  | { readonly kind: "gateway-event"; readonly from: GatewayAddress; readonly epoch: number; readonly event: CallEvent }
  | { readonly kind: "browser-message"; readonly sip: BrowserSip; readonly message: SipMessage }
  | { readonly kind: "gateway-lost"; readonly gateway: GatewayId; readonly instance: GatewayInstanceId }
  /** Commands for this gateway could not be handed over. */
  | { readonly kind: "gateway-unreachable"; readonly gateway: GatewayId }
  /** A leg's socket is gone and no other is known. */
  | { readonly kind: "browser-unreachable"; readonly leg: LegId }
  /** The leg's device registered over another socket; `sent` went over it already. */
  | {
      readonly kind: "browser-found";
      readonly leg: LegId;
      readonly bridge: string;
      readonly socket: string;
      readonly sent?: string;
    }
  /** Answers to `enter-room`. */
  | { readonly kind: "room-entered"; readonly host: RoomHost }
  | { readonly kind: "room-refused"; readonly code: "room-full" | "room-unreachable" }
  /** Answer to `fetch`. */
  | { readonly kind: "application-answered"; readonly id: number; readonly answer: ApplicationAnswer }
  /** It is time for something that the call's state says when. */
  | { readonly kind: "time-passed" }
  /** The socket that a browser called from has closed. */
  | { readonly kind: "browser-gone"; readonly bridge: string; readonly socket: string }
  | PartnerInput
  /** Time to look again for a gateway for legs that no one carries, and for the room's host. */
  | { readonly kind: "retry-adoption" };

/** What another call says. */
export type PartnerInput =
  /** It asks to be linked; `link-refused` comes of it, or the state has the link. */
  | { readonly kind: "link-asked"; readonly request: LinkRequest }
  /** Answer to `ask-link`. */
  | { readonly kind: "link-answered"; readonly token: CallToken; readonly stream: string; readonly answer: LinkAnswer }
  | { readonly kind: "partner-changed"; readonly stream: string; readonly end: LinkEnd }
  /** Answers to `tell-partner`. */
  | { readonly kind: "partner-told"; readonly version: number }
  | { readonly kind: "partner-gone" };

/** What is said to another call. */
export type PartnerEffect =
  /** Answered by `link-answered`. */
  | { readonly kind: "ask-link"; readonly request: LinkRequest }
  | { readonly kind: "link-refused"; readonly status: number }
  /** Where this end of the link is, as the state has it; answered by `partner-told` or `partner-gone`. */
  | { readonly kind: "tell-partner" }
  /** A link that was granted too late. */
  | { readonly kind: "drop-link"; readonly token: CallToken; readonly stream: string };

export type CallEffect =
  /** Ask where somebody is who is to be rung; answered by `located`. */
  | { readonly kind: "locate"; readonly group: number; readonly endpoint: EndpointId }
  | { readonly kind: "send-command"; readonly gateway: GatewayId; readonly command: NumberedCommand }
  | {
      readonly kind: "send-sip";
      readonly leg: LegId;
      readonly bridge: string;
      readonly socket: string;
      readonly text: string;
    }
  /** `retry-adoption` after so many milliseconds, unless the object is gone by then: an alarm stands behind it. */
  | { readonly kind: "retry-soon"; readonly afterMs: number }
  /** Answered by `room-entered` or `room-refused`. */
  | ({ readonly kind: "enter-room"; readonly name: string } & Omit<RoomEntering, "token">)
  | { readonly kind: "leave-room"; readonly name: string }
  | PartnerEffect
  | { readonly kind: "count"; readonly name: string }
  /** Ask an application; answered by `application-answered`, unless the object is gone by then: then it is asked again. */
  | { readonly kind: "fetch"; readonly request: ApplicationRequest }
  /** The call's entry in the index changed. */
  | { readonly kind: "record" };

/** The world as one input sees it. Time and randomness come from here, so the same input gives the same answer. */
export interface CallContext {
  readonly nowMs: number;
  readonly token: CallToken;
  randomHex(bytes: number): string;
  randomUint32(): number;
  newSid(parent: CallSid | undefined): CallSid;
  readonly fleet: readonly GatewayStatus[];
  /** The live gateway nearest to a region; `undefined` when none is up. */
  nearestGateway(region: RegionName, except: readonly GatewayId[], preferred?: GatewayId): GatewayId | undefined;
  /** Whose tones people in a region are used to. */
  toneCountry(region: RegionName): ToneCountry;
  rank(input: {
    readonly callerRegion: RegionName;
    readonly callerGateway: GatewayId | undefined;
    readonly routes: readonly EndpointRoute[];
    readonly ring?: "all" | "nearest";
  }): RoutingDecision;
}
