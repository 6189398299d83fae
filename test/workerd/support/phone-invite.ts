import type { CallEvent } from "../../../protocol/call-messages.ts";
import type { LegId } from "../../../protocol/ids.ts";
import type { TestAccount } from "./accounts.ts";

const OFFER = [
  "v=0",
  "o=- 1 1 IN IP4 10.0.0.9",
  "s=-",
  "c=IN IP4 10.0.0.9",
  "t=0 0",
  "m=audio 4000 RTP/AVP 0 8 101",
  "a=rtpmap:0 PCMU/8000",
  "a=rtpmap:8 PCMA/8000",
  "a=rtpmap:101 telephone-event/8000",
  "",
].join("\r\n");

/** A phone's INVITE as its gateway tells it. */
export function inviteReceived(account: TestAccount, from: string, to: string): CallEvent {
  const callId = `call-${Math.random().toString(36).slice(2)}`;
  const flow = { transport: "udp", host: "10.0.0.9", port: 5060 } as const;
  return {
    kind: "invite-received",
    leg: "a" as LegId,
    account: account.sid as never,
    sipDomain: account.sipDomain as never,
    from: from as never,
    to,
    toHost: account.sipDomain,
    callId,
    flow,
    capsule: {
      kind: "phone",
      phase: "ringing",
      dialog: {
        callId,
        localTag: "x",
        remoteTag: "y",
        localUri: `<sip:${to}@${account.sipDomain}>`,
        remoteUri: `<sip:${from}@${account.sipDomain}>`,
        remoteTarget: "sip:alice@10.0.0.9:5060",
        routeSet: [],
        localCseq: -1,
        remoteCseq: 1,
        remoteAllow: [],
        localSdpVersion: 0,
        localSdpId: 1,
      },
      flow,
      invite: {
        vias: ["SIP/2.0/UDP 10.0.0.9;branch=z9hG4bK1"],
        from: `<sip:${from}@${account.sipDomain}>;tag=y`,
        to: `<sip:${to}@${account.sipDomain}>`,
        callId,
        cseq: 1,
        recordRoutes: [],
        requestUri: `sip:${to}@${account.sipDomain}`,
      },
      remoteOffer: OFFER,
    },
  };
}
