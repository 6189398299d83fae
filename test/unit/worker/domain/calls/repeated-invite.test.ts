import { expect, it } from "vitest";
import { CallWorld, DOMAIN, PHONE_OFFER, phoneRoute } from "./call-world.ts";

const INVITE = [
  `INVITE sip:bob@${DOMAIN} SIP/2.0`,
  "Via: SIP/2.0/WS x.invalid;branch=z9hG4bK1",
  `From: <sip:alice@${DOMAIN}>;tag=f1`,
  `To: <sip:bob@${DOMAIN}>`,
  "Call-ID: browser-1",
  "CSeq: 1 INVITE",
  "Max-Forwards: 70",
  "Contact: <sip:alice@x.invalid;transport=ws>",
  "Content-Type: application/sdp",
  `Content-Length: ${PHONE_OFFER.length}`,
  "",
  PHONE_OFFER,
].join("\r\n");

it("an INVITE that is handed over again while the callee is looked for is not refused, and the callee rings once", () => {
  const world = new CallWorld();
  world.browser("alice", "s1", INVITE);
  world.browser("alice", "s1", INVITE);
  expect(world.said()).toEqual([]);
  world.located(phoneRoute("desk", "us-east"));
  world.browser("alice", "s1", INVITE);
  expect(world.told()).toEqual(["us-east: invite-leg b1"]);
  expect(world.said()).toEqual([]);
});
