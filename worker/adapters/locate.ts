/** Where an endpoint can be reached, over all regions (decision 8). */
import type { AccountSid, EndpointId, RegionName } from "#protocol/ids";
import type { LocatedRoutes } from "../domain/location/endpoint-object-api.ts";
import { settingsOf } from "../env.ts";
import type { Env } from "../env.ts";
import { count } from "../counters.ts";
import { regionLinkOf } from "./object-region-link.ts";

/**
 * A caller does not wait long for a far directory: after this the other regions are asked one and all. Twice this, for the
 * directory and then the regions, stays below the deadline of whoever asks the call (2 s, `adapters/deadline.ts`).
 */
const HOME_DEADLINE_MS = 800;
/** How long those are worth waiting for when the caller's own region has somebody to ring already. */
const FAN_OUT_DEADLINE_MS = 300;

/**
 * The caller's region answers for its own routes, the endpoint's home for all others, of which it has copies. A home that
 * cannot be reached is replaced by asking every other region; one of those that cannot be reached has no routes. What the
 * account says about calls to the endpoint comes from its home too; without it, the call goes as if nothing were said.
 */
export async function locateEndpoint(
  env: Env,
  account: AccountSid,
  callerRegion: RegionName,
  identity: EndpointId,
): Promise<LocatedRoutes> {
  const { endpoints } = regionLinkOf(env);
  const { regions, central } = settingsOf(env).regions;
  const ask = async (region: RegionName, deadlineMs: number): Promise<LocatedRoutes | undefined> => {
    try {
      return await endpoints.routesForInvitation({ account, identity, region }, deadlineMs);
    } catch {
      count(region === central ? "locate.home-unreachable" : "locate.region-unreachable");
      return undefined;
    }
  };
  const [home, own] = await Promise.all([
    ask(central, HOME_DEADLINE_MS),
    callerRegion === central ? undefined : ask(callerRegion, HOME_DEADLINE_MS),
  ]);
  if (home !== undefined)
    return { ...home, known: home.known || own?.known === true, routes: newest(home, own, callerRegion) };
  const others = regions.map(({ name }) => name).filter((name) => name !== central && name !== callerRegion);
  const fanOutMs = own === undefined || own.routes.length === 0 ? HOME_DEADLINE_MS : FAN_OUT_DEADLINE_MS;
  const far = await Promise.all(others.map((region) => ask(region, fanOutMs)));
  // In doubt it exists: 480 and another try, not 404.
  return { known: true, routes: [own, ...far].flatMap((answer) => answer?.routes ?? []) };
}

/** Of its own routes a region knows best; the home's copy of them serves when it does not answer. */
function newest(
  home: LocatedRoutes,
  own: LocatedRoutes | undefined,
  callerRegion: RegionName,
): LocatedRoutes["routes"] {
  return own === undefined
    ? home.routes
    : [...own.routes, ...home.routes.filter(({ region }) => region !== callerRegion)];
}
