/** A SIP message in short, for the ladder of its call. */
import type { LegId } from "#protocol/ids";
import type { LadderMessage, LadderSdp } from "#protocol/ladder";
import { LADDER_CODECS } from "#protocol/ladder";
import { header } from "../message/headers.ts";
import { SIP_METHODS } from "../message/methods.ts";
import { parseNameAddr, tagOf } from "../message/name-addr.ts";
import type { SipMessage } from "../message/sip-message.ts";
import { bodyText, contentTypeOf, cseqOf } from "../message/typed-headers.ts";
import { readAudioDescription } from "../sdp/audio-description.ts";

/** Longer names are no codec's (the IANA registry has none over 20). */
const CODEC_NAME = /^[A-Za-z0-9.-]{1,24}$/;

/** `undefined`: without a CSeq nobody can say what it belongs to. */
export function ladderMessage(
  message: SipMessage,
  about: { readonly leg: LegId; readonly atMs: number; readonly sent: boolean },
): LadderMessage | undefined {
  const cseq = cseqOf(message);
  if (cseq === undefined) return undefined;
  const sdp = sdpInShort(message);
  const cause = causeOf(message);
  return {
    leg: about.leg,
    atMs: Math.round(about.atMs),
    sent: about.sent,
    method: SIP_METHODS.has(cseq.method) ? cseq.method : "other",
    cseq: cseq.number,
    ...(message.kind === "response" ? { status: message.status } : {}),
    ...(sdp === undefined ? {} : { sdp }),
    ...(cause === undefined ? {} : { cause }),
  };
}

/** The dialog tag on our side of a message: To of what answers or enters a leg, From of what we ask. */
export function ownTagOf(message: SipMessage, sent: boolean): string | undefined {
  const value = header(message, (message.kind === "request") === sent ? "from" : "to");
  const address = value === undefined ? undefined : parseNameAddr(value);
  return address === undefined ? undefined : tagOf(address);
}

function sdpInShort(message: SipMessage): LadderSdp | undefined {
  if (message.body.length === 0 || contentTypeOf(message) !== "application/sdp") return undefined;
  const audio = readAudioDescription(bodyText(message));
  if (audio === undefined) return undefined;
  const codecs = audio.codecs.map(({ name }) => name).filter((name) => CODEC_NAME.test(name));
  if (audio.telephoneEventPayloadType !== undefined) codecs.push("telephone-event");
  return {
    codecs: codecs.slice(0, LADDER_CODECS),
    // The hold of RFC 2543 says it by its address alone.
    direction: audio.held && audio.direction === "sendrecv" ? "sendonly" : audio.direction,
  };
}

function causeOf(message: SipMessage): number | undefined {
  const cause = /^\s*SIP\s*;(?:[^,]*;)?\s*cause\s*=\s*([1-6]\d{2})\b/i.exec(header(message, "reason") ?? "")?.[1];
  return cause === undefined ? undefined : Number(cause);
}
