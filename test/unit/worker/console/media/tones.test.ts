import { expect, it } from "vitest";
import { ringbackFor } from "../../../../../worker/console/media/tones.ts";

it.each([
  { region: "us-east", hertz: [440, 480], everyMs: 6_000 },
  { region: "eu-west", hertz: [400, 450], everyMs: 3_000 },
  { region: "ap-south", hertz: [400, 450], everyMs: 3_000 },
  { region: "eu-central", hertz: [425], everyMs: 5_000 },
  { region: "", hertz: [425], everyMs: 5_000 },
])("callers in $region hear the ringback of their country", ({ region, hertz, everyMs }) => {
  const cadence = ringbackFor(region);
  expect(cadence.hertz).toEqual(hertz);
  expect(cadence.pattern.reduce((sum, ms) => sum + ms, 0)).toBe(everyMs);
});
