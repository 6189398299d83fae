/** Addresses say where people are: what is shown to others of a call does without. */

const IPV4 = /(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?::\d{1,5})?(?![\d.]*\d)/g;
/** In brackets, with the two colons of an abbreviation, or with more groups than a time of day has. */
const IPV6 =
  /\[[\da-f:.%]*:[\da-f:.%]*\](?::\d{1,5})?|(?<![\w:])(?:[\da-f]{1,4}(?::[\da-f]{1,4})*)?::[\da-f:.]*(?:%\w+)?|(?<![\w:])(?:[\da-f]{1,4}:){4,7}[\da-f]{1,4}(?![\w:])/gi;

/** For texts that peers or the network wrote. */
export function hideAddresses(text: string): string {
  return text.replaceAll(IPV4, "(address)").replaceAll(IPV6, "(address)");
}
