import { expect, it } from "vitest";
import { settingsWords } from "../../../../../worker/console/model/call-settings.ts";
import { DEFAULT_SETTINGS } from "../../../../../worker/domain/accounts/callee-plan.ts";

it.each([
  { settings: {}, words: undefined },
  { settings: { forward: { noAnswer: "bob" } }, words: undefined },
  { settings: { doNotDisturb: true }, words: "Do not disturb" },
  { settings: { doNotDisturb: true, forward: { busy: "bob" } }, words: "Do not disturb · to bob" },
  { settings: { doNotDisturb: true, forward: { always: "bob" } }, words: "Forwarding to bob" },
])("the top of the page says $words for $settings", ({ settings, words }) => {
  expect(settingsWords({ ...DEFAULT_SETTINGS, ...settings })).toBe(words);
});
