/** The only file that constructs everything: one gateway node from its configuration. */
import { randomBytes, sign } from "node:crypto";
import { parseGatewayInstanceId } from "#protocol/ids";
import type { GatewayInstanceId } from "#protocol/ids";
import { dropLeg } from "./calls/call-context.ts";
import type { CallContext } from "./calls/call-context.ts";
import { CommandHandler, failFaultyLeg } from "./calls/command-handler.ts";
import { describeFault, FaultRim } from "./calls/fault-rim.ts";
import { HostedMembers } from "./calls/hosted-members.ts";
import { LadderRecorder } from "./calls/ladder-recorder.ts";
import { LegTable } from "./calls/leg-table.ts";
import { MediaReports } from "./calls/media-reports.ts";
import { RequestRouter } from "./calls/request-router.ts";
import { StrayLimit } from "./calls/stray-limit.ts";
import { createSystemClock } from "./clock.ts";
import type { Clock } from "./clock.ts";
import type { GatewayConfig } from "./config.ts";
import { ControlClient } from "./control/control-client.ts";
import { CredentialCache } from "./control/credential-cache.ts";
import { createWsDial } from "./control/ws-dial.ts";
import { createMediaPlane } from "./media/create-media-plane.ts";
import type { MediaPlane } from "./media/media-plane.ts";
import { Counters } from "./observability/counters.ts";
import type { LogEvent } from "./observability/log-event.ts";
import { startMetricsServer } from "./observability/metrics-server.ts";
import type { MetricsServer } from "./observability/metrics-server.ts";
import { createCpuMeter } from "./observability/cpu-meter.ts";
import { BindingStore } from "./registrar/binding-store.ts";
import { DigestGate } from "./registrar/digest-gate.ts";
import { NonceAuthority } from "./registrar/nonce-authority.ts";
import { Registrar } from "./registrar/registrar.ts";
import { createSipStack } from "./sip-transport/create-sip-stack.ts";
import type { SipStack, SipStackEvents } from "./sip-transport/sip-stack.ts";

export interface GatewayNode {
  readonly instance: GatewayInstanceId;
  /** Settles when every control channel has been welcomed. */
  readonly ready: Promise<void>;
  readonly counters: Counters;
  readonly legs: () => number;
  /** Listening addresses, for whoever configured port 0. */
  readonly sip: Pick<SipStack, "localAddress">;
  readonly metricsPort: number;
  /** Nothing is said to any peer: routes stay on the lease, calls are adopted by others. */
  close(): Promise<void>;
}

type Log = (event: LogEvent) => void;

/** Rejects when an address cannot be bound; nothing is left open then. */
export async function startGatewayNode(config: GatewayConfig, log: Log): Promise<GatewayNode> {
  const counters = new Counters();
  const { count } = counters;
  const onFault = (error: unknown): void => {
    const { code, problem, stack } = describeFault(error);
    count(`gateway.fault.${code}`);
    log({ event: "gateway.fault", code, problem, stack });
  };
  const clock = createSystemClock(onFault);
  const instance = createInstanceId();
  const legs = new LegTable();
  const rim = new FaultRim({
    legs,
    count,
    log,
    failLeg: (leg, status) => failFaultyLeg(assembled().context, leg, status),
    dropLeg: (leg) => dropLeg(assembled().context, leg, "fault"),
  });

  // The parts call each other both ways: what comes in before the last of them stands is dropped, as if we were not up yet.
  const late: { parts?: Assembled } = {};
  const assembled = (): Assembled => {
    if (late.parts === undefined) throw new Error("the gateway is not assembled");
    return late.parts;
  };
  const lower = await openLowerHalf(config, { instance, clock, count, log, parts: () => late.parts });
  const parts = assemble(config, { instance, clock, counters, log, legs, rim, onFault, ...lower });
  late.parts = parts;
  counters.gauge("legs", () => legs.size);
  counters.gauge("rtp_ports_in_use", () => lower.media.portsInUse);
  counters.gauge("sip_transactions", () => lower.stack.transactions);
  counters.gauge("sip_connections", () => lower.stack.connections);
  counters.gauge("timers", () => clock.timersSet);
  counters.gauge("bindings", () => assembled().bindings.size);
  counters.gauge("control_channels_open", () => assembled().control.openChannels);
  let metrics: MetricsServer;
  try {
    metrics = await startMetricsServer(config.metricsPort, () =>
      counters.prometheusText({ gateway: config.gateway, region: config.region }),
    );
  } catch (error) {
    await Promise.all([lower.stack.close(), lower.media.close()]);
    throw error;
  }
  parts.control.start();
  log({ event: "gateway.listening", gateway: config.gateway, region: config.region });
  return {
    instance,
    ready: parts.control.ready,
    counters,
    legs: () => legs.size,
    sip: lower.stack,
    metricsPort: metrics.port,
    close: async () => {
      assembled().control.stop();
      assembled().bindings.close();
      // Media last: the adopter needs a moment, and the phone hears us until then.
      await Promise.all([metrics.close(), lower.stack.close()]);
      await lower.media.close();
    },
  };
}

interface LowerHalf {
  readonly stack: SipStack;
  readonly media: MediaPlane;
}

interface Assembled {
  readonly context: CallContext;
  readonly control: ControlClient;
  readonly bindings: BindingStore;
  readonly router: RequestRouter;
  readonly reports: MediaReports;
  readonly ladder: LadderRecorder;
}

interface LowerHalfInput {
  readonly instance: GatewayInstanceId;
  readonly clock: Clock;
  readonly count: (name: string, by?: number) => void;
  readonly log: Log;
  readonly parts: () => Assembled | undefined;
}

async function openLowerHalf(
  config: GatewayConfig,
  { instance, clock, count, log, parts }: LowerHalfInput,
): Promise<LowerHalf> {
  const { gateway, host, mediaHosts, rtpPorts, trunkPort, fleetKey, sipPorts, tls } = config;
  const media = await createMediaPlane({
    gateway,
    instance,
    host,
    mediaHosts,
    rtpPorts,
    trunkPort,
    fleetKey,
    clock,
    count,
    log: (detail) => log({ event: "media.log", detail }),
    events: {
      onMediaFlowing: (key, afterMs) => parts()?.reports.onMediaFlowing(key, afterMs),
      onMediaTimeout: (key) => parts()?.reports.onMediaTimeout(key),
      onSecured: (key, secured) => parts()?.reports.onSecured(key, secured),
      onWebRtcFailed: (key, reason) => parts()?.reports.onWebRtcFailed(key, reason),
      onLeaseWanted: (key, lease, incoming) => parts()?.reports.onLeaseWanted(key, lease, incoming),
      onDigit: (key, digit) => parts()?.reports.onDigit(key, digit),
      onNeighbourSilent: (neighbour, silentMs) => parts()?.reports.onNeighbourSilent(neighbour, silentMs),
    },
  });
  try {
    const events: SipStackEvents = {
      onRequest: (transaction) => parts()?.router.onRequest(transaction),
      onMessage: (message, sent, flow) => parts()?.ladder.onMessage(message, sent, flow),
    };
    const stack = await createSipStack({ host, ports: sipPorts, tls, events, clock, count, log });
    return { stack, media };
  } catch (error) {
    await media.close();
    throw error;
  }
}

interface AssembleInput extends LowerHalf {
  readonly instance: GatewayInstanceId;
  readonly clock: Clock;
  readonly counters: Counters;
  readonly log: Log;
  readonly legs: LegTable;
  readonly rim: FaultRim;
  readonly onFault: (error: unknown) => void;
}

function assemble(config: GatewayConfig, input: AssembleInput): Assembled {
  const { clock, log, legs, rim, stack, media } = input;
  const { count } = input.counters;
  const control = createControl(config, input, {
    commands: () => commands,
    load: () => ({ legs: legs.size, bindings: bindings.size }),
  });
  const createTag = (): string => randomBytes(8).toString("hex");
  const credentials = new CredentialCache({
    clock,
    count,
    fetch: (sipDomain, endpoint) => control.fetchCredentials(sipDomain, endpoint),
  });
  const gate = new DigestGate({ nonces: new NonceAuthority(clock), credentials, count });
  const bindings = new BindingStore({
    clock,
    routes: control,
    onRemoved: (address, reason) => log({ event: "register.removed", ...address, reason }),
  });
  const ladder = new LadderRecorder({ clock, note: (call, message) => control.note(call, message) });
  const context: CallContext = {
    stack,
    media,
    clock,
    legs,
    hostedMembers: new HostedMembers(),
    strayLimit: new StrayLimit(clock),
    control,
    ladder,
    createTag,
    random: Math.random,
    guard: (leg, work) => rim.guard(leg, work),
    count,
    log,
    registeredFlow: ({ remoteUri, remoteTarget }) => bindings.flowTo(remoteUri, remoteTarget),
    registeredFlowFailed: ({ remoteUri, remoteTarget }) => bindings.flowFailed(remoteUri, remoteTarget),
  };
  const commands = new CommandHandler(context, rim);
  const registrar = new Registrar({ gate, bindings, clock, createTag, count, log });
  const router = new RequestRouter({ context, registrar, gate, rim });
  const reports = new MediaReports({
    context,
    rim,
    onNeighbourSilent: (neighbour, silentMs) => control.reportSilence(neighbour, silentMs),
  });
  return { context, control, bindings, router, reports, ladder };
}

interface ControlParts {
  readonly commands: () => CommandHandler;
  readonly load: () => { readonly legs: number; readonly bindings: number };
}

function createControl(config: GatewayConfig, input: AssembleInput, parts: ControlParts): ControlClient {
  const { clock, counters, log, media, instance, onFault } = input;
  const cpu = createCpuMeter(clock);
  return new ControlClient({
    workerUrl: config.workerUrl,
    gateway: config.gateway,
    instance,
    channels: config.channels,
    sign: (text) => sign(null, Buffer.from(text, "utf8"), config.enrolmentKey).toString("base64url"),
    dial: createWsDial((work) => {
      try {
        work();
      } catch (error) {
        onFault(error);
      }
    }),
    clock,
    random: Math.random,
    events: {
      onCommand: (call, command) => parts.commands().handle(call, command),
      onCallGone: (call, endLegs) => parts.commands().handleGone(call, endLegs),
      onNeighbours: (neighbours) => media.watchNeighbours(neighbours),
      probe: (target, roundTripMs) => media.probe(target, roundTripMs),
    },
    load: () => ({ ...parts.load(), cpu: cpu() }),
    counters: () => counters.snapshot(),
    onChannelOpen: (channel) => log({ event: "control.open", channel }),
    onChannelDown: (channel) => log({ event: "control.down", channel }),
    onRefused: (channel, code, detail) => log({ event: "control.refused", channel, code, detail }),
    onFault,
    count: counters.count,
  });
}

function createInstanceId(): GatewayInstanceId {
  const instance = parseGatewayInstanceId(randomBytes(16).toString("hex"));
  if (instance === undefined) throw new Error("32 hex digits are an instance id");
  return instance;
}
