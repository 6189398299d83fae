/** One DTLS 1.2 handshake as client over a socket that is not its own, ending in SRTP keys (RFC 5764). */
import { DtlsClient } from "werift";
import type { Fingerprint } from "#sip/sdp/audio-description";
import { type SrtpMasterKey, SRTP_KEY_BYTES, type SrtpProfile, srtpSaltBytes } from "../media/srtp-keys.ts";
import type { DtlsCertificate } from "./dtls-certificate.ts";
import { isKeyExchangeSigned, isServerFinished, matchesFingerprint, readLeafCertificate } from "./dtls-verification.ts";

export interface DtlsKeys {
  readonly profile: SrtpProfile;
  readonly local: SrtpMasterKey;
  readonly remote: SrtpMasterKey;
}

export type DtlsFailure =
  | "fingerprint-mismatch"
  | "bad-key-exchange"
  | "bad-finished"
  | "no-srtp-profile"
  | "dtls-failed";

export interface DtlsHandshakeOptions {
  readonly certificate: DtlsCertificate;
  readonly fingerprint: Fingerprint;
  readonly send: (packet: Buffer) => void;
  readonly onKeys: (keys: DtlsKeys) => void;
  readonly onFailed: (reason: DtlsFailure) => void;
}

/** RFC 5764 section 4.1.2 and RFC 7714 section 14.2, in our order of preference: Chromium follows it, Firefox takes GCM. */
const PROFILE_CODES = [1, 7] as const;
/** Handshake message types (RFC 5246 section 7.4). */
const SERVER_HELLO = 2;
const HELLO_VERIFY_REQUEST = 3;
const CERTIFICATE = 11;
const SERVER_KEY_EXCHANGE = 12;
const CERTIFICATE_REQUEST = 13;
const FINISHED = 20;
/** Repeats of these are retransmissions at best, and replace what was verified at worst. */
const ONCE: ReadonlySet<number> = new Set([
  HELLO_VERIFY_REQUEST,
  SERVER_HELLO,
  CERTIFICATE,
  SERVER_KEY_EXCHANGE,
  CERTIFICATE_REQUEST,
]);
/** A flight number above all: werift's retransmission loops end when they see it. */
const FLIGHT_OVER = 100;

/** RFC 7983. */
export function isDtlsPacket(packet: Buffer): boolean {
  const first = packet[0] ?? 0;
  return first >= 20 && first <= 63;
}

type Handshakes = Parameters<DtlsClient["onHandleHandshakes"]>[0];

export class DtlsHandshake {
  readonly #options: DtlsHandshakeOptions;
  readonly #client: DtlsClient;
  readonly #seen = new Set<number>();
  #certificate: Buffer | undefined;
  #over = false;

  constructor(options: DtlsHandshakeOptions) {
    this.#options = options;
    this.#client = new DtlsClient({
      transport: {
        type: "udp",
        address: { address: "0.0.0.0", family: "IPv4", port: 0 },
        closed: false,
        onData: () => undefined,
        send: (packet) => Promise.resolve(this.#send(packet)),
        close: () => Promise.resolve(),
      },
      cert: options.certificate.certificatePem,
      key: options.certificate.keyPem,
      signatureHash: options.certificate.signatureHash,
      srtpProfiles: [...PROFILE_CODES],
      extendedMasterSecret: true,
    });
    this.#client.onConnect.subscribe(() => this.#finish());
    // Errors while a message is handled are the peer's mistakes or the network's: the handshake may yet succeed, and the
    // leg ends it when it takes too long.
    const proceed = this.#client.onHandleHandshakes;
    this.#client.onHandleHandshakes = (messages) => proceed(this.#accept(messages));
  }

  start(): void {
    this.#client.connect().catch(() => this.#fail("dtls-failed"));
  }

  /** Only datagrams of the ICE-validated peer belong here. */
  receive(packet: Buffer): void {
    if (this.#over) return;
    try {
      this.#client.transport.socket.onData(packet, ["", 0]);
    } catch {
      // Malformed records are the peer's mistake; the handshake goes on (or times out) without them.
    }
  }

  /** Ends all retransmission. */
  stop(): void {
    this.#over = true;
    this.#client.dtls.flight = FLIGHT_OVER;
  }

  #send(packet: Buffer): void {
    if (!this.#over) this.#options.send(packet);
  }

  /** The messages that may go on into werift's state machine. */
  #accept(messages: Handshakes): Handshakes {
    return messages.filter((message) => {
      if (this.#over || (ONCE.has(message.msg_type) && this.#seen.has(message.msg_type))) return false;
      // Overtaken by its signature on the way: the server sends the flight again.
      if (message.msg_type === SERVER_KEY_EXCHANGE && this.#certificate === undefined) return false;
      this.#seen.add(message.msg_type);
      const failure = this.#check(message.msg_type, message.fragment);
      if (failure === undefined) return true;
      this.#fail(failure);
      return false;
    });
  }

  #check(type: number, body: Buffer): DtlsFailure | undefined {
    const { cipher, dtls } = this.#client;
    switch (type) {
      case CERTIFICATE:
        this.#certificate = readLeafCertificate(body);
        return this.#certificate !== undefined && matchesFingerprint(this.#certificate, this.#options.fingerprint)
          ? undefined
          : "fingerprint-mismatch";
      case SERVER_KEY_EXCHANGE: {
        const signed =
          this.#certificate !== undefined &&
          isKeyExchangeSigned(body, this.#certificate, cipher.localRandom.serialize(), cipher.remoteRandom.serialize());
        return signed ? undefined : "bad-key-exchange";
      }
      case FINISHED: {
        const transcript = Buffer.concat(dtls.sortedHandshakeCache.map((message) => message.serialize()));
        const proved =
          this.#seen.has(SERVER_KEY_EXCHANGE) &&
          dtls.flight === 5 &&
          isServerFinished(body, cipher.masterSecret, transcript);
        return proved ? undefined : "bad-finished";
      }
      default:
        return undefined;
    }
  }

  #finish(): void {
    if (this.#over) return;
    const code = this.#client.srtp.srtpProfile;
    if (code === undefined) {
      this.#fail("no-srtp-profile");
      return;
    }
    const profile: SrtpProfile = code === 7 ? "SRTP_AEAD_AES_128_GCM" : "SRTP_AES128_CM_HMAC_SHA1_80";
    const keys = this.#client.extractSessionKeys(SRTP_KEY_BYTES, srtpSaltBytes(profile));
    this.stop();
    this.#options.onKeys({
      profile,
      local: { key: keys.localKey, salt: keys.localSalt },
      remote: { key: keys.remoteKey, salt: keys.remoteSalt },
    });
  }

  #fail(reason: DtlsFailure): void {
    if (this.#over) return;
    this.stop();
    this.#options.onFailed(reason);
  }
}
