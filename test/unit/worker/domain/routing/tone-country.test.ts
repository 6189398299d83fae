import { expect, it } from "vitest";
import { toneCountryOf } from "../../../../../worker/domain/routing/tone-country.ts";

it.each([
  ["Virginia", 39.04, -77.49, "us"],
  ["Oregon", 45.6, -121.2, "us"],
  ["Dublin", 53.35, -6.26, "uk"],
  ["London", 51.5, -0.1, "uk"],
  ["Frankfurt", 50.1, 8.7, "eu"],
  ["Paris", 48.9, 2.4, "fr"],
  ["Madrid", 40.4, -3.7, "es"],
  ["Stockholm", 59.3, 18.1, "se"],
  ["Mumbai", 19.08, 72.88, "in"],
  ["Sydney", -33.9, 151.2, "au"],
  ["Auckland", -36.8, 174.8, "nz"],
  ["Tokyo", 35.7, 139.7, "jp"],
  ["Shanghai", 31.2, 121.5, "cn"],
])("callers in %s hear the tones of %s", (_, latitude, longitude, country) => {
  expect(toneCountryOf({ latitude, longitude })).toBe(country);
});
