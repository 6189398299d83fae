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
 * The caller's region answers for its own routes while the endpoint's home names the other regions that have some.
 * A home that cannot be reached is replaced by asking every other region; one that cannot be reached has no routes.
 */
export async function locateEndpoint(
  env: Env,
  account: AccountSid,
  callerRegion: RegionName,
  identity: EndpointId,
): Promise<LocatedRoutes> {
  const { endpoints } = regionLinkOf(env);
  const { regions, central } = settingsOf(env).regions;
  const ask = async (region: RegionName, deadlineMs = HOME_DEADLINE_MS): Promise<LocatedRoutes> => {
    try {
      return await endpoints.routesForInvitation({ account, identity, region }, deadlineMs);
    } catch {
      count("locate.region-unreachable");
      // In doubt it exists: 480 and another try, not 404.
      return { known: true, routes: [] };
    }
  };
  const home = async (): Promise<readonly RegionName[] | undefined> => {
    try {
      return await endpoints.regionsWithRoutes({ account, identity }, HOME_DEADLINE_MS);
    } catch {
      count("locate.home-unreachable");
      return undefined;
    }
  };
  const [own, directory] = await Promise.all([ask(callerRegion), callerRegion === central ? undefined : home()]);
  // A caller in the central region has asked the home already.
  const listed = callerRegion === central ? own.regions : directory;
  // The home stands in the central region, which has just shown that it does not answer.
  const others = (listed ?? regions.map(({ name }) => name).filter((name) => name !== central)).filter(
    (region) => region !== callerRegion,
  );
  const fanOutMs = own.routes.length > 0 ? FAN_OUT_DEADLINE_MS : HOME_DEADLINE_MS;
  const far = await Promise.all(
    others.map((region) => ask(region, listed === undefined ? fanOutMs : HOME_DEADLINE_MS)),
  );
  const answers = [own, ...far];
  return { known: answers.some(({ known }) => known), routes: answers.flatMap(({ routes }) => routes) };
}
