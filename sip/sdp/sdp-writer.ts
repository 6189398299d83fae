/** Lines that every SDP of ours is made of. */
import type { NegotiatedAudio } from "../../protocol/media.ts";
import type { AudioDescription, MediaDirection } from "./audio-description.ts";
import { readMid } from "./audio-description.ts";
import { lineValue, parseSessionDescription } from "./session-description.ts";
import type { MediaSection } from "./session-description.ts";

/** RFC 8866 section 5: every line ends in CRLF, the last one too. */
export function sdpText(lines: readonly string[]): string {
  return `${lines.join("\r\n")}\r\n`;
}

/** `IN IP4 192.0.2.1`, as `c=` and `o=` want it. */
export function networkAddress(host: string): string {
  return `IN ${host.includes(":") ? "IP6" : "IP4"} ${host}`;
}

export function sessionLines(session: {
  readonly host: string;
  readonly sessionId: number;
  readonly version: number;
}): readonly string[] {
  return ["v=0", `o=- ${session.sessionId} ${session.version} ${networkAddress(session.host)}`, "s=-"];
}

/** RFC 3264 section 6: the answer's `t=` equals the offer's. */
export function timingLine(offer: string): string {
  const description = parseSessionDescription(offer);
  const timing = description === undefined ? undefined : lineValue(description, "t");
  return timing !== undefined && /^\d{1,20} \d{1,20}$/.test(timing) ? `t=${timing}` : "t=0 0";
}

/** The format list of the m-line. */
export function payloadTypes(audio: readonly NegotiatedAudio[]): string {
  return [
    ...new Set([
      ...audio.map((one) => one.payloadType),
      ...audio.flatMap((one) => one.telephoneEventPayloadType ?? []),
    ]),
  ].join(" ");
}

export function codecLines(audio: readonly NegotiatedAudio[]): readonly string[] {
  const [telephoneEvent] = audio.flatMap((one) => one.telephoneEventPayloadType ?? []);
  return [
    ...audio.map((one) => `a=rtpmap:${one.payloadType} ${one.codec}/8000`),
    ...(telephoneEvent === undefined
      ? []
      : [`a=rtpmap:${telephoneEvent} telephone-event/8000`, `a=fmtp:${telephoneEvent} 0-15`]),
    "a=ptime:20",
  ];
}

/** The answer's direction: we send only what the offer receives and `wanted` allows, and the other way round (RFC 3264 section 6.1). */
export function answerDirection(offer: AudioDescription, wanted: MediaDirection): MediaDirection {
  const send = receives(offer.direction) && sends(wanted);
  const receive = sends(offer.direction) && receives(wanted);
  if (send) return receive ? "sendrecv" : "sendonly";
  return receive ? "recvonly" : "inactive";
}

function sends(direction: MediaDirection): boolean {
  return direction === "sendrecv" || direction === "sendonly";
}

function receives(direction: MediaDirection): boolean {
  return direction === "sendrecv" || direction === "recvonly";
}

/** RFC 3264 section 6: a refused stream keeps its place, with port 0. */
export function refusedMedia(section: MediaSection): readonly string[] {
  const [kind, , ...rest] = section.media.split(/ +/);
  const mid = readMid(section);
  return [
    `m=${kind} 0 ${rest.join(" ")}`,
    "c=IN IP4 0.0.0.0",
    "a=inactive",
    ...(mid === undefined ? [] : [`a=mid:${mid}`]),
  ];
}
