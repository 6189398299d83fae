import { Inviter, Registerer, RegistererState, RequestPendingError, UserAgent, Web } from "sip.js";
import type { Invitation, Session, URI } from "sip.js";
import { replacesHeaders } from "./kept-call.ts";
import type { KeptCall } from "./kept-call.ts";
import { reconnectDelayMs } from "./reconnect-delay.ts";
import { SipCall } from "./sip-call.ts";
import type { CallSurroundings } from "./sip-call.ts";

export type LinkStatus =
  | { readonly kind: "connecting"; readonly failedTries: number }
  | { readonly kind: "registering" }
  | { readonly kind: "ready" }
  /** The registrar said no. */
  | { readonly kind: "refused"; readonly status: number; readonly reason: string }
  | { readonly kind: "stopped" };

export interface SipClientOptions extends CallSurroundings {
  /** `wss://…/sip`. */
  readonly server: string;
  readonly identity: string;
  readonly sipDomain: string;
  /** The access token of now. */
  readonly token: () => string;
  readonly onStatus: (status: LinkStatus) => void;
  readonly onIncoming: (call: SipCall) => void;
}

const REGISTER_SECONDS = 300;
/** After a refusal: too many devices, or a bridge in trouble. */
const REGISTER_AGAIN_MS = 15_000;
const CONNECT_TIMEOUT_SECONDS = 5;
const ICE_GATHERING_TIMEOUT_MS = 1_500;
const HEARTBEAT_EVERY_MS = 20_000;
const HEARTBEAT_TIMEOUT_MS = 5_000;
/** RFC 5626 section 3.5.1: asks, and answers. */
const PING = "\r\n\r\n";
const PONG = "\r\n";

/** The page's phone: keeps itself connected and registered, sends and takes calls. sip.js stays behind it. */
export class SipClient {
  readonly #options: SipClientOptions;
  readonly #agent: UserAgent;
  readonly #calls = new WeakMap<Session, SipCall>();
  #registerer: Registerer;
  #isWanted = false;
  #isConnecting = false;
  /** Ends the pause before the next try. */
  #hurry: () => void = () => {};
  #heartbeat: ReturnType<typeof setInterval> | undefined;
  #again: ReturnType<typeof setTimeout> | undefined;

  constructor(options: SipClientOptions) {
    this.#options = options;
    const uri = UserAgent.makeURI(`sip:${options.identity}@${options.sipDomain}`);
    if (uri === undefined) throw new TypeError("identity and domain make no SIP URI");
    this.#agent = new UserAgent({
      uri,
      logBuiltinEnabled: false,
      userAgentString: "Nearside console",
      transportOptions: { server: options.server, connectionTimeout: CONNECT_TIMEOUT_SECONDS, traceSip: false },
      sessionDescriptionHandlerFactory: (session) =>
        new Web.SessionDescriptionHandler(
          this.#agent.getLogger("sip.SessionDescriptionHandler"),
          () => Promise.resolve(this.#calls.get(session)?.media.localStream() ?? new MediaStream()),
          {
            iceGatheringTimeout: ICE_GATHERING_TIMEOUT_MS,
            // The gateway's own address is in its answer: nobody else has to be asked for candidates.
            peerConnectionConfiguration: { iceServers: [], bundlePolicy: "max-bundle" },
          },
        ),
      delegate: {
        onDisconnect: () => this.#disconnected(),
        onInvite: (invitation) => this.#invited(invitation),
      },
    });
    this.#registerer = this.#newRegisterer();
  }

  start(): void {
    if (this.#isWanted) return;
    this.#isWanted = true;
    addEventListener("online", this.#look);
    addEventListener("offline", this.#look);
    document.addEventListener("visibilitychange", this.#look);
    this.#heartbeat = setInterval(() => void this.#beat(), HEARTBEAT_EVERY_MS);
    void this.#connect();
  }

  async stop(): Promise<void> {
    if (!this.#isWanted) return;
    this.#isWanted = false;
    removeEventListener("online", this.#look);
    document.removeEventListener("visibilitychange", this.#look);
    removeEventListener("offline", this.#look);
    clearInterval(this.#heartbeat);
    clearTimeout(this.#again);
    this.#hurry();
    this.#options.onStatus({ kind: "stopped" });
    await this.#agent.stop().catch(() => {});
  }

  /** An outgoing call; `invite` of it sends it. */
  call(user: string): SipCall {
    return this.#own(this.#inviter(user, []));
  }

  /** Goes on with a talk that a page before this one had; `invite` of it asks for it. */
  takeUp(kept: KeptCall): SipCall {
    return this.#own(this.#inviter(kept.peerIdentity, replacesHeaders(kept)), kept);
  }

  async transfer(call: SipCall, user: string): Promise<void> {
    await call.transferTo(user, this.#address(user));
  }

  /** Tells the bridge of the token of now. */
  async register(): Promise<void> {
    if (!this.#agent.isConnected()) return;
    if (this.#registerer.state !== RegistererState.Registered) this.#options.onStatus({ kind: "registering" });
    try {
      await this.#registerer.register({
        requestOptions: { extraHeaders: this.#headers() },
        requestDelegate: {
          onAccept: () => this.#options.onStatus({ kind: "ready" }),
          onReject: ({ message }) => this.#refused(message.statusCode ?? 500, message.reasonPhrase ?? ""),
        },
      });
    } catch (error) {
      if (!(error instanceof RequestPendingError)) return;
      // It waits for an answer over a socket that is gone; another one need not.
      void this.#registerer.dispose();
      this.#registerer = this.#newRegisterer();
      await this.register();
    }
  }

  /** To the bridge and back over the WebSocket; `undefined` when nothing came. */
  async roundTripMs(timeoutMs = HEARTBEAT_TIMEOUT_MS): Promise<number | undefined> {
    const { transport } = this.#agent;
    const socket = transport instanceof Web.Transport ? transport.ws : undefined;
    if (socket?.readyState !== WebSocket.OPEN) return undefined;
    return await new Promise((resolve) => {
      const beganMs = performance.now();
      const settle = (ms: number | undefined): void => {
        clearTimeout(timer);
        socket.removeEventListener("message", listen);
        resolve(ms);
      };
      const listen = ({ data }: MessageEvent): void => {
        if (data === PONG || data === PING) settle(performance.now() - beganMs);
      };
      const timer = setTimeout(() => settle(undefined), timeoutMs);
      socket.addEventListener("message", listen);
      socket.send(PING);
    });
  }

  readonly #look = (): void => {
    if (document.visibilityState === "hidden") return;
    this.#hurry();
    void this.#beat();
  };

  #headers(): string[] {
    return [`Authorization: Bearer ${this.#options.token()}`];
  }

  #newRegisterer(): Registerer {
    const registerer = new Registerer(this.#agent, { expires: REGISTER_SECONDS, extraHeaders: this.#headers() });
    registerer.stateChange.addListener((state) => {
      // A refresh of its own failed; nobody else would hear of it.
      const isOwn = registerer === this.#registerer && this.#isWanted;
      if (isOwn && state === RegistererState.Unregistered) void this.register();
    });
    return registerer;
  }

  #refused(status: number, reason: string): void {
    this.#options.onStatus({ kind: "refused", status, reason });
    clearTimeout(this.#again);
    this.#again = setTimeout(() => {
      if (this.#isWanted) void this.register();
    }, REGISTER_AGAIN_MS);
  }

  #address(user: string): URI {
    const address = UserAgent.makeURI(`sip:${user.replaceAll("#", "%23")}@${this.#options.sipDomain}`);
    if (address === undefined) throw new TypeError(`${user} makes no SIP URI`);
    return address;
  }

  #inviter(user: string, extraHeaders: readonly string[]): Inviter {
    return new Inviter(this.#agent, this.#address(user), {
      // Announcements are heard before the answer; the bridge sends one answer for all devices that ring.
      earlyMedia: true,
      extraHeaders: [...this.#headers(), ...extraHeaders],
      sessionDescriptionHandlerOptions: { constraints: { audio: true, video: false } },
    });
  }

  #own(session: Inviter | Invitation, takesUp?: KeptCall): SipCall {
    const { microphone, devices } = this.#options;
    const call = new SipCall(session, { headers: () => this.#headers(), microphone, devices, takesUp });
    this.#calls.set(session, call);
    return call;
  }

  #invited(invitation: Invitation): void {
    const call = this.#own(invitation);
    void invitation.progress({ statusCode: 180 }).catch(() => {});
    this.#options.onIncoming(call);
  }

  #disconnected(): void {
    if (this.#isWanted) void this.#connect();
  }

  /** Tries until it is connected or no longer wanted. */
  async #connect(): Promise<void> {
    if (this.#isConnecting) return;
    this.#isConnecting = true;
    for (let failedTries = 0; this.#isWanted && !this.#agent.isConnected(); failedTries += 1) {
      this.#options.onStatus({ kind: "connecting", failedTries });
      if (failedTries > 0) await this.#pause(reconnectDelayMs(failedTries - 1, Math.random()));
      if (!this.#isWanted) break;
      try {
        await this.#agent.start();
        if (!this.#agent.isConnected()) await this.#agent.reconnect();
      } catch {
        // The next try follows.
      }
    }
    this.#isConnecting = false;
    if (this.#isWanted) await this.register();
  }

  async #pause(ms: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#hurry = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#hurry = () => {};
  }

  /** A socket that swallows what is sent looks open for minutes. */
  async #beat(): Promise<void> {
    if (!this.#agent.isConnected() || (await this.roundTripMs()) !== undefined) return;
    if (this.#isWanted) await this.#agent.transport.disconnect().catch(() => {});
  }
}
