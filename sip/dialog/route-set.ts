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
  if (firstUri === undefined || uri === undefined || uri.params.has("lr")) {
    return { requestUri: asRequestUri(remoteTarget), routes: routeSet };
  }
  return { requestUri: asRequestUri(firstUri), routes: [...rest, `<${remoteTarget}>`] };
}

/** A Contact or Route may hold header fields and a method, a request-URI may not (section 19.1.1 table 1). Others stay byte for byte. */
function asRequestUri(text: string): string {
  const uri = parseSipUri(text);
  if (uri === undefined || (uri.headers.size === 0 && !uri.params.has("method"))) return text;
  const params = new Map([...uri.params].filter(([name]) => name !== "method"));
  return serializeSipUri({ ...uri, params, headers: new Map() });
}
