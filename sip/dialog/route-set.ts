/** Where a request within a dialog goes first (RFC 3261 sections 12.2.1.1 and 16.12.1.2). */
import { parseNameAddr } from "../message/name-addr.ts";
import { parseSipUri, serializeSipUri } from "../message/sip-uri.ts";
import type { DialogState } from "./dialog-state.ts";

export interface RequestTarget {
  readonly requestUri: string;
  /** Route header values in order. */
  readonly routes: readonly string[];
}

/** A strict router (no `lr`) wants its own URI as request-URI and the remote target as the last Route. */
export function requestTarget({
  remoteTarget,
  routeSet,
}: Pick<DialogState, "remoteTarget" | "routeSet">): RequestTarget {
  const [first, ...rest] = routeSet;
  const firstUri = first === undefined ? undefined : parseNameAddr(first)?.uri;
  const uri = firstUri === undefined ? undefined : parseSipUri(firstUri);
  if (uri === undefined || uri.params.has("lr")) return { requestUri: remoteTarget, routes: routeSet };
  // What a Request-URI may not hold is dropped (section 19.1.1 table 1).
  const params = new Map([...uri.params].filter(([name]) => name !== "method"));
  return {
    requestUri: serializeSipUri({ ...uri, params, headers: new Map() }),
    routes: [...rest, `<${remoteTarget}>`],
  };
}
