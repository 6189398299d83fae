import { beforeEach, describe, expect, it } from "vitest";
import type { PhoneLegCapsule } from "../../../../protocol/capsule.ts";
import { header } from "../../../../sip/message/headers.ts";
import { A, CallLab, TAG_A } from "../support/call-lab.ts";
import { PHONE_FLOW } from "../support/fake-sip-stack.ts";
import { PHONE_SDP } from "../support/sip-messages.ts";

const RINGING: PhoneLegCapsule = {
  kind: "phone",
  phase: "ringing",
  flow: PHONE_FLOW,
  dialog: {
    callId: "call-1@phone",
    localTag: TAG_A,
    remoteTag: "phone",
    localUri: "<sip:bob@demo.test>",
    remoteUri: "<sip:alice@demo.test>",
    remoteTarget: "sip:alice@192.0.2.7:5060",
    routeSet: [],
    localCseq: 4,
    remoteCseq: 2,
    remoteAllow: [],
    localSdpVersion: 3,
    localSdpId: 77,
  },
  invite: {
    vias: ["SIP/2.0/UDP 192.0.2.7:5060;branch=z9hG4bKphone;rport=5060;received=192.0.2.7"],
    from: "<sip:alice@demo.test>;tag=phone",
    to: "<sip:bob@demo.test>",
    callId: "call-1@phone",
    cseq: 2,
    recordRoutes: [],
    requestUri: "sip:bob@demo.test",
  },
  remoteOffer: PHONE_SDP,
};

let lab: CallLab;

beforeEach(() => {
  lab = new CallLab();
});

function adoptForFarewell(phase: PhoneLegCapsule["phase"]): Promise<void> {
  const capsule = { ...RINGING, phase };
  return lab.command(
    { kind: "adopt-leg", leg: A, capsule, codecs: ["PCMU"], ringTimeoutMs: 0, headers: [], farewell: true },
    2,
  );
}

describe("a leg that is adopted only to be ended", () => {
  it.each(["answered", "confirmed"] as const)(
    "in phase %s gets BYE with numbers of the new epoch, and nothing else",
    async (phase) => {
      await adoptForFarewell(phase);
      expect(lab.stack.sentMethods()).toEqual([]);
      await lab.command({ kind: "end-leg", leg: A }, 2);
      expect(lab.stack.sentMethods()).toEqual(["BYE"]);
      const bye = lab.stack.lastSent("BYE");
      expect(Number(header(bye.request, "cseq")?.split(" ")[0])).toBeGreaterThan(1_000);
      expect(lab.media.trace.filter((line) => line.startsWith("open"))).toEqual([]);
      bye.onTimeout();
      expect(lab.legs.size).toBe(0);
      expect(lab.clock.armed).toBe(0);
    },
  );

  it("in phase ringing gets the refusal along the Vias of its INVITE", async () => {
    await adoptForFarewell("ringing");
    await lab.command({ kind: "reject-leg", leg: A, status: 486, reason: "Busy Here" }, 2);
    const [refusal] = lab.stack.responsesOnce;
    expect(refusal?.response.status).toBe(486);
    expect(lab.legs.size).toBe(0);
    expect(lab.clock.armed).toBe(0);
  });
});
