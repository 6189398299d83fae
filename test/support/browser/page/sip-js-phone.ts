/** sip.js, unmodified, used as its documentation shows. */
import { Invitation, Inviter, Registerer, RegistererState, SessionState, UserAgent, Web } from "sip.js";
import type { Session } from "sip.js";
import type { DialogIds, DigitWay, PhonePageOptions } from "../phone-page.ts";
import { MICROPHONE, told } from "./library-phone.ts";
import type { LibraryPhone, Report } from "./library-phone.ts";

const RECONNECT_EVERY_MS = 250;

export class SipJsPhone implements LibraryPhone {
  readonly #options: PhonePageOptions;
  readonly #report: Report;
  readonly #agent: UserAgent;
  readonly #registerer: Registerer;
  #session: Session | undefined;
  /** The call before, if it still stands. */
  #earlier: Session | undefined;
  #wantsRegistration = false;
  #stopped = false;

  constructor(options: PhonePageOptions, report: Report) {
    this.#options = options;
    this.#report = report;
    const uri = UserAgent.makeURI(`sip:${options.identity}@${options.domain}`);
    if (uri === undefined) throw new Error("identity and domain make no SIP URI");
    this.#agent = new UserAgent({
      uri,
      authorizationUsername: options.identity,
      authorizationPassword: options.password ?? "",
      logLevel: "warn",
      transportOptions: { server: options.server },
      sessionDescriptionHandlerFactoryOptions: {
        iceGatheringTimeout: 2_000,
        // Its default asks a STUN server on the internet.
        peerConnectionConfiguration: { iceServers: [...(options.iceServers ?? [])] },
      },
      delegate: {
        onConnect: () => report("connected"),
        onDisconnect: (error) => void this.#disconnected(error),
        onInvite: (invitation) => this.#invited(invitation),
      },
    });
    const { bearerToken, registerSeconds } = options;
    this.#registerer = new Registerer(this.#agent, {
      expires: registerSeconds ?? 300,
      extraHeaders: bearerToken === undefined ? [] : [`Authorization: Bearer ${bearerToken}`],
    });
    this.#registerer.stateChange.addListener((state) => {
      if (state === RegistererState.Unregistered) report("unregistered");
    });
  }

  async connect(): Promise<void> {
    await this.#agent.start();
  }

  async register(): Promise<void> {
    this.#wantsRegistration = true;
    await this.#registerer.register({
      requestDelegate: {
        // Its state does not change when it registers again, as after a lost socket.
        onAccept: () => this.#report("registered"),
        onReject: ({ message }) => this.#report("registration-failed", `${message.statusCode} ${message.reasonPhrase}`),
      },
    });
  }

  async unregister(): Promise<void> {
    this.#wantsRegistration = false;
    await this.#registerer.unregister();
  }

  async call(target: string): Promise<void> {
    await this.#invite(target, []);
  }

  dialog(): DialogIds {
    const { dialog } = this.#current();
    if (dialog === undefined) throw new Error("the call has no dialog yet");
    return { callId: dialog.callId, localTag: dialog.localTag, remoteTag: dialog.remoteTag };
  }

  async takeUp(target: string, { callId, localTag, remoteTag }: DialogIds): Promise<void> {
    // The one that gets it has our old remote tag for its own.
    await this.#invite(target, [`Replaces: ${callId};to-tag=${remoteTag};from-tag=${localTag}`, "Require: replaces"]);
  }

  async #invite(target: string, extraHeaders: string[]): Promise<void> {
    const uri = UserAgent.makeURI(target);
    if (uri === undefined) throw new Error(`not a SIP URI: ${target}`);
    const inviter = new Inviter(this.#agent, uri, {
      extraHeaders,
      earlyMedia: this.#options.earlyMedia ?? false,
      sessionDescriptionHandlerOptions: { constraints: { audio: MICROPHONE, video: false } },
    });
    const end = this.#follow(inviter);
    await inviter.invite({
      requestDelegate: {
        onTrying: () => this.#report("trying"),
        onProgress: ({ message }) => this.#report("ringing", `${message.statusCode} ${message.reasonPhrase}`),
        onReject: ({ message }) => end(`${message.statusCode} ${message.reasonPhrase}${told(message)}`),
      },
    });
  }

  async answer(): Promise<void> {
    if (!(this.#session instanceof Invitation)) throw new Error("nobody calls");
    await this.#session.accept({
      sessionDescriptionHandlerOptions: { constraints: { audio: MICROPHONE, video: false } },
    });
  }

  async reject(status = 486): Promise<void> {
    if (!(this.#session instanceof Invitation)) throw new Error("nobody calls");
    await this.#session.reject({ statusCode: status });
  }

  async hangup(): Promise<void> {
    const session = this.#current();
    if (session.state === SessionState.Established) await session.bye();
    else if (session instanceof Inviter) await session.cancel();
    else await this.reject();
  }

  async hold(): Promise<void> {
    await this.#setHold(true);
  }

  async resume(): Promise<void> {
    await this.#setHold(false);
  }

  async swap(): Promise<void> {
    [this.#session, this.#earlier] = [this.#earlier, this.#session];
  }

  async sendDigit(digit: string, way: DigitWay): Promise<void> {
    if (way === "info") {
      const content = `Signal=${digit}\r\nDuration=160\r\n`;
      const body = { contentDisposition: "render", contentType: "application/dtmf-relay", content };
      await this.#current().info({ requestOptions: { body } });
      return;
    }
    if (this.#current().sessionDescriptionHandler?.sendDtmf(digit) !== true)
      throw new Error("no telephone-event was negotiated");
  }

  async transfer(uri: string): Promise<void> {
    const target = UserAgent.makeURI(uri);
    if (target === undefined) throw new Error(`not a SIP URI: ${uri}`);
    await this.#refer(this.#current(), target);
  }

  async transferToOther(): Promise<void> {
    if (this.#earlier === undefined) throw new Error("there is no second call");
    await this.#refer(this.#earlier, this.#current());
  }

  async #refer(session: Session, to: Parameters<Session["refer"]>[0]): Promise<void> {
    await session.refer(to, {
      onNotify: (notification) => {
        this.#report("notified", notification.request.body.trim());
        void notification.accept();
      },
      requestDelegate: {
        onReject: ({ message }) => this.#report("notified", `${message.statusCode} ${message.reasonPhrase ?? ""}`),
      },
    });
  }

  async dropSocket(): Promise<void> {
    const { transport } = this.#agent;
    if (transport instanceof Web.Transport) transport.ws?.close();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#agent.stop();
  }

  #current(): Session {
    if (this.#session === undefined) throw new Error("there is no call");
    return this.#session;
  }

  async #setHold(hold: boolean): Promise<void> {
    const session = this.#current();
    session.sessionDescriptionHandlerOptionsReInvite = { hold } as Web.SessionDescriptionHandlerOptions;
    await new Promise<void>((resolve, reject) => {
      const requestDelegate = {
        onAccept: () => resolve(),
        onReject: ({ message }: { readonly message: { readonly statusCode?: number } }) =>
          reject(new Error(`the re-INVITE was answered ${String(message.statusCode)}`)),
      };
      session.invite({ requestDelegate }).catch(reject);
    });
  }

  #invited(invitation: Invitation): void {
    this.#follow(invitation);
    this.#report("incoming", invitation.remoteIdentity.uri.toString());
    invitation.progress().catch((failure: unknown) => this.#report("error", String(failure)));
  }

  /** Returns what reports the end of the call, which only the first to know may do. */
  #follow(session: Session): (detail: string) => void {
    this.#earlier = this.#session?.state === SessionState.Established ? this.#session : undefined;
    this.#session = session;
    let hasEnded = false;
    const end = (detail: string): void => {
      if (!hasEnded) this.#report("ended", detail);
      hasEnded = true;
    };
    session.delegate = {
      onInvite: (request) => this.#report("re-invited", String(request.cseq)),
      onCancel: ({ request }) => end(`cancelled${told(request)}`),
      onBye: () => end("bye"),
    };
    session.stateChange.addListener((state) => {
      if (state === SessionState.Established) this.#report("established");
      // The reason, where there is one, is told after the state.
      if (state === SessionState.Terminated) setTimeout(() => end("terminated"));
    });
    return end;
  }

  async #disconnected(error: Error | undefined): Promise<void> {
    this.#report("disconnected", error?.message ?? "");
    if (error === undefined || this.#options.reconnect === false) return;
    while (!this.#stopped && !this.#agent.isConnected()) {
      try {
        await this.#agent.reconnect();
      } catch {
        await new Promise((resolve) => setTimeout(resolve, RECONNECT_EVERY_MS));
      }
    }
    if (this.#wantsRegistration) await this.register();
  }
}
