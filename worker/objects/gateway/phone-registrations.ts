import type { GatewayFrame, WorkerFrame } from "#protocol/control-frames";
import type { GatewayInstanceId } from "#protocol/ids";
import { DomainDirectory } from "../../adapters/domain-directory.ts";
import type { RegionLink } from "../../adapters/region-link.ts";
import { count } from "../../counters.ts";
import type { GatewayChannel } from "../../domain/gateways/gateway-object-api.ts";
import type { EndpointRoute } from "../../domain/location/endpoint-route.ts";
import { faultCode, log } from "../../log.ts";

/** What a gateway's registrar asks for its phones: credentials, and keeping their routes. */
export class PhoneRegistrations {
  readonly #channel: GatewayChannel;
  readonly #link: RegionLink;
  readonly #domains: DomainDirectory;

  constructor(channel: GatewayChannel, link: RegionLink) {
    this.#channel = channel;
    this.#link = link;
    this.#domains = new DomainDirectory(link);
  }

  /** `undefined`: nobody could be asked. No answer is better than "no such user". */
  async credentials(frame: Extract<GatewayFrame, { kind: "credential-request" }>): Promise<WorkerFrame | undefined> {
    const { id, sipDomain, endpoint } = frame;
    try {
      const account = await this.#domains.accountOf(sipDomain);
      const credentials = account === undefined ? undefined : await this.#link.accounts.credentials(account, endpoint);
      return { kind: "credentials", id, ...(credentials === undefined ? {} : { credentials }) };
    } catch (error) {
      this.#fault("gateway.credentials", error);
      return undefined;
    }
  }

  async addRoute(
    { id, route }: Extract<GatewayFrame, { kind: "route-added" }>,
    instance: GatewayInstanceId,
    nowMs: number,
  ): Promise<WorkerFrame> {
    const { region, gateway } = this.#channel;
    try {
      const account = await this.#domains.accountOf(route.sipDomain);
      if (account === undefined) return { kind: "route-stored", id, ok: false, code: "sip-domain-unknown" };
      const { sipDomain: _, endpoint, ...published } = route;
      const stored: EndpointRoute = {
        ...published,
        routeId: `${gateway}/${route.device}`,
        kind: "phone",
        region,
        gateway,
        gatewayInstance: instance,
        transport: route.flow.transport,
        registeredAtMs: nowMs,
        confirmedUntilMs: route.expiresAtMs,
      };
      const outcome = await this.#link.endpoints.addRoute({ account, region, identity: endpoint }, stored);
      count(outcome.ok ? "gateway.route-stored" : `gateway.route-refused.${outcome.code}`);
      return outcome.ok
        ? { kind: "route-stored", id, ok: true }
        : { kind: "route-stored", id, ok: false, code: outcome.code };
    } catch (error) {
      return this.#routeFault(id, error);
    }
  }

  async removeRoute(frame: Extract<GatewayFrame, { kind: "route-removed" }>): Promise<WorkerFrame> {
    const { id, sipDomain, endpoint, device, reason } = frame;
    const { region, gateway } = this.#channel;
    try {
      const account = await this.#domains.accountOf(sipDomain);
      if (account === undefined) return { kind: "route-stored", id, ok: false, code: "sip-domain-unknown" };
      await this.#link.endpoints.removeRoute(
        { account, region, identity: endpoint },
        { device, holder: { kind: "gateway", gateway } },
      );
      count(`gateway.route-removed.${reason}`);
      return { kind: "route-stored", id, ok: true };
    } catch (error) {
      return this.#routeFault(id, error);
    }
  }

  #routeFault(id: number, error: unknown): WorkerFrame {
    this.#fault("gateway.route", error);
    return { kind: "route-stored", id, ok: false, code: "store-unreachable" };
  }

  #fault(where: string, error: unknown): void {
    count(`${where}-failed`);
    log({ event: "fault", where, code: faultCode(error) });
  }
}
