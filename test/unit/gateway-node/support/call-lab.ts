/** The gateway's call handling on fakes: commands in, SIP and media and events out. */
import { CommandHandler, failFaultyLeg } from "../../../../gateway-node/calls/command-handler.ts";
import { dropLeg } from "../../../../gateway-node/calls/call-context.ts";
import type { CallContext, CallControl } from "../../../../gateway-node/calls/call-context.ts";
import { FaultRim } from "../../../../gateway-node/calls/fault-rim.ts";
import { HostedMembers } from "../../../../gateway-node/calls/hosted-members.ts";
import { LegTable } from "../../../../gateway-node/calls/leg-table.ts";
import { MediaReports } from "../../../../gateway-node/calls/media-reports.ts";
import { RequestRouter } from "../../../../gateway-node/calls/request-router.ts";
import { StrayLimit } from "../../../../gateway-node/calls/stray-limit.ts";
import { CredentialCache } from "../../../../gateway-node/control/credential-cache.ts";
import { EventTooLongError } from "../../../../gateway-node/control/event-too-long-error.ts";
import type { ReceivedCommand } from "../../../../gateway-node/control/worker-frame.ts";
import type { LogEvent } from "../../../../gateway-node/observability/log-event.ts";
import { BindingStore } from "../../../../gateway-node/registrar/binding-store.ts";
import type { RoutePublication, RouteRemoval } from "../../../../gateway-node/control/route-publisher.ts";
import { DigestGate } from "../../../../gateway-node/registrar/digest-gate.ts";
import { NonceAuthority } from "../../../../gateway-node/registrar/nonce-authority.ts";
import { Registrar } from "../../../../gateway-node/registrar/registrar.ts";
import type { CallEvent } from "../../../../protocol/call-messages.ts";
import { CALL_EVENT_LIMIT } from "../../../../protocol/control-frames.ts";
import type { EndpointCredentials, PublishedRoute } from "../../../../protocol/control-frames.ts";
import type { CallToken, LegId } from "../../../../protocol/ids.ts";
import type { SipRequest } from "../../../../sip/message/sip-message.ts";
import type { SipFlow } from "../../../../protocol/capsule.ts";
import { header } from "../../../../sip/message/headers.ts";
import { createAuthorization, credentialsFor } from "./phone-credentials.ts";
import { FakeMediaPlane } from "./fake-media-plane.ts";
import { FakeServerTransaction, FakeSipStack } from "./fake-sip-stack.ts";
import { request, PHONE_SDP } from "./sip-messages.ts";
import type { RequestParts } from "./sip-messages.ts";
import { settle, VirtualClock } from "./virtual-clock.ts";

export const CALL = "C".repeat(54) as CallToken;
export const A = "a" as LegId;
export const B1 = "b1" as LegId;
export const TAG_A = `${CALL}.a`;
export const TAG_B = `${CALL}.b1`;

export type PublishedEvent = CallEvent & { readonly epoch: number };

class FakeControl implements CallControl {
  readonly events: PublishedEvent[] = [];
  readonly strays: string[] = [];
  readonly held = new Set<CallToken>();
  reachable = true;
  stored = true;
  tickets: CallToken[] = [CALL];

  beginCall(): CallToken | undefined {
    return this.tickets.shift();
  }
  holdCall(call: CallToken): void {
    this.held.add(call);
  }
  releaseCall(call: CallToken): void {
    this.held.delete(call);
  }
  publish(_call: CallToken, epoch: number, event: CallEvent): void {
    const { length } = JSON.stringify(event);
    if (length > CALL_EVENT_LIMIT) throw new EventTooLongError(event.kind, length);
    this.events.push({ ...event, epoch });
  }
  reaches(): boolean {
    return this.reachable;
  }
  settled(): boolean {
    return this.stored;
  }
  reportStray(_call: CallToken, leg: LegId, method: string): void {
    this.strays.push(`${leg} ${method}`);
  }
}

export class FakeWorkerDirectory {
  readonly users = new Map<string, EndpointCredentials>([
    ["alice@demo.test", credentialsFor("alice", "demo.test", "wonder")],
    ["bob@demo.test", credentialsFor("bob", "demo.test", "builder")],
    ["alice@other.test", credentialsFor("alice", "other.test", "different")],
  ]);
  readonly added: PublishedRoute[] = [];
  readonly removed: RouteRemoval[] = [];
  reachable = true;
  asked = 0;
  /** Held back until released, when set. */
  gate: Promise<void> | undefined;

  async addRoute(route: PublishedRoute): Promise<RoutePublication> {
    this.added.push(route);
    await this.gate;
    return this.reachable ? { ok: true } : { ok: false, code: "worker-unreachable" };
  }
  removeRoute(removal: RouteRemoval): void {
    this.removed.push(removal);
  }
}

export class CallLab {
  readonly clock = new VirtualClock();
  readonly stack = new FakeSipStack();
  readonly media = new FakeMediaPlane();
  readonly control = new FakeControl();
  readonly directory = new FakeWorkerDirectory();
  readonly legs = new LegTable();
  readonly counters = new Map<string, number>();
  readonly logged: LogEvent[] = [];
  readonly context: CallContext;
  readonly commands: CommandHandler;
  readonly router: RequestRouter;
  readonly reports: MediaReports;
  readonly bindings: BindingStore;
  #seq = 0;
  #tags = 0;

  constructor() {
    const count = (name: string): void => void this.counters.set(name, (this.counters.get(name) ?? 0) + 1);
    const log = (event: LogEvent): void => void this.logged.push(event);
    const { clock, stack, media, control, legs, directory } = this;
    const createTag = (): string => `tag${String((this.#tags += 1))}`;
    this.context = {
      stack,
      media,
      clock,
      legs,
      hostedMembers: new HostedMembers(),
      strayLimit: new StrayLimit(clock),
      control,
      ladder: { begin() {} },
      createTag,
      random: () => 0.5,
      count,
      log,
      registeredFlow: ({ remoteUri, remoteTarget }) => this.bindings.flowTo(remoteUri, remoteTarget),
      registeredFlowFailed: ({ remoteUri, remoteTarget }) => this.bindings.flowFailed(remoteUri, remoteTarget),
      guard: (leg, work) => rim.guard(leg, work),
    };
    const rim = new FaultRim({
      legs,
      count,
      log,
      failLeg: (leg, status) => failFaultyLeg(this.context, leg, status),
      dropLeg: (leg) => dropLeg(this.context, leg, "fault"),
    });
    this.commands = new CommandHandler(this.context, rim);
    const credentials = new CredentialCache({
      clock,
      count,
      fetch: (sipDomain, endpoint) => {
        directory.asked += 1;
        const answer = (): { credentials?: EndpointCredentials } | undefined =>
          directory.reachable ? { credentials: directory.users.get(`${endpoint}@${sipDomain}`) } : undefined;
        return (directory.gate ?? Promise.resolve()).then(answer);
      },
    });
    const gate = new DigestGate({ nonces: new NonceAuthority(clock, Buffer.alloc(32, 7)), credentials, count });
    this.bindings = new BindingStore({
      clock,
      routes: directory,
      onRemoved: (address, reason) => log({ event: "register.removed", ...address, reason }),
    });
    const registrar = new Registrar({ gate, bindings: this.bindings, clock, createTag, count, log });
    this.router = new RequestRouter({ context: this.context, registrar, gate, rim });
    this.reports = new MediaReports({ context: this.context, rim, onNeighbourSilent: () => {} });
  }

  count(name: string): number {
    return this.counters.get(name) ?? 0;
  }

  eventKinds(): readonly string[] {
    return this.control.events.map((event) => event.kind);
  }

  event<K extends CallEvent["kind"]>(kind: K): Extract<PublishedEvent, { kind: K }> {
    const found = this.control.events.findLast((event) => event.kind === kind);
    if (found === undefined) throw new Error(`no ${kind} among ${this.eventKinds().join(", ")}`);
    return found as Extract<PublishedEvent, { kind: K }>;
  }

  async command(command: ReceivedCommand["command"], epoch = 1): Promise<void> {
    this.#seq += 1;
    this.commands.handle(CALL, { seq: this.#seq, epoch, command });
    await this.commands.idle();
  }

  /** A request of a phone as the stack delivers it. */
  async receive(message: SipRequest, flow?: SipFlow): Promise<FakeServerTransaction> {
    const transaction = new FakeServerTransaction(message, flow);
    this.router.onRequest(transaction);
    await settle();
    return transaction;
  }

  /** The request, its challenge, and the request again with the answer. */
  async receiveAuthenticated(
    parts: RequestParts,
    user = "alice",
    password = "wonder",
    flow?: SipFlow,
  ): Promise<FakeServerTransaction> {
    const challenged = await this.receive(request(parts), flow);
    const name = parts.method === "REGISTER" ? "WWW-Authenticate" : "Proxy-Authenticate";
    const answer = createAuthorization({
      challenge: header(challenged.last, name) ?? "",
      user,
      password,
      method: parts.method,
      uri: parts.uri ?? "sip:demo.test",
    });
    const field = `${parts.method === "REGISTER" ? "Authorization" : "Proxy-Authorization"}: ${answer}`;
    return await this.receive(
      request({ ...parts, cseq: (parts.cseq ?? 1) + 1, headers: [...(parts.headers ?? []), field] }),
      flow,
    );
  }

  /** A phone's INVITE, up to `invite-received`. */
  async invite(parts: Partial<RequestParts> = {}): Promise<FakeServerTransaction> {
    return await this.receiveAuthenticated({
      method: "INVITE",
      uri: "sip:bob@demo.test",
      to: "<sip:bob@demo.test>",
      body: PHONE_SDP,
      ...parts,
    });
  }

  /** An in-dialog request of the phone that called (leg a). */
  fromCaller(parts: Partial<RequestParts> & { readonly method: string }): SipRequest {
    return request({ uri: `sip:${TAG_A}@127.0.0.1:5060`, to: `<sip:bob@demo.test>;tag=${TAG_A}`, cseq: 3, ...parts });
  }

  async answered(): Promise<FakeServerTransaction> {
    const invite = await this.invite();
    await this.command({ kind: "answer-leg", leg: A, codec: "PCMU" });
    return invite;
  }

  async confirmed(): Promise<FakeServerTransaction> {
    const invite = await this.answered();
    await this.receive(this.fromCaller({ method: "ACK", cseq: 2 }));
    return invite;
  }
}
