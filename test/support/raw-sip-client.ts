/** A SIP user agent that says what a test wants, right or wrong, over a wire of its own. */
import { hash, randomBytes } from "node:crypto";
import { createDigestAuthorization, ha1 } from "#sip/core/digest-authentication";
import type { DigestAlgorithm, HashHex } from "#sip/core/digest-authentication";
import { headerValues } from "#sip/message/headers";
import { parseSipMessage } from "#sip/message/parser";
import type { SipRequest, SipResponse } from "#sip/message/sip-message";
import { parseAuthParams } from "#sip/message/typed-headers";
import { finalResponse, openWire } from "./raw-wire.ts";
import type { Wire, WireTransport } from "./raw-wire.ts";
import type { Stack } from "./stack.ts";

const hashHex: HashHex = (algorithm, text) => hash(algorithm === "MD5" ? "md5" : "sha256", text, "hex");

export interface RawUser {
  readonly identity: string;
  readonly domain: string;
  readonly password: string;
}

export interface RawRequest {
  readonly requestUri?: string;
  /** Whole values of From (without tag) and To. */
  readonly from?: string;
  readonly to?: string;
  readonly callId?: string;
  readonly cseq?: number;
  /** Further header lines, `Name: value`. */
  readonly headers?: readonly string[];
  readonly maxForwards?: number;
  readonly body?: string;
}

export interface DigestAnswer {
  readonly nc?: number;
  readonly password?: string;
  readonly algorithm?: DigestAlgorithm;
  readonly username?: string;
  readonly realm?: string;
  readonly nonce?: string;
  readonly requestUri?: string;
}

export class RawSipClient {
  readonly wire: Wire;
  readonly user: RawUser;
  readonly callId = randomBytes(8).toString("hex");
  readonly tag = randomBytes(6).toString("hex");
  #cseq = 0;

  static async open(
    stack: Stack,
    transport: WireTransport,
    { user = stack.user("alice"), gateway = "us-east" }: { readonly user?: RawUser; readonly gateway?: string } = {},
  ): Promise<RawSipClient> {
    return new RawSipClient(await openWire(stack, transport, gateway), user);
  }

  constructor(wire: Wire, user: RawUser) {
    this.wire = wire;
    this.user = user;
  }

  get address(): string {
    return `<sip:${this.user.identity}@${this.user.domain}>`;
  }

  get contact(): string {
    const { host, port } = this.wire.local;
    return `<sip:${this.user.identity}@${host}:${port};transport=${this.wire.transport}>`;
  }

  /** The request as text, to spoil it before it is sent. */
  requestText(method: string, options: RawRequest = {}): string {
    const { host, port } = this.wire.local;
    const body = options.body ?? "";
    const lines = [
      `${method} ${options.requestUri ?? `sip:${this.user.domain}`} SIP/2.0`,
      `Via: SIP/2.0/${this.wire.transport.toUpperCase()} ${host}:${port};branch=z9hG4bK${randomBytes(8).toString("hex")};rport`,
      `Max-Forwards: ${options.maxForwards ?? 70}`,
      `From: ${options.from ?? this.address};tag=${this.tag}`,
      `To: ${options.to ?? this.address}`,
      `Call-ID: ${options.callId ?? this.callId}`,
      `CSeq: ${options.cseq ?? ++this.#cseq} ${method}`,
      ...(options.headers ?? []),
      `Content-Length: ${Buffer.byteLength(body)}`,
    ];
    return `${lines.join("\r\n")}\r\n\r\n${body}`;
  }

  async ask(method: string, options: RawRequest = {}): Promise<SipResponse> {
    return await this.exchange(this.requestText(method, options));
  }

  /** Sends a text that the parser understands, and waits for its final response. */
  async exchange(text: string): Promise<SipResponse> {
    this.wire.send(text);
    return await finalResponse(this.wire, requestOf(text));
  }

  async register(
    options: RawRequest & { readonly contact?: string; readonly expires?: number } = {},
  ): Promise<SipResponse> {
    const { contact = this.contact, expires = 600, headers = [], ...rest } = options;
    return await this.ask("REGISTER", {
      ...rest,
      headers: [`Contact: ${contact}`, `Expires: ${expires}`, ...headers],
    });
  }

  /** REGISTER, its challenge, and REGISTER with the right answer; a WebSocket that is known is not challenged again. */
  async registerWithDigest(
    options: RawRequest & { readonly contact?: string; readonly expires?: number } = {},
  ): Promise<SipResponse> {
    const challenge = await this.register(options);
    if (challenge.status < 300) return challenge;
    const { headers = [] } = options;
    return await this.register({ ...options, headers: [...headers, this.authorization("REGISTER", challenge)] });
  }

  /** The header line that answers a challenge, right but for what `answer` changes. */
  authorization(method: string, challenge: SipResponse, answer: DigestAnswer = {}): string {
    const isProxy = challenge.status === 407;
    const { identity, domain, password } = this.user;
    const offered = challengeOf(challenge, answer.algorithm ?? "MD5");
    const username = answer.username ?? identity;
    const realm = answer.realm ?? offered.realm;
    const algorithm = answer.algorithm ?? "MD5";
    const value = createDigestAuthorization({
      hash: hashHex,
      algorithm,
      ha1: ha1(hashHex, algorithm, { user: username, realm, password: answer.password ?? password }),
      method,
      uri: answer.requestUri ?? `sip:${domain}`,
      nonce: answer.nonce ?? offered.nonce,
      nc: (answer.nc ?? 1).toString(16).padStart(8, "0"),
      cnonce: randomBytes(8).toString("hex"),
      username,
      realm,
    });
    return `${isProxy ? "Proxy-Authorization" : "Authorization"}: ${value}`;
  }

  async close(): Promise<void> {
    await this.wire.close();
  }
}

export interface OfferedDigest {
  readonly realm: string;
  readonly nonce: string;
  readonly stale: boolean;
}

/** The challenge for this algorithm. */
export function challengeOf(response: SipResponse, algorithm: DigestAlgorithm = "MD5"): OfferedDigest {
  const name = response.status === 407 ? "proxy-authenticate" : "www-authenticate";
  for (const value of headerValues(response, name)) {
    const params = parseAuthParams(value)?.params;
    const [realm, nonce] = [params?.get("realm"), params?.get("nonce")];
    if (realm === undefined || nonce === undefined || (params?.get("algorithm") ?? "MD5") !== algorithm) continue;
    return { realm, nonce, stale: params?.get("stale") === "true" };
  }
  throw new Error(`${response.status} without a challenge for ${algorithm}`);
}

export function requestOf(text: string): SipRequest {
  const outcome = parseSipMessage(text);
  const message = outcome.ok ? outcome.message : outcome.problem.respondable;
  if (message?.kind !== "request") throw new Error(`not a request: ${text.slice(0, 80)}`);
  return message;
}
