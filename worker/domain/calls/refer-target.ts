/** Whom a Refer-To names: somebody of the account, or the peer of another call of ours (RFC 3515 section 2.1, RFC 3891 section 4). */
import { REFER_FIELD_LIMIT } from "#protocol/call-messages";
import { parseReplaces } from "#sip/dialog/replaces";
import { parseNameAddr } from "#sip/message/name-addr";
import { parseSipUri, uriSchemeOf } from "#sip/message/sip-uri";

export type ReferTarget =
  | { readonly kind: "address"; readonly user: string; readonly host: string }
  | { readonly kind: "dialog"; readonly replaces: string }
  | { readonly kind: "refused"; readonly status: number; readonly code: string };

export function readReferTo(value: string | undefined): ReferTarget {
  if (value === undefined || value.length > REFER_FIELD_LIMIT) return badRequest("refer-to-missing");
  const address = parseNameAddr(value);
  if (address === undefined) return badRequest("refer-to-malformed");
  const scheme = uriSchemeOf(address.uri);
  if (scheme !== "sip" && scheme !== "sips") return refused(416, "refer-to-scheme");
  const uri = parseSipUri(address.uri);
  if (uri === undefined) return badRequest("refer-to-malformed");
  const method = uri.params.get("method");
  // A URI without method parameter means INVITE (RFC 3261 section 19.1.1); nothing else is a transfer.
  if (method !== undefined && method !== "INVITE") return refused(403, "refer-method");
  const replaces = uri.headers.get("replaces");
  if (replaces !== undefined) {
    return parseReplaces(replaces) === undefined ? badRequest("replaces-malformed") : { kind: "dialog", replaces };
  }
  return uri.user === undefined
    ? refused(404, "refer-without-user")
    : { kind: "address", user: uri.user, host: uri.host };
}

function badRequest(code: string): ReferTarget {
  return refused(400, code);
}

function refused(status: number, code: string): ReferTarget {
  return { kind: "refused", status, code };
}
