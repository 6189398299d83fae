import type { Context } from "hono";
import { parseRegionName } from "#protocol/ids";
import type { RegionName } from "#protocol/ids";
import { nearestRegion } from "../domain/location/nearest-region.ts";
import { settingsOf } from "../env.ts";
import type { AppTypes } from "../middleware/app-types.ts";

/** Where the request entered; in development whatever it says. `undefined`: it names a region that is none. */
export function requestRegion<Types extends AppTypes>(c: Context<Types>): RegionName | undefined {
  const { regions, development } = settingsOf(c.env);
  const named = c.req.query("region");
  if (named !== undefined && (development || regions.allowDevelopmentRegionQuery === true)) {
    return regions.regions.find(({ name }) => name === parseRegionName(named))?.name;
  }
  return nearestRegion(regions, requestPlace(c.req.raw));
}

/** Roughly where on Earth the sender is, when the edge tells. */
export function requestPlace(request: Request): { readonly latitude: number; readonly longitude: number } | undefined {
  const latitude = Number(request.cf?.["latitude"] ?? Number.NaN);
  const longitude = Number(request.cf?.["longitude"] ?? Number.NaN);
  return Number.isFinite(latitude) && Number.isFinite(longitude) ? { latitude, longitude } : undefined;
}
