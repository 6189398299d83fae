/** Numbers as they are dialled inside a country, for those that are known by no other name. */
import type { EndpointId } from "#protocol/ids";
import type { ToneCountry } from "#protocol/media";
import { endpointOfNumber } from "./dialled-address.ts";

interface NumberingPlan {
  readonly countryCode: string;
  /** Before a number of another place in the country. */
  readonly trunkPrefix: string;
  /** Before a country code. */
  readonly internationalPrefix: string;
  /** Digits of a number without any prefix. */
  readonly digits: readonly [least: number, most: number];
}

/** ITU-T E.164 and the prefixes that its members report. `eu` is many countries, which dial each their own way. */
const PLANS: Readonly<Partial<Record<ToneCountry, NumberingPlan>>> = {
  us: { countryCode: "1", trunkPrefix: "1", internationalPrefix: "011", digits: [10, 10] },
  uk: { countryCode: "44", trunkPrefix: "0", internationalPrefix: "00", digits: [9, 10] },
  in: { countryCode: "91", trunkPrefix: "0", internationalPrefix: "00", digits: [10, 10] },
  au: { countryCode: "61", trunkPrefix: "0", internationalPrefix: "0011", digits: [9, 9] },
  cn: { countryCode: "86", trunkPrefix: "0", internationalPrefix: "00", digits: [9, 11] },
  es: { countryCode: "34", trunkPrefix: "", internationalPrefix: "00", digits: [9, 9] },
  fr: { countryCode: "33", trunkPrefix: "0", internationalPrefix: "00", digits: [9, 9] },
  jp: { countryCode: "81", trunkPrefix: "0", internationalPrefix: "010", digits: [9, 10] },
  nz: { countryCode: "64", trunkPrefix: "0", internationalPrefix: "00", digits: [8, 10] },
  se: { countryCode: "46", trunkPrefix: "0", internationalPrefix: "00", digits: [7, 9] },
};

/** Where a number is kept that somebody in this country has dialled, if it can be one of the country or of another. */
export function endpointOfNationalNumber(number: string, country: ToneCountry): EndpointId | undefined {
  const plan = PLANS[country];
  if (plan === undefined || number.startsWith("+")) return undefined;
  if (number.startsWith(plan.internationalPrefix))
    return endpointOfNumber(number.slice(plan.internationalPrefix.length));
  const [least, most] = plan.digits;
  const fits = (digits: string): boolean => digits.length >= least && digits.length <= most;
  const bare = number.startsWith(plan.trunkPrefix) ? number.slice(plan.trunkPrefix.length) : undefined;
  if (bare !== undefined && fits(bare)) return endpointOfNumber(plan.countryCode + bare);
  // Where the prefix is the country code, people leave it out as often as not.
  return country === "us" && fits(number) ? endpointOfNumber(plan.countryCode + number) : undefined;
}
