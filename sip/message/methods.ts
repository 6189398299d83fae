/** Methods that a SIP element knows by name (the IANA registry of RFC 3261 section 27.4), whether it takes them or not. */
export const SIP_METHODS: ReadonlySet<string> = new Set([
  "ACK",
  "BYE",
  "CANCEL",
  "INFO",
  "INVITE",
  "MESSAGE",
  "NOTIFY",
  "OPTIONS",
  "PRACK",
  "PUBLISH",
  "REFER",
  "REGISTER",
  "SUBSCRIBE",
  "UPDATE",
]);

/** A method as part of a counter's name: peers choose methods freely, counters are a closed set. */
export function countedMethod(method: string): string {
  return SIP_METHODS.has(method) ? method.toLowerCase() : "other";
}
