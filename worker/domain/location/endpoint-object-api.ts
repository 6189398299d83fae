/** What other parts may ask of an Endpoint object: the routes of one endpoint in one region. */
import type { AccountSid, EndpointId, GatewayId, RegionName } from "#protocol/ids";
import type { CalleePlan } from "../accounts/callee-plan.ts";
import type { EndpointRoute } from "./endpoint-route.ts";

export interface EndpointAddress {
  readonly account: AccountSid;
  readonly identity: EndpointId;
}

/** Who holds a route: only its holder may remove it, so that a late removal spares the route's successor. */
export type RouteHolder =
  | { readonly kind: "gateway"; readonly gateway: GatewayId }
  | { readonly kind: "socket"; readonly bridge: string; readonly socket: string };

export type AddRouteOutcome =
  | { readonly ok: true }
  | { readonly ok: false; readonly code: "too-many-devices" | "route-expired" };

export interface LocatedRoutes {
  /** Whether the account has such an endpoint at all: 480 or 404. */
  readonly known: boolean;
  /** Those of the region that was asked; of every region when that is the endpoint's home. */
  readonly routes: readonly EndpointRoute[];
  /** Said by the endpoint's home only: what the account says about calls to it, unless that is nothing. */
  readonly plan?: CalleePlan;
}

/** All routes of an endpoint in one region, as that region tells the endpoint's home. */
export interface RegionRoutes {
  readonly region: RegionName;
  /** Rises with each word from this region: a late one must not undo the next. */
  readonly version: number;
  readonly routes: readonly EndpointRoute[];
}

export interface EndpointObjectApi {
  addRoute(route: EndpointRoute): Promise<AddRouteOutcome>;
  removeRoute(input: { readonly device: string; readonly holder: RouteHolder }): Promise<{ readonly removed: boolean }>;
  listRoutes(): Promise<readonly EndpointRoute[]>;
  routesForInvitation(): Promise<LocatedRoutes>;
  /** At the endpoint's home (central region) only: keeps a copy of another region's routes. */
  noteRoutes(input: RegionRoutes): Promise<void>;
  /** At the endpoint's home only: the account's word, as of now. */
  notePlan(plan: CalleePlan): Promise<void>;
}
