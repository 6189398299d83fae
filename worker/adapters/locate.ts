/** Where an endpoint can be reached, over all regions (decision 8). */
import type { AccountSid, EndpointId, RegionName } from "#protocol/ids";
import type { LocatedRoutes } from "../domain/location/endpoint-object-api.ts";
import { settingsOf } from "../env.ts";
import type { Env } from "../env.ts";
import { count } from "../counters.ts";
import { regionLinkOf } from "./object-region-link.ts";

/** A caller does not wait long for a far directory: after this the regions are asked one and all. */
const HOME_DEADLINE_MS = 800;

/**
 * The caller's region answers for its own routes while the endpoint's home names the other regions that have some.
 * A home that cannot be reached is replaced by asking every region; a region that cannot be reached has no routes.
 */
export async function locateEndpoint(
  env: Env,
  account: AccountSid,
  callerRegion: RegionName,
  identity: EndpointId,
): Promise<LocatedRoutes> {
  const { endpoints } = regionLinkOf(env);
  const { regions } = settingsOf(env).regions;
  const endpoint = { account, identity };
  const ask = async (region: RegionName): Promise<LocatedRoutes> => {
    try {
      return await endpoints.routesForInvitation({ ...endpoint, region });
    } catch {
      count("locate.region-unreachable");
      // In doubt it exists: 480 and another try, not 404.
      return { known: true, routes: [] };
    }
  };
  const home = async (): Promise<readonly RegionName[]> => {
    try {
      return await endpoints.regionsWithRoutes(endpoint, HOME_DEADLINE_MS);
    } catch {
      count("locate.home-unreachable");
      return regions.map(({ name }) => name);
    }
  };
  const [own, listed] = await Promise.all([ask(callerRegion), home()]);
  const others = await Promise.all(listed.filter((region) => region !== callerRegion).map(ask));
  const answers = [own, ...others];
  return { known: answers.some(({ known }) => known), routes: answers.flatMap(({ routes }) => routes) };
}
