import { DurableObject } from "cloudflare:workers";
import { parseRegionName } from "#protocol/ids";
import type { GatewayId, GatewayInstanceId, RegionName } from "#protocol/ids";
import { roundTripMs } from "#region-config";
import type { GatewayEntry } from "#region-config";
import { forgetFleetSnapshots } from "../adapters/fleet-snapshot.ts";
import { regionLinkOf } from "../adapters/object-region-link.ts";
import { count } from "../counters.ts";
import type {
  EnrolledKey,
  GatewayDetails,
  GatewayReport,
  RegionObjectApi,
  SuspicionReason,
  SuspicionVerdict,
} from "../domain/gateways/region-object-api.ts";
import { answersMissing, chooseProbers, concludeSuspicion, judgeProbes } from "../domain/gateways/suspicion.ts";
import type { GatewayState, GatewayStatus } from "../domain/routing/gateway-status.ts";
import { settingsOf } from "../env.ts";
import type { Env } from "../env.ts";
import { faultCode, log } from "../log.ts";
import { ownName } from "./own-name.ts";
import { KeyWithdrawal } from "./region/key-withdrawal.ts";
import { GatewayTable, REGION_SCHEMA } from "./region/gateway-table.ts";
import type { GatewayRow } from "./region/gateway-table.ts";
import { migrate } from "./storage/migrate.ts";

/** With the isolate's cache a snapshot is at most two seconds old. */
const FLEET_CACHE_MS = 1_000;
/** Heartbeats come every 5 s and the channel's keep-alive gives up after 12 s. */
const HEARTBEAT_SILENCE_MS = 15_000;
/** When nobody can be asked, the channel itself has this long to open again. */
const REOPEN_GRACE_MS = 1_000;
/** A far region that does not answer keeps its last state this long, then all its gateways are suspect. */
const FAR_STATE_LIFETIME_MS = 10_000;

/** What is only in memory: it comes again with the next heartbeat. */
interface Hearing {
  heardAtMs: number;
  report?: GatewayReport;
}

/** The gateways of one region: who is enrolled, who lives, how loaded they are. */
export class RegionObject extends DurableObject<Env> implements RegionObjectApi {
  readonly #gateways: GatewayTable;
  readonly #withdrawal: KeyWithdrawal;
  readonly #bornAtMs = Date.now();
  readonly #hearings = new Map<GatewayId, Hearing>();
  readonly #proofs = new Map<GatewayId, Promise<SuspicionVerdict>>();
  readonly #farRegions = new Map<
    RegionName,
    { readonly statuses: readonly GatewayStatus[]; readonly readAtMs: number }
  >();
  #fleet: { readonly statuses: readonly GatewayStatus[]; readonly readAtMs: number } | undefined;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    void migrate(ctx, REGION_SCHEMA);
    this.#gateways = new GatewayTable(ctx.storage.sql);
    this.#withdrawal = new KeyWithdrawal({
      table: this.#gateways,
      alarm: ctx.storage,
      tell: ({ gateway, channel }) => {
        const row = this.#gateways.get(gateway);
        const standing = row === undefined || row.revoked ? undefined : row.publicKey;
        return regionLinkOf(env).gateways.withdrawKeys({ region: this.#region(), gateway, channel }, standing);
      },
    });
  }

  async enrol({ gateway, publicKey }: { readonly gateway: GatewayId; readonly publicKey: string }): Promise<void> {
    const before = this.#gateways.get(gateway);
    this.#gateways.enrol(gateway, publicKey, Date.now());
    log({ event: "gateway.enrolled", gateway, region: this.#region() });
    if (before === undefined || before.publicKey === publicKey) return;
    this.#announce(gateway);
    await this.#withdrawal.begin(gateway, this.#channelsOf(gateway));
  }

  async revoke(gateway: GatewayId): Promise<{ readonly known: boolean }> {
    const row = this.#gateways.get(gateway);
    if (row === undefined) return { known: false };
    this.#gateways.revoke(gateway, Date.now());
    this.#announce(gateway);
    log({ event: "gateway.revoked", gateway, region: this.#region() });
    await this.#withdrawal.begin(gateway, this.#channelsOf(gateway));
    return { known: true };
  }

  /** Only for channels that could not be told of a withdrawn key. */
  override async alarm(): Promise<void> {
    await this.#withdrawal.tellAll(Date.now());
  }

  async publicKeyOf(gateway: GatewayId): Promise<EnrolledKey> {
    const row = this.#gateways.get(gateway);
    if (row === undefined) return { state: "unknown" };
    return row.revoked ? { state: "revoked" } : { state: "enrolled", publicKey: row.publicKey };
  }

  async gatewayUp({
    gateway,
    instance,
    channel,
    publicKey,
  }: Parameters<RegionObjectApi["gatewayUp"]>[0]): Promise<{ readonly accepted: boolean }> {
    const row = this.#gateways.get(gateway);
    if (row === undefined || row.revoked || row.publicKey !== publicKey) return { accepted: false };
    this.#noteUp(row, instance, channel);
    return { accepted: true };
  }

  #noteUp(row: GatewayRow, instance: GatewayInstanceId, channel: number): void {
    const { gateway } = row;
    const hearing: Hearing = this.#hearings.get(gateway) ?? { heardAtMs: 0 };
    hearing.heardAtMs = Date.now();
    if (hearing.report !== undefined && hearing.report.instance !== instance) delete hearing.report;
    this.#hearings.set(gateway, hearing);
    if (row.instance === instance && (row.state === "up" || row.state === "draining")) return;
    this.#setState(row, "up", instance);
    log({ event: "gateway.up", gateway, region: this.#region(), instance });
    const predecessor = row.instance;
    if (predecessor === undefined || predecessor === instance) return;
    // The new run proves the death of the old one; its other channels may say hello later, their calls need not wait.
    this.ctx.waitUntil(
      this.#eachChannel(gateway, async (other) => {
        if (other !== channel) await this.#declareDead(gateway, predecessor, other);
      }),
    );
  }

  async report(report: GatewayReport): Promise<void> {
    const row = this.#gateways.get(report.gateway);
    if (row === undefined || row.revoked || row.instance !== report.instance) return;
    if (row.state === "down") {
      // Found dead, and yet it speaks over a channel that should be closed: it has to say hello again.
      this.ctx.waitUntil(
        this.#eachChannel(report.gateway, (channel) => this.#declareDead(report.gateway, report.instance, channel)),
      );
      return;
    }
    this.#hearings.set(report.gateway, { heardAtMs: Date.now(), report });
    const state = report.draining ? "draining" : "up";
    if (row.state === state) return;
    if (row.state === "draining" || report.draining) {
      log({ event: "gateway.draining", gateway: report.gateway, region: this.#region(), draining: report.draining });
    }
    this.#setState(row, state, row.instance);
  }

  async suspect(input: {
    readonly gateway: GatewayId;
    readonly instance?: GatewayInstanceId;
    readonly reason: SuspicionReason;
  }): Promise<SuspicionVerdict> {
    const arrivedAtMs = Date.now();
    for (;;) {
      const row = this.#gateways.get(input.gateway);
      if (row === undefined || row.instance === undefined || row.state === "down") return "ignored";
      if (input.instance !== undefined && input.instance !== row.instance) return "ignored";
      const running = this.#proofs.get(input.gateway);
      if (running === undefined) {
        const proof = this.#prove(row, row.instance, input.reason).finally(() => this.#proofs.delete(input.gateway));
        this.#proofs.set(input.gateway, proof);
        return await proof;
      }
      // A proof that began before this suspicion may have ended well by what was heard before it, or be about an older run.
      const verdict = await running;
      if (verdict !== "ignored" && (verdict !== "alive" || this.#heardSince(input.gateway, arrivedAtMs)))
        return verdict;
    }
  }

  async noteFarGateway(status: GatewayStatus): Promise<void> {
    const replace = (statuses: readonly GatewayStatus[]): readonly GatewayStatus[] =>
      statuses.map((known) => (known.gateway === status.gateway ? status : known));
    if (this.#fleet !== undefined) this.#fleet = { ...this.#fleet, statuses: replace(this.#fleet.statuses) };
    const far = this.#farRegions.get(status.region);
    if (far !== undefined) this.#farRegions.set(status.region, { ...far, statuses: replace(far.statuses) });
    forgetFleetSnapshots(this.env);
  }

  async snapshot(): Promise<readonly GatewayStatus[]> {
    const statuses = this.#statuses();
    for (const status of statuses) this.#questionSilence(status);
    return statuses;
  }

  async fleetSnapshot(): Promise<readonly GatewayStatus[]> {
    const own = await this.snapshot();
    if (this.#fleet !== undefined && Date.now() - this.#fleet.readAtMs < FLEET_CACHE_MS)
      return [...own, ...this.#fleet.statuses];
    const far = settingsOf(this.env).regions.regions.filter(({ name }) => name !== this.#region());
    const statuses = (await Promise.all(far.map(({ name }) => this.#farSnapshot(name)))).flat();
    this.#fleet = { statuses, readAtMs: Date.now() };
    return [...this.#statuses(), ...statuses];
  }

  async details(): Promise<{ readonly region: RegionName; readonly gateways: readonly GatewayDetails[] }> {
    const gateways = this.#statuses().map((status): GatewayDetails => {
      const row = this.#gateways.get(status.gateway);
      const report = this.#hearings.get(status.gateway)?.report;
      return {
        status,
        enrolled: row !== undefined && !row.revoked,
        bindings: report?.load.bindings ?? 0,
        counters: report?.counters ?? {},
      };
    });
    return { region: this.#region(), gateways };
  }

  async #prove(row: GatewayRow, instance: GatewayInstanceId, reason: SuspicionReason): Promise<SuspicionVerdict> {
    const { gateway } = row;
    const startedAtMs = Date.now();
    const region = this.#region();
    count(`gateway.suspected.${reason}`);
    log({ event: "gateway.suspected", gateway, region, reason });
    const status = this.#statuses().find((candidate) => candidate.gateway === gateway);
    if (status === undefined) return "ignored";
    if (row.state === "up") this.#setState(row, "suspect", instance);

    const probes = await this.#probe(status);
    if (probes === "unasked" && reason !== "trunk-silent" && !this.#heardSince(gateway, startedAtMs))
      await scheduler.wait(REOPEN_GRACE_MS);

    // Everything may have changed meanwhile: another instance may have proved this one dead already.
    const now = this.#gateways.get(gateway);
    if (now === undefined || now.instance !== instance || now.state === "down") return "ignored";
    const verdict = concludeSuspicion({ probes, reason, heardAgain: this.#heardSince(gateway, startedAtMs) });
    log({ event: "gateway.verdict", gateway, region, verdict, afterMs: Date.now() - startedAtMs });
    count(`gateway.verdict.${verdict}`);
    if (verdict === "alive" && now.state === "suspect")
      this.#setState(now, row.state === "suspect" ? "up" : row.state, instance);
    if (verdict === "dead") {
      this.#setState(now, "down", instance);
      await this.#eachChannel(gateway, (channel) => this.#declareDead(gateway, instance, channel));
    }
    return verdict;
  }

  async #probe(suspect: GatewayStatus): Promise<"alive" | "dead" | "unasked"> {
    const fleet = await this.fleetSnapshot();
    const { regions } = settingsOf(this.env);
    const waiting = [...chooseProbers(regions, suspect, fleet)];
    const answers: (boolean | undefined)[] = [];
    for (let missing = answersMissing(answers); missing > 0 && waiting.length > 0; missing = answersMissing(answers)) {
      const asked = waiting.splice(0, missing);
      answers.push(...(await Promise.all(asked.map((prober) => this.#ask(prober, suspect)))));
    }
    return judgeProbes(answers);
  }

  async #ask({ region, gateway }: GatewayStatus, suspect: GatewayStatus): Promise<boolean | undefined> {
    const peer = { gateway: suspect.gateway, host: suspect.host, port: suspect.trunkPort };
    const awayMs = roundTripMs(settingsOf(this.env).regions, region, suspect.region);
    try {
      return await regionLinkOf(this.env).gateways.probe({ region, gateway, channel: 0 }, peer, awayMs);
    } catch {
      return undefined;
    }
  }

  /** A frozen gateway keeps its sockets open; what it cannot do is send heartbeats. */
  #questionSilence(status: GatewayStatus): void {
    if ((status.state !== "up" && status.state !== "draining") || this.#proofs.has(status.gateway)) return;
    const hearing = this.#hearings.get(status.gateway);
    if (Date.now() - (hearing?.heardAtMs ?? this.#bornAtMs) < HEARTBEAT_SILENCE_MS) return;
    this.ctx.waitUntil(this.suspect({ gateway: status.gateway, reason: "heartbeat-missing" }));
  }

  #statuses(): readonly GatewayStatus[] {
    const rows = new Map(this.#gateways.all().map((row) => [row.gateway, row]));
    return this.#configured().map((entry) => this.#statusOf(entry, rows.get(entry.id)));
  }

  #statusOf(entry: GatewayEntry, row: GatewayRow | undefined): GatewayStatus {
    const hearing = this.#hearings.get(entry.id);
    return {
      gateway: entry.id,
      region: entry.region,
      host: entry.host,
      trunkPort: entry.trunkPort,
      channels: entry.channels,
      ...(row?.instance === undefined ? {} : { instance: row.instance }),
      state: row === undefined || row.revoked ? "down" : row.state,
      ...(row?.revoked === true ? { revoked: true } : {}),
      legs: hearing?.report?.load.legs ?? 0,
      cpu: hearing?.report?.load.cpu ?? 0,
      updatedAtMs: Math.max(hearing?.heardAtMs ?? 0, row?.stateAtMs ?? 0),
      ...(row === undefined ? {} : { sinceMs: row.stateAtMs }),
    };
  }

  async #farSnapshot(region: RegionName): Promise<readonly GatewayStatus[]> {
    try {
      const statuses = await regionLinkOf(this.env).region(region).snapshot();
      this.#farRegions.set(region, { statuses, readAtMs: Date.now() });
      return statuses;
    } catch (error) {
      count("region.far-unreachable");
      log({ event: "fault", where: "region.fleet-snapshot", code: faultCode(error) });
      const last = this.#farRegions.get(region);
      if (last === undefined) return [];
      if (Date.now() - last.readAtMs < FAR_STATE_LIFETIME_MS) return last.statuses;
      return last.statuses.map((status) => (status.state === "up" ? { ...status, state: "suspect" } : status));
    }
  }

  #heardSince(gateway: GatewayId, sinceMs: number): boolean {
    return (this.#hearings.get(gateway)?.heardAtMs ?? 0) > sinceMs;
  }

  /** Changes are rare, so they are told to the other regions at once; what is lost there comes with the next snapshot. */
  #setState(row: GatewayRow, state: GatewayState, instance: GatewayInstanceId | undefined): void {
    this.#gateways.setState(row.gateway, state, instance, Date.now());
    this.#announce(row.gateway);
  }

  #announce(changed: GatewayId): void {
    forgetFleetSnapshots(this.env);
    const status = this.#statuses().find(({ gateway }) => gateway === changed);
    if (status === undefined) return;
    const others = settingsOf(this.env).regions.regions.filter(({ name }) => name !== this.#region());
    this.ctx.waitUntil(
      Promise.allSettled(others.map(({ name }) => regionLinkOf(this.env).region(name).noteFarGateway(status))),
    );
  }

  async #declareDead(gateway: GatewayId, instance: GatewayInstanceId, channel: number): Promise<void> {
    await regionLinkOf(this.env).gateways.declareDead({ region: this.#region(), gateway, channel }, instance);
  }

  async #eachChannel(gateway: GatewayId, work: (channel: number) => Promise<void>): Promise<void> {
    const channels = Array.from({ length: this.#channelsOf(gateway) }, (_, channel) => channel);
    const outcomes = await Promise.allSettled(channels.map(work));
    for (const outcome of outcomes) {
      if (outcome.status === "rejected")
        log({ event: "fault", where: "region.each-channel", code: faultCode(outcome.reason) });
    }
  }

  #channelsOf(gateway: GatewayId): number {
    return this.#configured().find(({ id }) => id === gateway)?.channels ?? 0;
  }

  #configured(): readonly GatewayEntry[] {
    return settingsOf(this.env).regions.gateways.filter(({ region }) => region === this.#region());
  }

  #region(): RegionName {
    const region = parseRegionName(ownName(this.ctx, "region")[0]);
    if (region === undefined) throw new TypeError("a Region object is named by its region");
    return region;
  }
}
