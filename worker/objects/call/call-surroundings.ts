/** What a call may know of the world, fetched before it decides: the fleet, routes, time and randomness. */
import { regionGeography } from "#region-config";
import type { CallToken, EndpointId, GatewayId, RegionName } from "#protocol/ids";
import { fleetSnapshot } from "../../adapters/fleet-snapshot.ts";
import { locateEndpoint } from "../../adapters/locate.ts";
import { regionLinkOf } from "../../adapters/object-region-link.ts";
import { openCallToken } from "../../call-token.ts";
import { createCallSid, dayOf, parseCallSidParts } from "../../domain/call-sid.ts";
import type { CallContext } from "../../domain/calls/call-input.ts";
import type { CallState } from "../../domain/calls/call-state.ts";
import type { LocatedRoutes } from "../../domain/location/endpoint-object-api.ts";
import type { GatewayStatus } from "../../domain/routing/gateway-status.ts";
import { selectGatewayForRegion } from "../../domain/routing/select-gateway.ts";
import { rankRoutes } from "../../domain/routing/select-route.ts";
import { toneCountryOf } from "../../domain/routing/tone-country.ts";
import { encodeHex } from "../../encoding.ts";
import { settingsOf } from "../../env.ts";
import type { Env } from "../../env.ts";
import { faultCode, log } from "../../log.ts";

type Fleet = readonly GatewayStatus[];

export class CallSurroundings {
  readonly #env: Env;

  constructor(env: Env) {
    this.#env = env;
  }

  /** The fleet as routing sees it, at most two seconds old; empty when nobody knows. */
  async fleet(token: CallToken): Promise<Fleet> {
    return await this.#orEmpty(() => fleetSnapshot(this.#env, this.regionOf(token)));
  }

  /** For adoption: the present state of the gateway in question is asked of its own region. */
  async freshFleet(token: CallToken, gateways: readonly GatewayId[]): Promise<Fleet> {
    const { regions } = settingsOf(this.#env);
    const asked = new Set(regions.gateways.filter(({ id }) => gateways.includes(id)).map(({ region }) => region));
    const [fleet, ...present] = await Promise.all([
      this.fleet(token),
      ...[...asked].map((region) => this.#orEmpty(() => regionLinkOf(this.#env).region(region).snapshot())),
    ]);
    const fresh = new Map(present.flat().map((entry) => [entry.gateway, entry]));
    return fleet.map((entry) => fresh.get(entry.gateway) ?? entry);
  }

  /** An endpoint that nobody can be asked about counts as known and without routes: 480, try again. */
  async locate(state: CallState, endpoint: EndpointId): Promise<LocatedRoutes> {
    try {
      return await locateEndpoint(this.#env, state.account, state.region, endpoint);
    } catch (error) {
      log({ event: "fault", where: "call.locate", code: faultCode(error) });
      return { known: true, routes: [] };
    }
  }

  context(token: CallToken, fleet: Fleet): CallContext {
    const { regions } = settingsOf(this.#env);
    const geography = regionGeography(regions);
    const nowMs = Date.now();
    return {
      nowMs,
      token,
      fleet,
      randomHex,
      randomUint32: () => crypto.getRandomValues(new Uint32Array(1))[0] ?? 0,
      newSid: (parent) =>
        createCallSid({
          ...(parent === undefined
            ? { regionIndex: this.#regionIndex(token), day: dayOf(nowMs) }
            : parseCallSidParts(parent)),
          randomHex: randomHex(13),
        }),
      nearestGateway: (region, exclude, prefer) => {
        const selection = selectGatewayForRegion(region, fleet, {
          geography,
          exclude,
          ...(prefer === undefined ? {} : { prefer }),
        });
        return selection.ok ? selection.gateway.gateway : undefined;
      },
      toneCountry: (region) => {
        const entry = regions.regions.find(({ name }) => name === region);
        return entry === undefined ? "us" : toneCountryOf(entry);
      },
      rank: ({ callerRegion, callerGateway, routes, ring }) =>
        rankRoutes({
          callerRegion,
          ...(callerGateway === undefined ? {} : { callerGateway }),
          routes,
          gateways: fleet,
          geography,
          policy: "fewest-regions",
          ...(ring === undefined ? {} : { ring }),
          nowMs,
        }),
    };
  }

  /** Where the call lives. Its token was verified before its object was asked. */
  regionOf(token: CallToken): RegionName {
    const { callTokenKey, regions } = settingsOf(this.#env);
    return openCallToken(callTokenKey, token)?.region ?? regions.defaultRegion;
  }

  #regionIndex(token: CallToken): number {
    const region = this.regionOf(token);
    return Math.max(
      0,
      settingsOf(this.#env).regions.regions.findIndex(({ name }) => name === region),
    );
  }

  async #orEmpty(ask: () => Promise<Fleet>): Promise<Fleet> {
    try {
      return await ask();
    } catch (error) {
      log({ event: "fault", where: "call.fleet", code: faultCode(error) });
      return [];
    }
  }
}

function randomHex(bytes: number): string {
  return encodeHex(crypto.getRandomValues(new Uint8Array(bytes)));
}
