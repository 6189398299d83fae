/** A call with everything around it faked as data: time, randomness, fleet, and what each gateway and browser was told. */
import { regionGeography, parseRegionConfig } from "#region-config";
import type { CallCommand, CallEvent, NumberedCommand } from "#protocol/call-messages";
import type {
  CallSid,
  CallToken,
  GatewayId,
  GatewayInstanceId,
  LegId,
  RegionName,
  AccountSid,
  SipDomain,
  EndpointId,
} from "#protocol/ids";
import type { PhoneLegCapsule } from "#protocol/capsule";
import { rankRoutes } from "../../../../../worker/domain/routing/select-route.ts";
import { selectGatewayForRegion } from "../../../../../worker/domain/routing/select-gateway.ts";
import type { GatewayStatus } from "../../../../../worker/domain/routing/gateway-status.ts";
import type { EndpointRoute } from "../../../../../worker/domain/location/endpoint-route.ts";
import { nextDeadline } from "../../../../../worker/domain/calls/deadlines.ts";
import { applyCallInput } from "../../../../../worker/domain/calls/call-machine.ts";
import type { CallContext, CallEffect, CallInput } from "../../../../../worker/domain/calls/call-input.ts";
import type { CallState } from "../../../../../worker/domain/calls/call-state.ts";
import type { BrowserSip } from "../../../../../worker/domain/calls/call-object-api.ts";
import { header } from "#sip/message/headers";
import { parseSipMessage } from "#sip/message/parser";
import local from "../../../../../region-config/local.json" with { type: "json" };

const config = parseRegionConfig(local);
if (!config.ok) throw new Error("local.json is invalid");
const geography = regionGeography(config.config);

export const TOKEN = "t".repeat(66) as CallToken;
export const ACCOUNT = `AC${"1".repeat(32)}` as AccountSid;
export const DOMAIN = "demo.nearside.test" as SipDomain;

export const instanceOf = (gateway: string, run = 1): GatewayInstanceId =>
  Array.from(gateway, (c) => c.charCodeAt(0).toString(16))
    .join("")
    .padEnd(30, "0")
    .slice(0, 30)
    .concat(String(run).padStart(2, "0")) as GatewayInstanceId;

export const PHONE_OFFER =
  "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0 8 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\n";

export const PHONE_AUDIO = { codec: "PCMU", payloadType: 0, telephoneEventPayloadType: 101 } as const;

export function capsule(phase: PhoneLegCapsule["phase"]): PhoneLegCapsule {
  return {
    kind: "phone",
    phase,
    flow: { transport: "udp", host: "127.0.0.1", port: 40000 },
    dialog: {
      callId: "c1",
      localTag: "l",
      remoteTag: "r",
      localUri: "<sip:bob@demo>",
      remoteUri: "<sip:alice@demo>",
      remoteTarget: "sip:alice@127.0.0.1:40000",
      routeSet: [],
      localCseq: -1,
      remoteCseq: 1,
      remoteAllow: [],
      localSdpVersion: 1,
      localSdpId: 1,
    },
    remoteOffer: PHONE_OFFER,
    ...(phase === "calling" || phase === "ringing"
      ? {}
      : { media: { kind: "rtp", remoteSdp: PHONE_OFFER, audio: PHONE_AUDIO } }),
  };
}

export function phoneRoute(device: string, gateway: string, overrides: Partial<EndpointRoute> = {}): EndpointRoute {
  return {
    routeId: `r-${device}-${gateway}`,
    device,
    kind: "phone",
    region: gateway as RegionName,
    gateway: gateway as GatewayId,
    gatewayInstance: instanceOf(gateway),
    contact: `sip:bob@127.0.0.1:5${device.length}00`,
    flow: { transport: "udp", host: "127.0.0.1", port: 45000 },
    transport: "udp",
    reachability: "open-udp",
    registeredAtMs: 0,
    confirmedUntilMs: 10_000_000,
    expiresAtMs: 10_000_000,
    ...overrides,
  };
}

export function browserRoute(device: string, region: string): EndpointRoute {
  return {
    routeId: `r-${device}`,
    device,
    kind: "browser",
    region: region as RegionName,
    bridge: "3",
    socket: `socket-${device}`,
    contact: `sip:${device}@abc.invalid;transport=ws`,
    transport: "ws",
    reachability: "bridge",
    registeredAtMs: 0,
    confirmedUntilMs: 10_000_000,
    expiresAtMs: 10_000_000,
  };
}

export class CallWorld {
  readonly token: CallToken;
  nowMs = 1_000_000;
  state: CallState | undefined;
  fleet: GatewayStatus[] = ["us-east", "eu-west", "ap-south"].map((name, index) => ({
    gateway: name as GatewayId,
    region: name as RegionName,
    host: "127.0.0.1",
    trunkPort: 5062 + index * 10,
    channels: 2,
    instance: instanceOf(name),
    state: "up",
    legs: 0,
    cpu: 0,
    updatedAtMs: 0,
  }));
  commands: { readonly gateway: string; readonly command: CallCommand; readonly epoch: number }[] = [];
  sip: { readonly leg: string; readonly socket: string; readonly text: string }[] = [];
  effects: CallEffect[] = [];
  #random = 0;

  constructor(token = TOKEN) {
    this.token = token;
  }

  context(): CallContext {
    return {
      nowMs: this.nowMs,
      token: this.token,
      randomHex: (bytes) => (++this.#random).toString(16).padStart(bytes * 2, "0"),
      randomUint32: () => ++this.#random,
      newSid: (parent) =>
        `CA${(parent === undefined ? "a" : "b").repeat(24)}${(++this.#random).toString(16).padStart(8, "0")}` as CallSid,
      fleet: this.fleet,
      nearestGateway: (region, exclude, prefer) => {
        const selection = selectGatewayForRegion(region, this.fleet, {
          geography,
          exclude,
          ...(prefer === undefined ? {} : { prefer }),
        });
        return selection.ok ? selection.gateway.gateway : undefined;
      },
      toneCountry: (region) => (region === "us-east" ? "us" : "uk"),
      rank: ({ callerRegion, callerGateway, routes, ring }) =>
        rankRoutes({
          callerRegion,
          ...(callerGateway === undefined ? {} : { callerGateway }),
          routes,
          gateways: this.fleet,
          geography,
          policy: "fewest-regions",
          ...(ring === undefined ? {} : { ring }),
          nowMs: this.nowMs,
        }),
    };
  }

  feed(input: CallInput): void {
    const decision = applyCallInput(this.state, input, this.context());
    this.state = decision.state;
    for (const effect of decision.effects) {
      this.effects.push(effect);
      if (effect.kind === "send-command")
        this.commands.push({ gateway: effect.gateway, command: effect.command.command, epoch: effect.command.epoch });
      if (effect.kind === "send-sip") this.sip.push({ leg: effect.leg, socket: effect.socket, text: effect.text });
    }
  }

  phoneCalls(
    to: string,
    gateway = "us-east",
    toHost: string = DOMAIN,
    { from = "alice", remoteOffer = PHONE_OFFER }: { readonly from?: string; readonly remoteOffer?: string } = {},
  ): void {
    this.feed({
      kind: "phone-invite",
      from: this.address(gateway),
      event: {
        kind: "invite-received",
        leg: "a" as LegId,
        account: ACCOUNT,
        sipDomain: DOMAIN,
        from: from as EndpointId,
        to,
        toHost,
        callId: "c1",
        flow: { transport: "udp", host: "127.0.0.1", port: 40000 },
        capsule: { ...capsule("ringing"), remoteOffer },
      },
    });
  }

  /** Answers the last question for somebody's place. */
  located(...routes: EndpointRoute[]): void {
    this.answerLocate({ known: true, routes });
  }

  answerLocate(found: Pick<Extract<CallInput, { kind: "located" }>, "known" | "routes" | "plan">): void {
    const asked = this.effects.findLast((effect) => effect.kind === "locate");
    if (asked === undefined) throw new Error("nobody is looked for");
    this.feed({ kind: "located", group: asked.group, endpoint: asked.endpoint, ...found });
  }

  address(
    gateway: string,
    run = 1,
  ): { gateway: GatewayId; instance: GatewayInstanceId; region: RegionName; channel: number } {
    return {
      gateway: gateway as GatewayId,
      instance: instanceOf(gateway, run),
      region: gateway as RegionName,
      channel: 0,
    };
  }

  event(gateway: string, event: CallEvent, epoch = this.state?.epoch ?? 1, run = 1): void {
    this.feed({ kind: "gateway-event", from: this.address(gateway, run), epoch, event });
  }

  browser(identity: string, socket: string, text: string): void {
    const parsed = parseSipMessage(text);
    if (!parsed.ok) throw new Error(`test message is malformed: ${parsed.problem.detail}`);
    const sip: BrowserSip = {
      token: this.token,
      bridge: "3",
      socket,
      region: "us-east" as RegionName,
      account: ACCOUNT,
      sipDomain: DOMAIN,
      identity: identity as EndpointId,
      text,
    };
    if (parsed.message.kind === "request" && this.state === undefined)
      this.feed({ kind: "browser-invite", sip, request: parsed.message });
    else if (parsed.message.kind === "request" && header(parsed.message, "replaces") !== undefined)
      this.feed({ kind: "browser-replaces", sip, request: parsed.message });
    else this.feed({ kind: "browser-message", sip, message: parsed.message });
  }

  /** Time passes; the call is woken whenever it asked for that. */
  wait(milliseconds: number): void {
    const until = this.nowMs + milliseconds;
    for (;;) {
      const next = this.state === undefined ? undefined : nextDeadline(this.state);
      if (next === undefined || next > until) break;
      this.nowMs = next;
      this.feed({ kind: "time-passed" });
    }
    this.nowMs = until;
  }

  kill(gateway: string, run = 1): void {
    this.fleet = this.fleet.map((entry) => (entry.gateway === gateway ? { ...entry, state: "down" } : entry));
    this.feed({ kind: "gateway-lost", gateway: gateway as GatewayId, instance: instanceOf(gateway, run) });
  }

  restart(gateway: string, run: number): void {
    this.fleet = this.fleet.map((entry) =>
      entry.gateway === gateway ? { ...entry, state: "up", instance: instanceOf(gateway, run) } : entry,
    );
  }

  /** What the gateways were told since the last call, as `gateway: kind leg`. */
  told(): string[] {
    const lines = this.commands.map(({ gateway, command }) => {
      const join =
        command.kind === "join-leg"
          ? ` ${command.join.kind}${command.join.kind === "trunk" ? `:${command.join.gateway}` : ""}`
          : "";
      const status = command.kind === "reject-leg" ? ` ${command.status}` : "";
      const port = command.kind === "open-room-port" ? ` trunk:${command.port.trunk.gateway}` : "";
      const phase = command.kind === "adopt-leg" ? ` ${command.capsule.phase}` : "";
      return `${gateway}: ${command.kind} ${command.leg}${join}${status}${phase}${port}`;
    });
    this.commands = [];
    return lines;
  }

  /** First lines of what browsers were sent since the last call. */
  said(): string[] {
    const lines = this.sip.map(({ leg, text }) => `${leg}: ${text.slice(0, text.indexOf("\r\n"))}`);
    this.sip = [];
    return lines;
  }

  caller(): CallState["legs"][number] | undefined {
    return this.state?.legs.find((entry) => entry.side === "caller");
  }

  events(): string[] {
    return this.state?.log.map((entry) => entry.event) ?? [];
  }
}

export type { NumberedCommand };
