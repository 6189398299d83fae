/**
 * A SIP phone over UDP for benchmarks: registers, calls, answers at once, and knows when each message came. The same
 * phone is used against Nearside and against its peers; it costs so little that it measures them and not itself.
 */
import { createSocket } from "node:dgram";
import type { Socket } from "node:dgram";
import { once } from "node:events";
import { hash, randomBytes } from "node:crypto";
import { createDigestAuthorization, ha1 } from "../../sip/core/digest-authentication.ts";
import type { HashHex } from "../../sip/core/digest-authentication.ts";
import { createRequest, createResponse } from "../../sip/message/build.ts";
import { header, headerValues, withTopHeader } from "../../sip/message/headers.ts";
import { parseNameAddr } from "../../sip/message/name-addr.ts";
import { parseSipMessage } from "../../sip/message/parser.ts";
import { serializeSipMessage } from "../../sip/message/serializer.ts";
import type { SipRequest, SipResponse } from "../../sip/message/sip-message.ts";
import { callIdOf, cseqOf, topVia } from "../../sip/message/typed-headers.ts";
import type { BenchUser } from "./bench-stack.ts";
import { addressOfUri, audioAddress, contactUri, nonceOf, viaSource } from "./sip-fields.ts";
import type { Address } from "./sip-fields.ts";

export interface PhoneOptions {
  readonly user: BenchUser;
  /** Where REGISTER and INVITE go first. */
  readonly server: Address;
  /** Where this phone says it wants its audio. */
  readonly rtpPort?: number;
}

/** What happened to one call, in milliseconds since its first INVITE left. */
export interface PhoneCall {
  readonly ringingMs: number;
  readonly answeredMs: number;
  /** Where the answer says that audio goes. */
  readonly audio: Address;
  hangUp(): Promise<void>;
}

export class CallFailed extends Error {
  override readonly name = "CallFailed";
  readonly status: number;

  constructor(status: number, what: string) {
    super(`${what}: ${status === 0 ? "no answer" : status}`);
    this.status = status;
  }
}

interface Dialog {
  readonly callId: string;
  readonly local: string;
  remote: string;
  target: string;
  routes: readonly string[];
  cseq: number;
}

type OnResponse = (response: SipResponse) => void;

const T1_MS = 500;
const TIMEOUT_MS = 8_000;
/** How long an answer is kept for a request that comes again. */
const ANSWERS_KEPT = 2_000;
const hashHex: HashHex = (algorithm, text) => hash(algorithm === "MD5" ? "md5" : "sha256", text, "hex");

export class SipPhone {
  readonly #options: PhoneOptions;
  readonly #socket: Socket;
  readonly #contact: string;
  readonly #waiting = new Map<string, OnResponse>();
  readonly #answers = new Map<string, readonly Uint8Array[]>();
  readonly #finished = new Map<string, Uint8Array>();
  readonly #registration = { callId: unique(), cseq: 0, tag: unique() };
  #nonce: { readonly nonce: string; uses: number } | undefined;
  /** Calls that came in and were answered. */
  answered = 0;
  /** Where the last INVITE to this phone, first or repeated, says that audio goes. */
  audioOfCaller: Address | undefined;
  /** Fires with each INVITE that opens a call, right before it is answered. */
  onCall: ((audio: Address) => void) | undefined;
  /** Fires with each re-INVITE, after it was answered. */
  onReinvite: ((audio: Address) => void) | undefined;
  readonly #dialogs = new Map<string, Dialog>();
  #closed = false;

  static async open(options: PhoneOptions): Promise<SipPhone> {
    const socket = createSocket({ type: "udp4", recvBufferSize: 1 << 20 });
    socket.bind(0, "127.0.0.1");
    await once(socket, "listening");
    return new SipPhone(options, socket);
  }

  private constructor(options: PhoneOptions, socket: Socket) {
    this.#options = options;
    this.#socket = socket;
    this.#contact = `<sip:${options.user.identity}@127.0.0.1:${this.port}>`;
    socket.on("message", (octets) => this.#receive(octets));
    socket.on("error", () => {});
  }

  get port(): number {
    return this.#socket.address().port;
  }

  close(): void {
    this.#closed = true;
    this.#socket.close();
  }

  /** The first time with a challenge; after that in one round trip, as a phone refreshes. */
  async register(expiresSeconds = 3_600): Promise<void> {
    const { user, server } = this.#options;
    for (let attempt = 0; attempt < 2; attempt++) {
      const registration = this.#registration;
      registration.cseq += 1;
      const uri = `sip:${user.domain}`;
      const request = createRequest({
        method: "REGISTER",
        requestUri: uri,
        headers: [
          ["From", `<sip:${user.identity}@${user.domain}>;tag=${registration.tag}`],
          ["To", `<sip:${user.identity}@${user.domain}>`],
          ["Call-ID", registration.callId],
          ["CSeq", `${registration.cseq} REGISTER`],
          ["Contact", this.#contact],
          ["Expires", String(expiresSeconds)],
          ["Max-Forwards", "70"],
          ...this.#authorize("Authorization", "REGISTER", uri),
        ],
      });
      const response = await this.#transact(request, server);
      if (response.status === 200) {
        const next = /nextnonce="([^"]+)"/.exec(header(response, "authentication-info") ?? "")?.[1];
        if (next !== undefined) this.#nonce = { nonce: next, uses: 0 };
        return;
      }
      if (response.status !== 401) throw new CallFailed(response.status, "REGISTER");
      this.#nonce = nonceOf(response, "www-authenticate");
    }
    throw new CallFailed(401, "REGISTER");
  }

  /** Calls `to` in the own domain: INVITE, challenge, INVITE with its answer, ACK. */
  async call(to: string): Promise<PhoneCall> {
    const { user, server } = this.#options;
    const startedAt = performance.now();
    const dialog: Dialog = {
      callId: unique(),
      local: `<sip:${user.identity}@${user.domain}>;tag=${unique()}`,
      remote: `<sip:${to}@${user.domain}>`,
      target: `sip:${to}@${user.domain}`,
      routes: [],
      cseq: 0,
    };
    let authorization: readonly (readonly [string, string])[] = [];
    for (let attempt = 0; attempt < 2; attempt++) {
      dialog.cseq += 1;
      let ringingMs = NaN;
      const invite = this.#invite(dialog, authorization);
      const response = await this.#transact(invite, server, (provisional) => {
        if (provisional.status === 180 && Number.isNaN(ringingMs)) ringingMs = performance.now() - startedAt;
      });
      const answeredMs = performance.now() - startedAt;
      if (response.status === 407) {
        this.#nonce = nonceOf(response, "proxy-authenticate");
        authorization = this.#authorize("Proxy-Authorization", "INVITE", dialog.target);
        continue;
      }
      if (response.status !== 200) throw new CallFailed(response.status, "INVITE");
      this.#establish(dialog, response);
      return { ringingMs, answeredMs, audio: audioAddress(response), hangUp: () => this.#hangUp(dialog) };
    }
    throw new CallFailed(407, "INVITE");
  }

  #invite(dialog: Dialog, authorization: readonly (readonly [string, string])[]): SipRequest {
    return createRequest({
      method: "INVITE",
      requestUri: dialog.target,
      headers: [
        ["From", dialog.local],
        ["To", dialog.remote],
        ["Call-ID", dialog.callId],
        ["CSeq", `${dialog.cseq} INVITE`],
        ["Contact", this.#contact],
        ["Max-Forwards", "70"],
        ...authorization,
      ],
      contentType: "application/sdp",
      body: this.#sdp(),
    });
  }

  #establish(dialog: Dialog, response: SipResponse): void {
    dialog.remote = header(response, "to") ?? dialog.remote;
    dialog.target = contactUri(response) ?? dialog.target;
    dialog.routes = headerValues(response, "record-route").toReversed();
    this.#dialogs.set(dialog.callId, dialog);
    const ack = this.#inDialog(dialog, "ACK");
    this.#send(this.#withVia(ack, branch()), this.#nextHop(dialog));
  }

  async #hangUp(dialog: Dialog): Promise<void> {
    dialog.cseq += 1;
    this.#dialogs.delete(dialog.callId);
    const response = await this.#transact(this.#inDialog(dialog, "BYE"), this.#nextHop(dialog));
    if (response.status !== 200) throw new CallFailed(response.status, "BYE");
  }

  #inDialog(dialog: Dialog, method: "ACK" | "BYE"): SipRequest {
    return createRequest({
      method,
      requestUri: dialog.target,
      headers: [
        ...dialog.routes.map((route) => ["Route", route] as const),
        ["From", dialog.local],
        ["To", dialog.remote],
        ["Call-ID", dialog.callId],
        ["CSeq", `${dialog.cseq} ${method}`],
        ["Max-Forwards", "70"],
      ],
    });
  }

  #nextHop(dialog: Dialog): Address {
    const uri = dialog.routes[0] === undefined ? dialog.target : (parseNameAddr(dialog.routes[0])?.uri ?? "");
    return addressOfUri(uri) ?? this.#options.server;
  }

  #authorize(name: string, method: string, uri: string): readonly (readonly [string, string])[] {
    const { user } = this.#options;
    if (this.#nonce === undefined) return [];
    this.#nonce.uses += 1;
    const secret = ha1(hashHex, "MD5", { user: user.identity, realm: user.domain, password: user.password });
    const value = createDigestAuthorization({
      username: user.identity,
      realm: user.domain,
      hash: hashHex,
      algorithm: "MD5",
      ha1: secret,
      method,
      uri,
      nonce: this.#nonce.nonce,
      nc: this.#nonce.uses.toString(16).padStart(8, "0"),
      cnonce: "0a4f113b",
    });
    return [[name, value]];
  }

  /** Sends, repeats while nothing comes (Timers A and E), and settles with the final response; 408 when none came. */
  async #transact(request: SipRequest, to: Address, onProvisional: OnResponse = () => {}): Promise<SipResponse> {
    const id = branch();
    const octets = this.#withVia(request, id);
    let repeat: NodeJS.Timeout | undefined;
    const later = (ms: number): void => {
      repeat = setTimeout(() => {
        this.#send(octets, to);
        later(Math.min(ms * 2, 4_000));
      }, ms);
    };
    later(T1_MS);
    const { promise, resolve, reject } = Promise.withResolvers<SipResponse>();
    const timeout = setTimeout(() => reject(new CallFailed(0, request.method)), TIMEOUT_MS);
    this.#waiting.set(id, (response) => {
      if (request.method === "INVITE") clearTimeout(repeat);
      if (response.status >= 200) resolve(response);
      else onProvisional(response);
    });
    this.#send(octets, to);
    try {
      const response = await promise;
      if (request.method === "INVITE" && response.status >= 300) this.#ackRefusal(request, id, response, to);
      return response;
    } finally {
      clearTimeout(repeat);
      clearTimeout(timeout);
      this.#waiting.delete(id);
    }
  }

  #ackRefusal(invite: SipRequest, id: string, response: SipResponse, to: Address): void {
    const ack = createRequest({
      method: "ACK",
      requestUri: invite.requestUri,
      headers: [
        ["From", header(invite, "from") ?? ""],
        ["To", header(response, "to") ?? ""],
        ["Call-ID", callIdOf(invite) ?? ""],
        ["CSeq", `${cseqOf(invite)?.number ?? 1} ACK`],
        ["Max-Forwards", "70"],
      ],
    });
    const octets = this.#withVia(ack, id);
    this.#keep(this.#finished, id, octets);
    this.#send(octets, to);
  }

  #receive(octets: Uint8Array): void {
    const parsed = parseSipMessage(octets);
    if (!parsed.ok) return;
    const { message } = parsed;
    const via = topVia(message);
    if (via?.branch === undefined) return;
    if (message.kind === "request")
      return this.#receiveRequest(message, { id: `${via.branch}/${message.method}`, from: viaSource(via) });
    const waiting = this.#waiting.get(via.branch);
    if (waiting !== undefined) return waiting(message);
    const ack = this.#finished.get(via.branch);
    if (ack !== undefined && message.status >= 300) this.#send(ack, this.#options.server);
  }

  #receiveRequest(request: SipRequest, { id, from }: { readonly id: string; readonly from: Address }): void {
    if (request.method === "ACK") return;
    const known = this.#answers.get(id);
    const answers = known ?? this.#answer(request).map(serializeSipMessage);
    if (known === undefined) this.#keep(this.#answers, id, answers);
    for (const answer of answers) this.#send(answer, from);
  }

  #answer(request: SipRequest): readonly SipResponse[] {
    const { method } = request;
    const headers = [["Contact", this.#contact]] as const;
    if (method !== "INVITE") return [createResponse(request, 200, { headers: [...headers] })];
    const ok = { headers, toTag: unique(), contentType: "application/sdp", body: this.#sdp() };
    this.audioOfCaller = audioAddress(request);
    if (header(request, "to")?.includes(";tag=") === true) {
      // Somebody took the call over: requests of ours go there from now on.
      const dialog = this.#dialogs.get(callIdOf(request) ?? "");
      if (dialog !== undefined) dialog.target = contactUri(request) ?? dialog.target;
      this.onReinvite?.(this.audioOfCaller);
      return [createResponse(request, 200, ok)];
    }
    this.answered += 1;
    this.onCall?.(this.audioOfCaller);
    return [createResponse(request, 180, { headers, toTag: ok.toTag }), createResponse(request, 200, ok)];
  }

  #keep<T>(map: Map<string, T>, id: string, value: T): void {
    map.set(id, value);
    if (map.size <= ANSWERS_KEPT) return;
    for (const oldest of map.keys()) {
      map.delete(oldest);
      return;
    }
  }

  #withVia(request: SipRequest, id: string): Uint8Array {
    const via = `SIP/2.0/UDP 127.0.0.1:${this.port};branch=${id};rport`;
    // Nearside offers MD5 first to what names itself so; Kamailio offers MD5 anyhow.
    return serializeSipMessage(withTopHeader(withTopHeader(request, "User-Agent", "sipp-like bench"), "Via", via));
  }

  #send(octets: Uint8Array, to: Address): void {
    if (!this.#closed) this.#socket.send(octets, to.port, to.host, () => {});
  }

  #sdp(): string {
    const lines = ["v=0", "o=bench 1 1 IN IP4 127.0.0.1", "s=-", "c=IN IP4 127.0.0.1", "t=0 0"];
    return [
      ...lines,
      `m=audio ${this.#options.rtpPort ?? 9_998} RTP/AVP 0 101`,
      "a=rtpmap:0 PCMU/8000",
      "a=rtpmap:101 telephone-event/8000",
      "",
    ].join("\r\n");
  }
}

function branch(): string {
  return `z9hG4bK${unique()}`;
}

function unique(): string {
  return randomBytes(8).toString("hex");
}
