/** The numbers that the platform itself answers, as the documents that answer them. */

const DOCUMENTS: ReadonlyMap<string, string> = new Map([
  ["echo", "<Response><Echo/></Response>"],
  ["music", '<Response><Play loop="0">nearside:music</Play></Response>'],
  ["conference", "<Response><Dial><Conference>demo</Conference></Dial></Response>"],
]);

/** In the order in which people try them. */
export const BUILT_IN_NUMBERS: readonly string[] = [...DOCUMENTS.keys()];

/** In any case of letters; `undefined` for every other number. */
export function documentForNumber(number: string): string | undefined {
  return DOCUMENTS.get(number.toLowerCase());
}
