/** A browser's SIP over WebSocket, as far as tests need it: raw messages, answers by CSeq. */
import { createHash, randomBytes } from "node:crypto";
import { WebSocket } from "ws";
import { createDigestAuthorization } from "../../../sip/core/digest-authentication.ts";
import type { DigestAlgorithm } from "../../../sip/core/digest-authentication.ts";
import { header, headerValues } from "../../../sip/message/headers.ts";
import { parseSipMessage } from "../../../sip/message/parser.ts";
import type { SipMessage, SipResponse } from "../../../sip/message/sip-message.ts";
import { cseqOf, parseAuthParams } from "../../../sip/message/typed-headers.ts";

const hash = (algorithm: DigestAlgorithm, text: string): string =>
  createHash(algorithm === "MD5" ? "md5" : "sha256")
    .update(text)
    .digest("hex");

export interface SipUser {
  readonly identity: string;
  readonly sipDomain: string;
  readonly password: string;
}

export interface RequestOptions {
  readonly headers?: readonly string[];
  readonly to?: string;
  readonly from?: string;
  readonly requestUri?: string;
  readonly callId?: string;
  readonly fromTag?: string;
  readonly body?: string;
}

export class SipBrowser {
  readonly user: SipUser;
  readonly messages: SipMessage[] = [];
  readonly raw: string[] = [];
  closed: number | undefined;
  readonly #socket: WebSocket;
  readonly #opened: Promise<void>;
  readonly #tag = randomBytes(6).toString("hex");
  readonly #callId = randomBytes(8).toString("hex");
  readonly contact = `<sip:${randomBytes(4).toString("hex")}@browser.invalid;transport=ws>`;
  #cseq = 0;
  #changed: () => void = () => undefined;

  constructor(origin: string, user: SipUser, region = "us-east") {
    this.user = user;
    this.#socket = new WebSocket(`${origin.replace("http", "ws")}/sip?region=${region}`, "sip");
    this.#opened = new Promise((resolve, reject) => {
      this.#socket.once("open", resolve);
      this.#socket.once("error", reject);
    });
    this.#socket.on("message", (data: Buffer) => this.#receive(data.toString()));
    this.#socket.on("close", (code) => {
      this.closed = code;
      this.#changed();
    });
  }

  async send(text: string | Buffer): Promise<void> {
    await this.#opened;
    this.#socket.send(text);
  }

  /** Sends a request and returns its CSeq number. */
  async request(method: string, options: RequestOptions = {}): Promise<number> {
    const { identity, sipDomain } = this.user;
    const cseq = ++this.#cseq;
    const lines = [
      `${method} ${options.requestUri ?? `sip:${sipDomain}`} SIP/2.0`,
      `Via: SIP/2.0/WS browser.invalid;branch=z9hG4bK${randomBytes(6).toString("hex")}`,
      "Max-Forwards: 70",
      `From: ${options.from ?? `<sip:${identity}@${sipDomain}>`};tag=${options.fromTag ?? this.#tag}`,
      `To: ${options.to ?? `<sip:${identity}@${sipDomain}>`}`,
      `Call-ID: ${options.callId ?? this.#callId}`,
      `CSeq: ${cseq} ${method}`,
      ...(options.headers ?? []),
      `Content-Length: ${Buffer.byteLength(options.body ?? "")}`,
    ];
    await this.send(`${lines.join("\r\n")}\r\n\r\n${options.body ?? ""}`);
    return cseq;
  }

  async final(cseq: number, timeoutMs = 5_000): Promise<SipResponse> {
    return await this.#until(`final response to ${cseq}`, timeoutMs, () => {
      for (const message of this.messages)
        if (message.kind === "response" && message.status >= 200 && cseqOf(message)?.number === cseq) return message;
      return undefined;
    });
  }

  async ask(method: string, options: RequestOptions = {}): Promise<SipResponse> {
    return await this.final(await this.request(method, options));
  }

  async register(
    options: { readonly expires?: number; readonly headers?: readonly string[]; readonly contact?: string } = {},
  ): Promise<SipResponse> {
    return await this.ask("REGISTER", {
      headers: [
        `Contact: ${options.contact ?? this.contact}`,
        `Expires: ${options.expires ?? 600}`,
        ...(options.headers ?? []),
      ],
    });
  }

  /** REGISTER, challenge, REGISTER with digest. */
  async registerWithDigest(
    options: { readonly expires?: number; readonly contact?: string } = {},
  ): Promise<SipResponse> {
    const challenge = await this.register(options);
    return await this.register({ ...options, headers: [this.authorization(challenge, "REGISTER")] });
  }

  /** An Authorization header field that answers this challenge. */
  authorization(
    challenge: SipResponse,
    method: string,
    options: {
      readonly nc?: number;
      readonly password?: string;
      readonly uri?: string;
      readonly username?: string;
    } = {},
  ): string {
    const proxy = challenge.status === 407;
    const value = header(challenge, proxy ? "proxy-authenticate" : "www-authenticate") ?? "";
    const params = parseAuthParams(value)?.params ?? new Map<string, string>();
    const realm = params.get("realm") ?? "";
    const algorithm = params.get("algorithm") === "SHA-256" ? "SHA-256" : "MD5";
    const username = options.username ?? this.user.identity;
    const credentials = createDigestAuthorization({
      hash,
      algorithm,
      ha1: hash(algorithm, `${username}:${realm}:${options.password ?? this.user.password}`),
      method,
      uri: options.uri ?? `sip:${this.user.sipDomain}`,
      nonce: params.get("nonce") ?? "",
      nc: (options.nc ?? 1).toString(16).padStart(8, "0"),
      cnonce: randomBytes(6).toString("hex"),
      username,
      realm,
    });
    return `${proxy ? "Proxy-Authorization" : "Authorization"}: ${credentials}`;
  }

  async nextRaw(timeoutMs = 5_000): Promise<string> {
    return await this.#until("any text", timeoutMs, () => this.raw.shift());
  }

  async ended(timeoutMs = 5_000): Promise<number> {
    return await this.#until("close", timeoutMs, () => this.closed);
  }

  close(): void {
    this.#socket.close();
  }

  #receive(text: string): void {
    this.raw.push(text);
    const parsed = parseSipMessage(text);
    if (parsed.ok) this.messages.push(parsed.message);
    this.#changed();
  }

  async #until<T>(what: string, timeoutMs: number, look: () => T | undefined): Promise<T> {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      const found = look();
      if (found !== undefined) return found;
      const leftMs = deadline - Date.now();
      if (leftMs <= 0)
        throw new Error(`no ${what} within ${timeoutMs} ms; got ${JSON.stringify(this.raw)} and close ${this.closed}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, leftMs);
        this.#changed = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }
}

export function contactsOf(response: SipResponse): readonly string[] {
  return headerValues(response, "contact");
}
