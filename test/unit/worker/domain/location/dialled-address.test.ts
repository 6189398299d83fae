import { expect, it } from "vitest";
import type { ToneCountry } from "#protocol/media";
import { endpointOfNationalNumber } from "../../../../../worker/domain/location/national-number.ts";
import { endpointOfNumber, parseDialledAddress } from "../../../../../worker/domain/location/dialled-address.ts";

it.each([
  ["+15551234567", "15551234567", "+15551234567"],
  ["15551234567", "15551234567", "15551234567"],
  ["+1 (555) 123-4567", "15551234567", "+15551234567"],
  ["+1%20(555)%20123-4567", "15551234567", "+15551234567"],
  ["%2B15551234567", "15551234567", "+15551234567"],
  ["+1.555.123.4567", "15551234567", "+15551234567"],
  ["+1\u00a0555\u2011123\u20134567", "15551234567", "+15551234567"],
  ["\uff0b15551234567", "15551234567", "+15551234567"],
  ["0044 20 7946 0000", "442079460000", "+442079460000"],
  ["+44 (0)20 7946 0000", "442079460000", "+442079460000"],
  ["0044 (0) 20 7946 0000", "442079460000", "+442079460000"],
  ["(020) 7946 0000", "02079460000", "02079460000"],
  ["555-0100", "5550100", "5550100"],
  ["555/0100", "5550100", "5550100"],
  ["100", "100", "100"],
  ["00", "00", "00"],
  [" 100 ", "100", "100"],
  ["+15551234567;phone-context=example.com", "15551234567", "+15551234567"],
  ["bob", "bob", undefined],
  ["Bob", "bob", undefined],
  ["BOB.SMITH", "bob.smith", undefined],
  ["%62ob", "bob", undefined],
  ["bob;x=y", "bob", undefined],
  ["bob-2", "bob-2", undefined],
  ["4you", "4you", undefined],
])("%j is dialled as %s", (dialled, endpoint, number) => {
  expect(parseDialledAddress(dialled)).toEqual({ endpoint, ...(number === undefined ? {} : { number }) });
});

it.each([
  "",
  " ",
  "+",
  "()",
  "-",
  "*98",
  "#31#",
  "bob smith",
  "%",
  "1".repeat(65),
  "b".repeat(65),
  "b\u00f6b",
  "a@b",
  "x".repeat(500),
])("%j is neither number nor identity", (dialled) => {
  expect(parseDialledAddress(dialled)).toBeUndefined();
});

it("finds a number with its plus and without at one place", () => {
  expect(endpointOfNumber("+15551234567")).toBe(endpointOfNumber("15551234567"));
});

it.each<[string, ToneCountry, string | undefined]>([
  ["5551234567", "us", "15551234567"],
  ["15551234567", "us", "15551234567"],
  ["011442079460000", "us", "442079460000"],
  ["02079460000", "uk", "442079460000"],
  ["0111234567", "uk", "44111234567"],
  ["0212345678", "fr", "33212345678"],
  ["912345678", "es", "34912345678"],
  ["010442079460000", "jp", "442079460000"],
  ["0011442079460000", "au", "442079460000"],
  ["09123456789", "in", "919123456789"],
  ["5550100", "us", undefined],
  ["100", "uk", undefined],
  ["0100", "uk", undefined],
  ["02079460000", "eu", undefined],
  ["+442079460000", "us", undefined],
])("%s dialled in %s is kept at %s", (number, country, endpoint) => {
  expect(endpointOfNationalNumber(number, country)).toBe(endpoint);
});
