/** Warning header fields: why a session cannot be had, for people and logs (RFC 3261 section 20.43). */

/** 304 and 305 are about media, 399 is anything else. */
export type WarnCode = 304 | 305 | 399;

/** `agent`: the name of who warns. `text` is shown as it is. */
export function warning(code: WarnCode, agent: string, text: string): readonly [name: "Warning", value: string] {
  return ["Warning", `${String(code)} ${agent} "${text.replaceAll(/["\\]/g, "")}"`];
}
