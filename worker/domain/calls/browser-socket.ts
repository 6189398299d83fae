/** A browser came back over another socket: which of its identity's routes is it? */
import { parseSipUri } from "#sip/message/sip-uri";
import type { EndpointRoute } from "../location/endpoint-route.ts";
import type { BrowserLeg } from "./call-state.ts";

export interface BrowserSocket {
  readonly bridge: string;
  readonly socket: string;
}

/**
 * By its instance (RFC 5626), or by the Contact of its dialog: sip.js registers without an instance, and its Contact is a
 * random one that a page keeps for all of its sockets.
 */
export function findBrowserSocket(
  leg: BrowserLeg,
  routes: readonly EndpointRoute[],
  goneSocket: string,
): BrowserSocket | undefined {
  const target = leg.dialog?.remoteTarget ?? leg.contact;
  const open = routes.filter(({ socket }) => socket !== undefined && socket !== goneSocket);
  const route =
    open.find(({ device }) => device === leg.device) ??
    open.find(({ contact }) => target !== undefined && isSameContact(contact, target));
  return route?.bridge === undefined || route.socket === undefined
    ? undefined
    : { bridge: route.bridge, socket: route.socket };
}

/** Without parameters: libraries add some in dialogs, such as `ob`, that they do not register with. */
function isSameContact(one: string, other: string): boolean {
  const [a, b] = [parseSipUri(one), parseSipUri(other)];
  return a?.user !== undefined && b !== undefined && a.user === b.user && a.host === b.host && a.port === b.port;
}
