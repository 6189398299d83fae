import { DurableObject } from "cloudflare:workers";
import { parseAccountSid, parseEndpointId, parseRegionName } from "#protocol/ids";
import { regionLinkOf } from "../adapters/object-region-link.ts";
import type { RegionalEndpoint } from "../adapters/region-link.ts";
import { count } from "../counters.ts";
import type {
  AddRouteOutcome,
  EndpointObjectApi,
  LocatedRoutes,
  RegionRoutes,
  RouteHolder,
} from "../domain/location/endpoint-object-api.ts";
import type { CalleePlan } from "../domain/accounts/callee-plan.ts";
import type { EndpointRoute } from "../domain/location/endpoint-route.ts";
import { admitRoute, isHeldBy, liveRoutes } from "../domain/location/route-table.ts";
import { settingsOf } from "../env.ts";
import type { Env } from "../env.ts";
import { faultCode, log } from "../log.ts";
import { ownName } from "./own-name.ts";
import { migrate } from "./storage/migrate.ts";
import type { SchemaStep } from "./storage/migrate.ts";

const ENDPOINT_SCHEMA: readonly SchemaStep[] = [
  {
    id: 1,
    what: "routes by device, as JSON; regions with routes, at the endpoint's home",
    sql: `
      CREATE TABLE IF NOT EXISTS routes (device TEXT PRIMARY KEY, expires_at_ms INTEGER NOT NULL, route TEXT NOT NULL) WITHOUT ROWID;
      CREATE TABLE IF NOT EXISTS regions (region TEXT PRIMARY KEY) WITHOUT ROWID`,
  },
  {
    id: 2,
    what: "at the endpoint's home a copy of each other region's routes, in place of a list of regions that have some",
    sql: `
      CREATE TABLE IF NOT EXISTS region_routes (region TEXT PRIMARY KEY, version INTEGER NOT NULL, routes TEXT NOT NULL) WITHOUT ROWID;
      DROP TABLE regions`,
  },
];

/** What the endpoint's home last heard from this region. */
interface ToldHome {
  readonly version: number;
  /** Routes as JSON. */
  readonly routes: string;
}

const TOLD_HOME_KEY = "told-home-routes";
const NOTHING_TOLD: ToldHome = { version: 0, routes: "[]" };
/** A home that was away is told again after this. */
const TELL_AGAIN_MS = 10_000;
/** Whoever registers waits so long for the home to know, and no longer: the region's own calls do not need it. */
const HOME_WAIT_MS = 300;
/** At the endpoint's home only: the account's word about calls to it, written through when it changes. */
const PLAN_KEY = "callee-plan";
/** Users come and go slowly; an invitation need not ask each time whether one exists. */
const KNOWN_CACHE_MS = 10_000;

/** The routes of one endpoint in one region; in the central region, its home, also a copy of those in all others. */
export class EndpointObject extends DurableObject<Env> implements EndpointObjectApi {
  #telling: Promise<void> | undefined;
  #known: { readonly known: boolean; readonly untilMs: number } | undefined;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    void migrate(ctx, ENDPOINT_SCHEMA);
  }

  async addRoute(route: EndpointRoute): Promise<AddRouteOutcome> {
    const nowMs = Date.now();
    const admission = admitRoute(this.#stored(), route, nowMs);
    if (!admission.ok) return admission;
    const { device, expiresAtMs } = admission.route;
    if (admission.instead !== undefined)
      this.ctx.storage.sql.exec("DELETE FROM routes WHERE device = ?", admission.instead);
    this.ctx.storage.sql.exec(
      "INSERT OR REPLACE INTO routes (device, expires_at_ms, route) VALUES (?, ?, ?)",
      device,
      expiresAtMs,
      JSON.stringify(admission.route),
    );
    this.#dropExpired(nowMs);
    await this.#tellHomeSoon();
    return { ok: true };
  }

  async removeRoute({
    device,
    holder,
  }: {
    readonly device: string;
    readonly holder: RouteHolder;
  }): Promise<{ readonly removed: boolean }> {
    const route = this.#stored().find((stored) => stored.device === device);
    const removed = route !== undefined && isHeldBy(route, holder);
    if (removed) this.ctx.storage.sql.exec("DELETE FROM routes WHERE device = ?", device);
    await this.#tellHomeSoon();
    return { removed };
  }

  async listRoutes(): Promise<readonly EndpointRoute[]> {
    return await this.#live();
  }

  async routesForInvitation(): Promise<LocatedRoutes> {
    const routes = [...(await this.#live()), ...this.#copies()];
    const plan = this.ctx.storage.kv.get<CalleePlan>(PLAN_KEY);
    return {
      known: routes.length > 0 || (await this.#isKnown()),
      routes,
      ...(plan === undefined ? {} : { plan }),
    };
  }

  async notePlan(plan: CalleePlan): Promise<void> {
    if (plan.settings === undefined && plan.number === undefined) this.ctx.storage.kv.delete(PLAN_KEY);
    else this.ctx.storage.kv.put(PLAN_KEY, plan);
  }

  async noteRoutes({ region, version, routes }: RegionRoutes): Promise<void> {
    this.ctx.storage.sql.exec(
      `INSERT INTO region_routes (region, version, routes) VALUES (?, ?, ?)
       ON CONFLICT (region) DO UPDATE SET version = excluded.version, routes = excluded.routes
       WHERE excluded.version > region_routes.version`,
      region,
      version,
      JSON.stringify(routes),
    );
  }

  /** Only for a home that was away. */
  override async alarm(): Promise<void> {
    this.#dropExpired(Date.now());
    await this.#tellHome();
  }

  #copies(): readonly EndpointRoute[] {
    const copies = this.ctx.storage.sql.exec("SELECT routes FROM region_routes").toArray();
    return liveRoutes(
      copies.flatMap((row) => storedRoutes(String(row["routes"]))),
      Date.now(),
    );
  }

  async #live(): Promise<readonly EndpointRoute[]> {
    const dropped = this.#dropExpired(Date.now());
    const routes = this.#stored();
    // The reader does not wait for the directory.
    if (dropped > 0) this.ctx.waitUntil(this.#tellHome());
    return routes;
  }

  #dropExpired(nowMs: number): number {
    return this.ctx.storage.sql.exec("DELETE FROM routes WHERE expires_at_ms <= ? RETURNING device", nowMs).toArray()
      .length;
  }

  #stored(): readonly EndpointRoute[] {
    return this.ctx.storage.sql
      .exec("SELECT route FROM routes")
      .toArray()
      .flatMap((row) => storedRoutes(`[${String(row["route"])}]`));
  }

  /** A home that does not answer must not keep a region from registering its own (decision 8). */
  async #tellHomeSoon(): Promise<void> {
    const told = this.#tellHome();
    this.ctx.waitUntil(told);
    await Promise.race([told, scheduler.wait(HOME_WAIT_MS)]);
  }

  /** Only news is told, one word at a time: two of them on the way could arrive in the wrong order. */
  async #tellHome(): Promise<void> {
    this.#telling ??= this.#bringHomeUpToDate().finally(() => {
      this.#telling = undefined;
    });
    await this.#telling;
  }

  /** A home that is away is told later; until then it errs, and fan-out covers that while it cannot be asked either. */
  async #bringHomeUpToDate(): Promise<void> {
    const { account, identity, region } = this.#self();
    if (region === settingsOf(this.env).regions.central) return;
    for (;;) {
      const told = this.ctx.storage.kv.get<ToldHome>(TOLD_HOME_KEY) ?? NOTHING_TOLD;
      const routes = liveRoutes(this.#stored(), Date.now());
      const news: ToldHome = {
        version: Math.max(told.version + 1, Date.now()),
        routes: JSON.stringify(routes),
      };
      if (told.routes === news.routes) return;
      try {
        await regionLinkOf(this.env).endpoints.noteRoutes(
          { account, identity },
          { region, version: news.version, routes },
        );
      } catch (error) {
        count("endpoint.home-unreachable");
        log({ event: "fault", where: "endpoint.tell-home", code: faultCode(error) });
        await this.ctx.storage.setAlarm(Date.now() + TELL_AGAIN_MS);
        return;
      }
      this.ctx.storage.kv.put(TOLD_HOME_KEY, news);
    }
  }

  async #isKnown(): Promise<boolean> {
    if (this.#known !== undefined && this.#known.untilMs > Date.now()) return this.#known.known;
    const { account, identity } = this.#self();
    const known = await regionLinkOf(this.env).accounts.hasUser(account, identity);
    this.#known = { known, untilMs: Date.now() + KNOWN_CACHE_MS };
    return known;
  }

  #self(): RegionalEndpoint {
    const [accountPart, regionPart, identityPart] = ownName(this.ctx, "endpoint");
    const account = parseAccountSid(accountPart);
    const region = parseRegionName(regionPart);
    const identity = parseEndpointId(identityPart);
    if (account === undefined || region === undefined || identity === undefined)
      throw new TypeError("an Endpoint object is named by account, region and identity");
    return { account, region, identity };
  }
}

function storedRoutes(json: string): readonly EndpointRoute[] {
  const routes: readonly EndpointRoute[] = JSON.parse(json);
  return routes;
}
