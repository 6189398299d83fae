/**
 * Which digest algorithms a phone is offered, and in which order: the strongest first (RFC 8760 section 2.4).
 *
 * DEVIATION (docs/compliance.md#8760-2.4): not for the clients below, which give up instead of passing over a challenge
 * that they do not know (RFC 3261 section 22.2).
 *
 * Whoever answers may use either; the order protects nobody from an attacker on the path, who can strip a challenge.
 */
import type { DigestAlgorithm } from "#sip/core/digest-authentication";
import { header } from "#sip/message/headers";
import type { SipRequest } from "#sip/message/sip-message";
import { topVia } from "#sip/message/typed-headers";

const STRONGEST_FIRST: readonly DigestAlgorithm[] = ["SHA-256", "MD5"];
const MD5_FIRST: readonly DigestAlgorithm[] = ["MD5", "SHA-256"];
const MD5_ONLY: readonly DigestAlgorithm[] = ["MD5"];

/** libre before 2.0 stops with ENOSYS at any challenge that is not MD5, wherever it stands. */
const MD5_ONLY_AGENTS = /^baresip v[01]\./i;
/** These read the first challenge only, and know MD5 only: SIPp before 3.8, sip.js, JsSIP. */
const MD5_FIRST_AGENTS = /^(sipp|sip\.js|jssip)\b/i;
/** SIPp names itself in no header field unless its scenario does, but its branches are PID, call and message. */
const SIPP_BRANCH = /^z9hG4bK-\d+-\d+-\d+$/;

export function offeredAlgorithms(request: SipRequest): readonly DigestAlgorithm[] {
  const agent = header(request, "user-agent");
  if (agent === undefined) return SIPP_BRANCH.test(topVia(request)?.branch ?? "") ? MD5_FIRST : STRONGEST_FIRST;
  if (MD5_ONLY_AGENTS.test(agent)) return MD5_ONLY;
  return MD5_FIRST_AGENTS.test(agent) || SIPP_BRANCH.test(topVia(request)?.branch ?? "") ? MD5_FIRST : STRONGEST_FIRST;
}
