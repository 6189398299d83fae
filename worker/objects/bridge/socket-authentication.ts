import { createHash } from "node:crypto";
import { digestChallenge, parseDigestAuthorization } from "#sip/core/digest-authentication";
import type { HashHex } from "#sip/core/digest-authentication";
import { createResponse } from "#sip/message/build";
import type { SipRequest, SipResponse } from "#sip/message/sip-message";
import { parseAuthParams } from "#sip/message/typed-headers";
import type { AccountSid, EndpointId, SipDomain } from "#protocol/ids";
import { DomainDirectory } from "../../adapters/domain-directory.ts";
import type { RegionLink } from "../../adapters/region-link.ts";
import { count } from "../../counters.ts";
import { credentialsOf } from "../../domain/bridging/bridge-message.ts";
import { judgeDigest } from "../../domain/bridging/socket-digest.ts";
import { FAILURE_LIMIT, withNonce } from "../../domain/bridging/socket-state.ts";
import type { SocketUser } from "../../domain/bridging/socket-state.ts";
import { randomHex } from "../../encoding.ts";
import type { BridgeSockets } from "./bridge-sockets.ts";

/** How long a socket is believed after a digest: a changed password counts after this. */
const DIGEST_TRUST_MS = 60 * 60_000;
/** WebSocket close code (private use): credentials were wrong too often, or never came. */
export const CLOSE_UNAUTHENTICATED = 4401;

const hash: HashHex = (algorithm, text) =>
  createHash(algorithm === "MD5" ? "md5" : "sha256")
    .update(text)
    .digest("hex");

/** Who a request says it is from. */
export interface ClaimedUser {
  readonly identity: EndpointId;
  readonly sipDomain: SipDomain;
}

export type Authentication =
  | { readonly ok: true; readonly user: SocketUser }
  | { readonly ok: false; readonly response: SipResponse };

/** Finds out who speaks over a socket: digest with MD5, the only one that browsers' libraries know, or an access token (RFC 8898). */
export class SocketAuthentication {
  readonly #link: RegionLink;
  readonly #sockets: BridgeSockets;
  readonly #domains: DomainDirectory;

  constructor(link: RegionLink, sockets: BridgeSockets) {
    this.#link = link;
    this.#sockets = sockets;
    this.#domains = new DomainDirectory(link);
  }

  async authenticate(socket: WebSocket, request: SipRequest, claimed: ClaimedUser): Promise<Authentication> {
    const credentials = credentialsOf(request);
    const known = this.#sockets.state(socket)?.user;
    if (known !== undefined && (known.identity !== claimed.identity || known.sipDomain !== claimed.sipDomain)) {
      count("bridge.identity-mismatch");
      return {
        ok: false,
        response: createResponse(request, 403, { toTag: randomHex(8), reason: "One Identity A Socket" }),
      };
    }
    if (credentials === undefined) {
      if (known !== undefined && known.untilMs > Date.now()) return { ok: true, user: known };
      count("bridge.challenged");
      return { ok: false, response: this.#challenge(socket, request, claimed.sipDomain) };
    }
    const parsed = parseAuthParams(credentials);
    const account = await this.#domains.accountOf(claimed.sipDomain);
    if (parsed?.scheme.toLowerCase() === "bearer")
      return await this.#byToken(socket, request, { ...claimed, account, token: parsed.token68 ?? "" });
    return await this.#byDigest(socket, request, { ...claimed, account, credentials });
  }

  async #byDigest(
    socket: WebSocket,
    request: SipRequest,
    claimed: ClaimedUser & { readonly account: AccountSid | undefined; readonly credentials: string },
  ): Promise<Authentication> {
    const { account, identity, sipDomain } = claimed;
    const authorization = parseDigestAuthorization(claimed.credentials);
    if (authorization === undefined) return this.#fail(socket, request, sipDomain, "digest-malformed");
    const secrets = account === undefined ? undefined : await this.#link.accounts.credentials(account, identity);
    const nowMs = Date.now();
    const verdict = judgeDigest({
      authorization,
      method: request.method,
      requestUri: request.requestUri,
      identity,
      realm: sipDomain,
      nonces: this.#sockets.state(socket)?.nonces ?? [],
      ha1Md5: secrets?.ha1Md5,
      hash,
      nowMs,
    });
    if (!verdict.ok) return this.#fail(socket, request, sipDomain, verdict.code);
    if (account === undefined) throw new TypeError("a digest without account cannot fit");
    const user: SocketUser = { account, identity, sipDomain, untilMs: nowMs + DIGEST_TRUST_MS, mayReceive: true };
    this.#sockets.update(socket, (state) => ({ ...withNonce(state, verdict.nonce), user, failures: 0 }));
    count("bridge.authenticated.digest");
    return { ok: true, user };
  }

  async #byToken(
    socket: WebSocket,
    request: SipRequest,
    claimed: ClaimedUser & { readonly account: AccountSid | undefined; readonly token: string },
  ): Promise<Authentication> {
    const { account, identity, sipDomain, token } = claimed;
    const outcome =
      account === undefined
        ? ({ ok: false, code: "token-account-mismatch" } as const)
        : await this.#link.accounts.verifyAccessToken(account, token);
    const code = outcome.ok ? (outcome.identity === identity ? undefined : "token-identity-mismatch") : outcome.code;
    if (code !== undefined || !outcome.ok || account === undefined) {
      this.#countFailure(socket, code ?? "token-invalid");
      // RFC 8898 section 2.2: the challenge names the scheme again and what was wrong.
      const challenge = `Bearer realm="${sipDomain}", error="invalid_token", error_description="${code ?? "token-invalid"}"`;
      return { ok: false, response: this.#challengeWith(request, challenge) };
    }
    const user: SocketUser = {
      account,
      identity,
      sipDomain,
      untilMs: outcome.expiresAtMs,
      tokenUntilMs: outcome.expiresAtMs,
      mayReceive: outcome.mayReceive,
    };
    this.#sockets.update(socket, (state) => ({ ...state, user, failures: 0 }));
    count("bridge.authenticated.token");
    return { ok: true, user };
  }

  #fail(socket: WebSocket, request: SipRequest, sipDomain: SipDomain, code: string): Authentication {
    this.#countFailure(socket, code);
    return { ok: false, response: this.#challenge(socket, request, sipDomain, code === "nonce-stale") };
  }

  #countFailure(socket: WebSocket, code: string): void {
    count(`bridge.refused.${code}`);
    // A nonce that only became too old is no guess at a password.
    if (code === "nonce-stale") return;
    this.#sockets.update(socket, (state) => ({ ...state, failures: state.failures + 1 }));
  }

  /** Whether this socket has had its tries. */
  isExhausted(socket: WebSocket): boolean {
    return (this.#sockets.state(socket)?.failures ?? 0) >= FAILURE_LIMIT;
  }

  #challenge(socket: WebSocket, request: SipRequest, sipDomain: SipDomain, stale = false): SipResponse {
    const nonce = randomHex(16);
    this.#sockets.update(socket, (state) => withNonce(state, { nonce, atMs: Date.now(), count: 0 }));
    return this.#challengeWith(
      request,
      digestChallenge({ realm: sipDomain, nonce, algorithm: "MD5", stale, qop: "auth" }),
    );
  }

  /** A registrar asks with 401, everything else with 407 as a proxy would (RFC 3261 sections 22.2 and 22.3). */
  #challengeWith(request: SipRequest, challenge: string): SipResponse {
    const [status, name] =
      request.method === "REGISTER" ? ([401, "WWW-Authenticate"] as const) : ([407, "Proxy-Authenticate"] as const);
    return createResponse(request, status, { toTag: randomHex(8), headers: [[name, challenge]] });
  }
}
