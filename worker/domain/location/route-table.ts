/** The rules of an endpoint's table of routes: newest per device, at most ten devices, none longer than a day. */
import type { AddRouteOutcome, RouteHolder } from "./endpoint-object-api.ts";
import { ROUTE_LIFETIME_LIMIT_MS } from "./endpoint-route.ts";
import type { EndpointRoute } from "./endpoint-route.ts";

/** RFC 3261 sets no limit; a stolen password must not fill the object. */
export const DEVICE_LIMIT = 10;

export function liveRoutes(routes: readonly EndpointRoute[], nowMs: number): readonly EndpointRoute[] {
  return routes.filter(({ expiresAtMs }) => expiresAtMs > nowMs);
}

/** The route as it is to be stored and the device that gives way to it, or why not. `routes` may still hold expired ones. */
export function admitRoute(
  routes: readonly EndpointRoute[],
  route: EndpointRoute,
  nowMs: number,
):
  | (AddRouteOutcome & { readonly ok: false })
  | { readonly ok: true; readonly route: EndpointRoute; readonly instead?: string } {
  const limitMs = nowMs + ROUTE_LIFETIME_LIMIT_MS;
  const expiresAtMs = Math.min(route.expiresAtMs, limitMs);
  if (expiresAtMs <= nowMs) return { ok: false, code: "route-expired" };
  const live = liveRoutes(routes, nowMs);
  const isFull = live.length >= DEVICE_LIMIT && live.every(({ device }) => device !== route.device);
  const instead = isFull ? leftBehind(live, route)?.device : undefined;
  if (isFull && instead === undefined) return { ok: false, code: "too-many-devices" };
  return {
    ok: true,
    route: { ...route, expiresAtMs, confirmedUntilMs: Math.min(route.confirmedUntilMs, limitMs) },
    ...(instead === undefined ? {} : { instead }),
  };
}

/** The oldest route of an earlier run of the same gateway: its phone has not refreshed with the present one. */
function leftBehind(live: readonly EndpointRoute[], route: EndpointRoute): EndpointRoute | undefined {
  return live
    .filter(({ gateway, gatewayInstance }) => gateway === route.gateway && gatewayInstance !== route.gatewayInstance)
    .toSorted((a, b) => a.registeredAtMs - b.registeredAtMs)[0];
}

export function isHeldBy(route: EndpointRoute, holder: RouteHolder): boolean {
  return holder.kind === "gateway"
    ? route.gateway === holder.gateway
    : route.bridge === holder.bridge && route.socket === holder.socket;
}
