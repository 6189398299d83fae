/** How a gateway that never spoke with a phone may reach it (docs/design/capsule.md, "Which gateway adopts"). */
import type { PhoneLegCapsule, SipFlow } from "#protocol/capsule";
import { parseSipUri } from "#sip/message/sip-uri";

const DEFAULT_PORTS = { udp: 5060, tcp: 5060, tls: 5061 } as const;

/**
 * Best first: the flow that the phone registered over here; where it was last; and for TCP and TLS the address that its
 * Contact listens on, as nobody listens at the far end of a connection that it opened to another gateway.
 */
export function waysToPhone(capsule: PhoneLegCapsule, registered: SipFlow | undefined): readonly SipFlow[] {
  const { flow, dialog } = capsule;
  return distinct([registered, flow, contactFlow(dialog.remoteTarget, flow)]);
}

/**
 * The same for an adopter: it has no connection of the dead gateway, so it tries listening addresses before the far end of
 * one. baresip writes that far end into the Contact of its 2xx, so the Contact that was rung counts as well.
 */
export function waysToAdoptedPhone(capsule: PhoneLegCapsule, registered: SipFlow | undefined): readonly SipFlow[] {
  const { flow, dialog, invite } = capsule;
  const rung = capsule.phase === "confirmed" || capsule.phase === "calling" ? invite?.requestUri : undefined;
  return distinct([
    registered,
    rung === undefined ? undefined : contactFlow(rung, flow),
    contactFlow(dialog.remoteTarget, flow),
    flow,
  ]);
}

function distinct(ways: readonly (SipFlow | undefined)[]): readonly SipFlow[] {
  const found: SipFlow[] = [];
  for (const way of ways) if (way !== undefined && !found.some((other) => isSameFlow(other, way))) found.push(way);
  return found;
}

/** A Contact with a name instead of an address says the port only; names of phones are seldom in the DNS. */
function contactFlow(target: string, flow: SipFlow): SipFlow | undefined {
  if (flow.transport === "udp") return undefined;
  const uri = parseSipUri(target);
  if (uri === undefined || uri.scheme === "tel") return undefined;
  const host = /^[\d.]+$|:/.test(uri.host) ? uri.host : flow.host;
  return { transport: flow.transport, host, port: uri.port ?? DEFAULT_PORTS[flow.transport] };
}

function isSameFlow(a: SipFlow, b: SipFlow): boolean {
  return a.transport === b.transport && a.host === b.host && a.port === b.port;
}
