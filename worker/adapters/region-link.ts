/**
 * Everything that may leave a region goes through here (decision 10): object stubs on one edge, an HTTP form between
 * separate ones. Arguments and results are JSON, each call has a deadline, and none is retried here.
 */
import type { EndpointCredentials, TrunkPeer } from "#protocol/control-frames";
import type { AccountSid, EndpointId, RegionName, SipDomain } from "#protocol/ids";
import type { CallName } from "../call-token.ts";
import type {
  AccessTokenOutcome,
  AccountObjectApi,
  AccountProfile,
  CallDay,
  RenewalOutcome,
  SignInInput,
  SignInOutcome,
  StoreNumberOutcome,
} from "../domain/accounts/account-object-api.ts";
import type { CalleePlan, EndpointSettings, NumberSettings } from "../domain/accounts/callee-plan.ts";
import type { CallIndexEntry } from "../domain/call-index/call-index-api.ts";
import type { CallObjectApi } from "../domain/calls/call-object-api.ts";
import type { GatewayChannel, GatewayDelivery } from "../domain/gateways/gateway-object-api.ts";
import type { GatewayDetails, RegionObjectApi } from "../domain/gateways/region-object-api.ts";
import type {
  AddRouteOutcome,
  EndpointAddress,
  LocatedRoutes,
  RegionRoutes,
  RouteHolder,
} from "../domain/location/endpoint-object-api.ts";
import type { EndpointRoute } from "../domain/location/endpoint-route.ts";
import type { RoomObjectApi } from "../domain/rooms/room-object-api.ts";
import type { GatewayStatus } from "../domain/routing/gateway-status.ts";

/** An endpoint as one region knows it. */
export type RegionalEndpoint = EndpointAddress & { readonly region: RegionName };

export interface EndpointLink {
  addRoute(endpoint: RegionalEndpoint, route: EndpointRoute): Promise<AddRouteOutcome>;
  removeRoute(
    endpoint: RegionalEndpoint,
    input: { readonly device: string; readonly holder: RouteHolder },
  ): Promise<{ readonly removed: boolean }>;
  listRoutes(endpoint: RegionalEndpoint): Promise<readonly EndpointRoute[]>;
  routesForInvitation(endpoint: RegionalEndpoint, deadlineMs?: number): Promise<LocatedRoutes>;
  /** Tells the endpoint's home. */
  noteRoutes(endpoint: EndpointAddress, input: RegionRoutes): Promise<void>;
  /** Tells the endpoint's home. */
  notePlan(endpoint: EndpointAddress, plan: CalleePlan): Promise<void>;
}

export interface GatewayLink {
  deliver(target: GatewayChannel, delivery: GatewayDelivery): Promise<{ readonly ok: boolean }>;
  probe(target: GatewayChannel, peer: TrunkPeer, roundTripMs: number): Promise<boolean | undefined>;
  declareDead(target: GatewayChannel, instance: Parameters<RegionObjectApi["gatewayUp"]>[0]["instance"]): Promise<void>;
  withdrawKeys(target: GatewayChannel, standing: string | undefined): Promise<void>;
}

export interface RegionObjectLink extends Pick<
  RegionObjectApi,
  "enrol" | "revoke" | "publicKeyOf" | "gatewayUp" | "report" | "suspect" | "noteFarGateway"
> {
  snapshot(): Promise<readonly GatewayStatus[]>;
  fleetSnapshot(): Promise<readonly GatewayStatus[]>;
  details(): Promise<{ readonly region: RegionName; readonly gateways: readonly GatewayDetails[] }>;
}

export interface AccountLink {
  ofDomain(sipDomain: SipDomain): Promise<AccountSid | undefined>;
  ofApiKey(keySid: string): Promise<AccountSid | undefined>;
  profile(account: AccountSid): Promise<AccountProfile | undefined>;
  credentials(account: AccountSid, identity: EndpointId): Promise<EndpointCredentials | undefined>;
  hasUser(account: AccountSid, identity: EndpointId): Promise<boolean>;
  authenticate(
    account: AccountSid,
    basic: { readonly user: string; readonly password: string },
  ): Promise<AccountProfile | undefined>;
  verifyAccessToken(account: AccountSid, token: string): Promise<AccessTokenOutcome>;
  signIn(account: AccountSid, input: SignInInput): Promise<SignInOutcome>;
  renewAccessToken(account: AccountSid, token: string): Promise<RenewalOutcome>;
  identities(
    account: AccountSid,
    query: { readonly containing: string; readonly limit: number },
  ): Promise<readonly EndpointId[]>;
  callDays(account: AccountSid): Promise<readonly CallDay[]>;
  sign(account: AccountSid, text: string): Promise<string | undefined>;
  endpointSettings(account: AccountSid, identity: EndpointId): Promise<EndpointSettings | undefined>;
  storeEndpointSettings(
    account: AccountSid,
    input: Parameters<AccountObjectApi["storeEndpointSettings"]>[0],
  ): Promise<boolean>;
  numbers(account: AccountSid): Promise<readonly NumberSettings[]>;
  number(account: AccountSid, endpoint: EndpointId): Promise<NumberSettings | undefined>;
  storeNumber(account: AccountSid, input: Parameters<AccountObjectApi["storeNumber"]>[0]): Promise<StoreNumberOutcome>;
  removeNumber(account: AccountSid, endpoint: EndpointId): Promise<boolean>;
  noteCallDay(account: AccountSid, day: CallDay): Promise<void>;
}

export interface RegionLink {
  readonly endpoints: EndpointLink;
  readonly gateways: GatewayLink;
  readonly accounts: AccountLink;
  region(name: RegionName): RegionObjectLink;
  /** A call, wherever it lives. */
  call(name: CallName): CallObjectApi;
  /** A conference room of an account; it lives in the central region. */
  room(account: AccountSid, room: string): RoomObjectApi;
  /** `bridge`: as routes carry it. A name that is none answers `ok: false`. */
  sendToBridge(
    bridge: string,
    message: { readonly socket: string; readonly text: string },
  ): Promise<{ readonly ok: boolean }>;
  /** Records a call in the index of its account, region and day; the place comes from its SID. */
  recordCall(account: AccountSid, entry: CallIndexEntry): Promise<void>;
}
