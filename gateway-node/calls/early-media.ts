/** Audio before the answer (RFC 3261 section 13.2.1, RFC 3960): of a phone that is rung, and towards one that calls. */
import type { CodecName } from "#protocol/media";
import type { SipResponse } from "#sip/message/sip-message";
import { bodyText, contentTypeOf } from "#sip/message/typed-headers";
import type { CallContext } from "./call-context.ts";
import { SDP_TYPE } from "./capabilities.ts";
import { answerOffer, followPeer, openAudio, readAnswer } from "./leg-audio.ts";
import type { PhoneLeg } from "./leg.ts";

/** Follows the first SDP of a provisional response; forks behind the phone that come later are not heard. */
export function hearEarly(
  context: CallContext,
  leg: PhoneLeg,
  codecs: readonly CodecName[],
  response: SipResponse,
): boolean {
  if (leg.capsule.media !== undefined || contentTypeOf(response) !== SDP_TYPE) return false;
  const sdp = bodyText(response);
  const audio = readAnswer(sdp, codecs);
  if (audio === undefined) {
    context.count("calls.early-media-unusable");
    return false;
  }
  followPeer(context, leg, sdp, audio);
  context.count("calls.early-media");
  return true;
}

/** The SDP of a 183 to the caller. It is the answer for good, so it is made once (RFC 3261 section 13.2.1). */
export async function prepareEarly(context: CallContext, leg: PhoneLeg, codec: CodecName): Promise<string | undefined> {
  if (leg.early !== undefined) return leg.early.codec === codec ? leg.early.sdp : undefined;
  const offer = leg.capsule.remoteOffer;
  if (offer === undefined || !(await openAudio(context, leg, offer))) return undefined;
  if (leg.gone || leg.cancelled || leg.capsule.phase !== "ringing") return undefined;
  const answer = answerOffer(leg, offer, codec);
  if (answer === undefined) return undefined;
  followPeer(context, leg, offer, answer.audio);
  leg.early = { codec, sdp: answer.sdp };
  return answer.sdp;
}

/**
 * The SDP of the 200. DEVIATION (docs/compliance.md#3261-13.2.1-early): it differs from the 183's when early media had another
 * codec or came from another gateway. A re-INVITE follows the ACK then.
 */
export function finalAnswer(context: CallContext, leg: PhoneLeg, offer: string, codec: CodecName): string | undefined {
  const { early } = leg;
  const adopted = leg.inviteTransaction === undefined;
  if (early?.codec === codec && !adopted) return early.sdp;
  const answer = answerOffer(leg, offer, codec);
  if (answer === undefined) return undefined;
  followPeer(context, leg, offer, answer.audio);
  leg.renegotiates = early !== undefined;
  return answer.sdp;
}
