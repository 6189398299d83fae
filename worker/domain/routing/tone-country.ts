/** Whose telephone tones a region's callers are used to: those of the country that it lies in, or nearest to. */
import type { RegionEntry } from "#region-config";
import { distanceKm } from "#region-config";
import type { RegionName } from "#protocol/ids";
import type { ToneCountry } from "#protocol/media";

/** Places inside each country, so many that the nearest one tells it from its neighbours. */
const PLACES: readonly (readonly [country: ToneCountry, latitude: number, longitude: number])[] = [
  ["us", 40.7, -74],
  ["us", 41.9, -87.6],
  ["us", 33, -97],
  ["us", 37.4, -122],
  ["uk", 53.5, -2.2],
  ["uk", 53.3, -6.3],
  ["uk", 51.5, -0.1],
  ["eu", 52.5, 13.4],
  ["eu", 50.1, 8.7],
  ["eu", 52.3, 4.9],
  ["eu", 45.5, 9.2],
  ["fr", 48.9, 2.4],
  ["fr", 43.3, 5.4],
  ["es", 40.4, -3.7],
  ["se", 59.3, 18.1],
  ["in", 19.1, 72.9],
  ["in", 13.1, 80.3],
  ["in", 28.6, 77.2],
  ["cn", 39.9, 116.4],
  ["cn", 31.2, 121.5],
  ["cn", 22.3, 114.2],
  ["jp", 35.7, 139.7],
  ["jp", 34.7, 135.5],
  ["au", -33.9, 151.2],
  ["au", -32, 115.9],
  ["nz", -36.8, 174.8],
];

export function toneCountryOf({ latitude, longitude }: Pick<RegionEntry, "latitude" | "longitude">): ToneCountry {
  // Names on a map of two points; nothing else reads them.
  const [here, there] = ["here" as RegionName, "there" as RegionName];
  let nearest: { readonly country: ToneCountry; readonly km: number } = { country: "us", km: Infinity };
  for (const [country, placeLatitude, placeLongitude] of PLACES) {
    const km = distanceKm(
      {
        regions: [
          { name: here, latitude, longitude },
          { name: there, latitude: placeLatitude, longitude: placeLongitude },
        ],
        roundTripMs: [],
      },
      here,
      there,
    );
    if (km < nearest.km) nearest = { country, km };
  }
  return nearest.country;
}
