import { distanceKm } from "#region-config";
import type { RegionConfig } from "#region-config";
import { parseRegionName } from "#protocol/ids";
import type { RegionName } from "#protocol/ids";

/** The region nearest to a place on Earth; the default one when the place is unknown. */
export function nearestRegion(
  config: RegionConfig,
  place: { readonly latitude: number; readonly longitude: number } | undefined,
): RegionName {
  const client = parseRegionName("client");
  if (place === undefined || client === undefined) return config.defaultRegion;
  const others = config.regions.filter(({ name }) => name !== client);
  const map = { regions: [...others, { name: client, ...place }], roundTripMs: [] };
  const [nearest] = others.toSorted(
    (a, b) => distanceKm(map, client, a.name) - distanceKm(map, client, b.name) || (a.name < b.name ? -1 : 1),
  );
  return nearest?.name ?? config.defaultRegion;
}
