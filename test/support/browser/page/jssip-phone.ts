/** JsSIP, unmodified, used as its documentation shows. */
import { UA, WebSocketInterface } from "jssip";
import type { URI } from "jssip";
import type { RTCSession } from "jssip/lib/RTCSession.js";
import type { DialogIds, DigitWay, PhonePageOptions } from "../phone-page.ts";
import { MICROPHONE, told } from "./library-phone.ts";
import type { LibraryPhone, Report } from "./library-phone.ts";

interface JsSipDialogId {
  readonly call_id: string;
  readonly local_tag: string;
  readonly remote_tag: string;
}

interface FailureMessage {
  readonly status_code?: number;
  getHeader?(name: string): string | undefined;
}

export class JsSipPhone implements LibraryPhone {
  readonly #options: PhonePageOptions;
  readonly #report: Report;
  readonly #agent: UA;
  readonly #socket: WebSocketInterface;
  #session: RTCSession | undefined;
  #earlier: RTCSession | undefined;

  constructor(options: PhonePageOptions, report: Report) {
    this.#options = options;
    this.#report = report;
    this.#socket = new WebSocketInterface(options.server);
    const { bearerToken, password } = options;
    this.#agent = new UA({
      sockets: [this.#socket],
      uri: `sip:${options.identity}@${options.domain}`,
      authorization_user: options.identity,
      ...(password === undefined ? {} : { password }),
      ...(bearerToken === undefined ? {} : { authorization_jwt: `Bearer ${bearerToken}` }),
      register: false,
      register_expires: options.registerSeconds ?? 300,
      connection_recovery_min_interval: 1,
      connection_recovery_max_interval: 2,
    });
    this.#agent.on("connected", () => report("connected"));
    this.#agent.on("disconnected", (event: { readonly reason?: string }) => this.#disconnected(event.reason ?? ""));
    this.#agent.on("registered", () => report("registered"));
    this.#agent.on("unregistered", () => report("unregistered"));
    this.#agent.on("registrationFailed", ({ response, cause }) =>
      report("registration-failed", `${response?.status_code ?? ""} ${cause ?? ""}`),
    );
    this.#agent.on("newRTCSession", (event: { readonly session: RTCSession; readonly originator: string }) =>
      this.#follow(event.session, event.originator),
    );
  }

  async connect(): Promise<void> {
    const connected = new Promise<void>((resolve) => this.#agent.once("connected", () => resolve()));
    this.#agent.start();
    await connected;
  }

  async register(): Promise<void> {
    this.#agent.register();
  }

  async unregister(): Promise<void> {
    this.#agent.unregister();
  }

  async call(target: string): Promise<void> {
    this.#call(target, []);
  }

  #call(target: string, extraHeaders: string[]): void {
    this.#agent.call(target, {
      extraHeaders,
      mediaConstraints: { audio: MICROPHONE, video: false },
      pcConfig: this.#peerConnectionConfig(),
    });
  }

  dialog(): DialogIds {
    const dialog = (this.#current() as unknown as { readonly _dialog?: { readonly id: JsSipDialogId } })._dialog;
    if (dialog === undefined) throw new Error("the call has no dialog yet");
    return { callId: dialog.id.call_id, localTag: dialog.id.local_tag, remoteTag: dialog.id.remote_tag };
  }

  async takeUp(target: string, { callId, localTag, remoteTag }: DialogIds): Promise<void> {
    this.#call(target, [`Replaces: ${callId};to-tag=${remoteTag};from-tag=${localTag}`]);
  }

  async answer(): Promise<void> {
    this.#current().answer({
      mediaConstraints: { audio: MICROPHONE, video: false },
      pcConfig: this.#peerConnectionConfig(),
    });
  }

  async reject(status = 486): Promise<void> {
    this.#current().terminate({ status_code: status });
  }

  async hangup(): Promise<void> {
    this.#current().terminate();
  }

  async hold(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      if (!this.#current().hold({}, resolve)) reject(new Error("JsSIP does not hold now"));
    });
  }

  async resume(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      if (!this.#current().unhold({}, resolve)) reject(new Error("JsSIP does not resume now"));
    });
  }

  async swap(): Promise<void> {
    [this.#session, this.#earlier] = [this.#earlier, this.#session];
  }

  async sendDigit(digit: string, way: DigitWay): Promise<void> {
    this.#current().sendDTMF(digit, { transportType: (way === "rtp" ? "RFC2833" : "INFO") as never });
  }

  async transfer(uri: string): Promise<void> {
    this.#refer(this.#current(), uri);
  }

  async transferToOther(): Promise<void> {
    const [earlier, session] = [this.#earlier, this.#current()];
    if (earlier === undefined) throw new Error("there is no second call");
    this.#refer(earlier, session.remote_identity.uri, session);
  }

  #refer(session: RTCSession, target: string | URI, replaces?: RTCSession): void {
    const tell = (event: { readonly status_line?: { readonly status_code: number; readonly reason_phrase: string } }) =>
      this.#report(
        "notified",
        `SIP/2.0 ${event.status_line?.status_code ?? ""} ${event.status_line?.reason_phrase ?? ""}`,
      );
    session.refer(target, {
      eventHandlers: { trying: tell, progress: tell, accepted: tell, failed: tell },
      ...(replaces === undefined ? {} : { replaces }),
    });
  }

  async dropSocket(): Promise<void> {
    // Its own `disconnect()` counts as meant; the socket's close is an accident, after which it recovers.
    (this.#socket as unknown as { readonly _ws: WebSocket | null })._ws?.close();
  }

  async stop(): Promise<void> {
    this.#agent.stop();
  }

  #current(): RTCSession {
    if (this.#session === undefined) throw new Error("there is no call");
    return this.#session;
  }

  #peerConnectionConfig(): RTCConfiguration {
    return { iceServers: [...(this.#options.iceServers ?? [])] };
  }

  #disconnected(reason: string): void {
    this.#report("disconnected", reason);
    if (this.#options.reconnect === false) this.#agent.stop();
  }

  #follow(session: RTCSession, originator: string): void {
    this.#earlier = this.#session?.isEstablished() === true ? this.#session : undefined;
    this.#session = session;
    if (originator === "remote") this.#report("incoming", session.remote_identity.uri.toString());
    session.on(
      "progress",
      (event: { readonly originator: string; readonly response?: { readonly status_code: number } }) => {
        if (event.originator === "remote") this.#report("ringing", String(event.response?.status_code ?? ""));
      },
    );
    session.on("sending", () => this.#report("trying"));
    session.on("confirmed", () => this.#report("established"));
    session.on("reinvite", () => this.#report("re-invited"));
    session.on("ended", (event: { readonly cause: string }) => this.#report("ended", event.cause));
    session.on("failed", (event: { readonly cause: string; readonly message?: unknown }) => {
      // A refusal, or the CANCEL of whoever called.
      const message = event.message as FailureMessage | null | undefined;
      this.#report("ended", `${message?.status_code ?? ""} ${event.cause}${told(message)}`.trim());
    });
  }
}
