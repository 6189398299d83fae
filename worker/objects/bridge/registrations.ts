import { createHash } from "node:crypto";
import { createResponse } from "#sip/message/build";
import { header } from "#sip/message/headers";
import type { SipRequest, SipResponse } from "#sip/message/sip-message";
import { parseAccountSid, parseEndpointId } from "#protocol/ids";
import type { AccountSid, EndpointId, RegionName } from "#protocol/ids";
import type { RegionLink } from "../../adapters/region-link.ts";
import { count } from "../../counters.ts";
import { BRIDGE_ALLOW } from "../../domain/bridging/bridge-message.ts";
import { contactHeader } from "../../domain/bridging/register-request.ts";
import type { RegisterAction } from "../../domain/bridging/register-request.ts";
import type { SocketRegistration, SocketUser } from "../../domain/bridging/socket-state.ts";
import type { AddRouteOutcome } from "../../domain/location/endpoint-object-api.ts";
import { ROUTE_LIFETIME_LIMIT_MS } from "../../domain/location/endpoint-route.ts";
import type { EndpointRoute } from "../../domain/location/endpoint-route.ts";
import { randomHex } from "../../encoding.ts";
import { faultCode, log } from "../../log.ts";
import type { SchemaStep } from "../storage/migrate.ts";
import type { BridgeSockets } from "./bridge-sockets.ts";

export const BRIDGE_SCHEMA: readonly SchemaStep[] = [
  {
    id: 1,
    what: "which sockets have routes, for when the sockets are gone without a word",
    sql: "CREATE TABLE IF NOT EXISTS registrations (socket TEXT PRIMARY KEY, account TEXT NOT NULL, identity TEXT NOT NULL, device TEXT NOT NULL) WITHOUT ROWID",
  },
];

interface RegistrationsOptions {
  readonly region: RegionName;
  /** As routes name this shard. */
  readonly bridge: string;
  readonly sql: SqlStorage;
  readonly link: RegionLink;
  readonly sockets: BridgeSockets;
}

/**
 * The registrar of browsers. Their routes live on the lease of this bridge: stored for the longest time that a route
 * may last, removed when the registration ends or the socket does, so that refreshes need not leave the bridge.
 */
export class Registrations {
  readonly #options: RegistrationsOptions;

  constructor(options: RegistrationsOptions) {
    this.#options = options;
  }

  /** Carries out what an authenticated browser asked for and answers it. */
  async register(
    socket: WebSocket,
    request: SipRequest,
    user: SocketUser,
    action: RegisterAction,
  ): Promise<SipResponse> {
    count("bridge.register");
    if (action.kind === "unbind") await this.unregister(socket);
    if (action.kind === "bind") {
      const outcome = await this.#bind(socket, request, user, action);
      if (!outcome.ok)
        return createResponse(request, 403, {
          toTag: randomHex(8),
          reason: outcome.code === "too-many-devices" ? "Too Many Devices" : "Not Now",
        });
    }
    const registration = this.#options.sockets.state(socket)?.registration;
    const leftSeconds =
      registration === undefined ? 0 : Math.max(0, Math.round((registration.untilMs - Date.now()) / 1_000));
    const contacts =
      registration === undefined
        ? []
        : [["Contact", contactHeader(registration.contact, registration.contactParams, leftSeconds)] as const];
    // Date gives clients the time, as RFC 3261 section 10.3 recommends.
    return createResponse(request, 200, {
      toTag: randomHex(8),
      headers: [...contacts, ["Date", new Date().toUTCString()], ["Allow", BRIDGE_ALLOW]],
    });
  }

  /** Removes the socket's route, at once. */
  async unregister(socket: WebSocket): Promise<void> {
    const state = this.#options.sockets.state(socket);
    if (state?.registration === undefined || state.user === undefined) return;
    const { id, user, registration } = state;
    this.#options.sockets.update(socket, (current) => ({ ...current, registration: undefined }));
    await this.#removeRoute(id, user, registration.device);
  }

  /** Removes routes whose sockets ended while nobody was there to notice: after a restart of the whole edge. */
  async removeOrphans(): Promise<void> {
    const { sql, sockets } = this.#options;
    const rows = sql.exec("SELECT * FROM registrations").toArray();
    for (const row of rows) {
      const socket = String(row["socket"]);
      const account = parseAccountSid(row["account"]);
      const identity = parseEndpointId(row["identity"]);
      if (sockets.has(socket) || account === undefined || identity === undefined) continue;
      count("bridge.orphan-removed");
      await this.#removeRoute(socket, { account, identity }, String(row["device"]));
    }
  }

  async #bind(
    socket: WebSocket,
    request: SipRequest,
    user: SocketUser,
    action: Extract<RegisterAction, { kind: "bind" }>,
  ): Promise<AddRouteOutcome> {
    const { sockets } = this.#options;
    const state = sockets.state(socket);
    if (state === undefined) return { ok: false, code: "route-expired" };
    const nowMs = Date.now();
    const device =
      action.instance === undefined
        ? `socket-${state.id}`
        : createHash("sha256").update(action.instance).digest("hex").slice(0, 32);
    // Not past the end of an access token, but never so short that nothing is left to refresh.
    const untilMs = Math.min(
      nowMs + action.expiresSeconds * 1_000,
      Math.max(user.tokenUntilMs ?? Number.MAX_SAFE_INTEGER, nowMs + 1_000),
    );
    const before = state.registration;
    const same = before !== undefined && before.device === device && before.contact === action.contact;
    if (same && before.storedUntilMs > untilMs) {
      sockets.update(socket, (current) => ({ ...current, registration: { ...before, untilMs } }));
      count("bridge.refresh-absorbed");
      return { ok: true };
    }
    if (before !== undefined && before.device !== device) await this.unregister(socket);
    const storedUntilMs = nowMs + ROUTE_LIFETIME_LIMIT_MS;
    const outcome = await this.#storeRoute(user, {
      socket: state.id,
      device,
      action,
      userAgent: header(request, "user-agent"),
      nowMs,
      storedUntilMs,
    });
    if (!outcome.ok) return outcome;
    const registration: SocketRegistration = {
      device,
      contact: action.contact,
      contactParams: action.contactParams,
      untilMs,
      storedUntilMs,
    };
    sockets.update(socket, (current) => ({ ...current, registration }));
    log({ event: "bridge.registered", account: user.account, bridge: this.#options.bridge });
    // Its socket may have closed while the route was being stored; then nobody else will remove it.
    if (!sockets.has(state.id)) await this.#removeRoute(state.id, user, device);
    return outcome;
  }

  async #storeRoute(
    user: SocketUser,
    binding: {
      readonly socket: string;
      readonly device: string;
      readonly action: Extract<RegisterAction, { kind: "bind" }>;
      readonly userAgent: string | undefined;
      readonly nowMs: number;
      readonly storedUntilMs: number;
    },
  ): Promise<AddRouteOutcome> {
    const { region, bridge, sql, link } = this.#options;
    const { socket, device, action, userAgent, nowMs, storedUntilMs } = binding;
    const route: EndpointRoute = {
      routeId: `${bridge}/${socket}`,
      device,
      kind: "browser",
      region,
      bridge,
      socket,
      contact: action.contact,
      transport: "ws",
      reachability: "bridge",
      ...(userAgent === undefined ? {} : { userAgent: userAgent.slice(0, 256) }),
      ...(action.instance === undefined ? {} : { sipInstance: action.instance }),
      registeredAtMs: nowMs,
      confirmedUntilMs: storedUntilMs,
      expiresAtMs: storedUntilMs,
    };
    sql.exec(
      "INSERT OR REPLACE INTO registrations (socket, account, identity, device) VALUES (?, ?, ?, ?)",
      socket,
      user.account,
      user.identity,
      device,
    );
    count("bridge.register-stored");
    const outcome = await link.endpoints.addRoute({ account: user.account, identity: user.identity, region }, route);
    if (!outcome.ok) sql.exec("DELETE FROM registrations WHERE socket = ?", socket);
    return outcome;
  }

  async #removeRoute(
    socket: string,
    user: { readonly account: AccountSid; readonly identity: EndpointId },
    device: string,
  ): Promise<void> {
    const { region, bridge, sql, link } = this.#options;
    try {
      await link.endpoints.removeRoute(
        { account: user.account, identity: user.identity, region },
        { device, holder: { kind: "socket", bridge, socket } },
      );
      sql.exec("DELETE FROM registrations WHERE socket = ?", socket);
    } catch (error) {
      // The row stays: the next look for orphans tries again.
      count("bridge.route-removal-failed");
      log({ event: "fault", where: "bridge.remove-route", code: faultCode(error) });
    }
  }
}
