/** Tells the Worker which endpoints this gateway can reach. A route counts as published only when the Worker has stored it. */
import type { GatewayFrame, PublishedRoute, RouteRemovalReason } from "#protocol/control-frames";
import type { EndpointId, SipDomain } from "#protocol/ids";
import type { Clock, Timer } from "../clock.ts";
import { PendingRequests } from "./pending-requests.ts";

/** A phone waits for its 200 meanwhile; after that it gets 503 and comes back. */
export const ROUTE_DEADLINE_MS = 2_000;

/** A removal that the Worker has not stored is said again after this: a route that outlives its phone rings nobody. */
export const REMOVAL_REPEAT_MS = 10_000;
/** Removals that wait at most; a gateway has fewer phones. The oldest give way, and their routes end with their lease. */
const REMOVALS_LIMIT = 20_000;
/** Answers to a removal after which no repetition can help: there is nothing to remove, or it is not understood. */
const HOPELESS: ReadonlySet<string> = new Set(["sip-domain-unknown", "route-invalid"]);

export type RoutePublication = { readonly ok: true } | { readonly ok: false; readonly code: string };

export interface RoutePublisherOptions {
  readonly clock: Clock;
  readonly nextId: () => number;
  /** One channel for each address of record, so that its changes stay in order. */
  readonly channelFor: (key: string) => number;
  readonly send: (channel: number, frame: GatewayFrame) => boolean;
  readonly count: (name: string) => void;
}

interface Outstanding {
  readonly id: number;
  readonly channel: number;
  readonly device: string;
  readonly frame: Extract<GatewayFrame, { kind: "route-added" | "route-removed" }>;
}

export interface RouteRemoval {
  readonly sipDomain: SipDomain;
  readonly endpoint: EndpointId;
  readonly device: string;
  readonly reason: RouteRemovalReason;
}

export class RoutePublisher {
  readonly #options: RoutePublisherOptions;
  readonly #answers: PendingRequests<RoutePublication>;
  /** Not done yet, in the order in which they were first sent: repeated when their channel reopens. */
  readonly #outstanding = new Map<number, Outstanding>();
  #repetition: Timer | undefined;

  constructor(options: RoutePublisherOptions) {
    this.#options = options;
    this.#answers = new PendingRequests(options.clock, ROUTE_DEADLINE_MS);
  }

  async add(route: PublishedRoute): Promise<RoutePublication> {
    const id = this.#options.nextId();
    const outstanding = this.#note(route, { kind: "route-added", id, route });
    const answer = this.#answers.wait(id);
    this.#options.send(outstanding.channel, outstanding.frame);
    const result = await answer;
    if (result !== undefined) return result;
    // The phone is told 503, so nobody relies on this route: repeating it later would publish what was refused.
    this.#outstanding.delete(id);
    this.#options.count("route.deadline-missed");
    return { ok: false, code: "worker-unreachable" };
  }

  /** Needs no answer in time: it is repeated until it has one. */
  remove(removal: RouteRemoval): void {
    const id = this.#options.nextId();
    const outstanding = this.#note(removal, { kind: "route-removed", id, ...removal });
    this.#options.send(outstanding.channel, outstanding.frame);
    this.#dropOldest();
    this.#repeatLater();
  }

  stored(id: number, publication: RoutePublication): void {
    const removal = this.#outstanding.get(id)?.frame.kind === "route-removed";
    if (removal && !publication.ok && !HOPELESS.has(publication.code)) {
      this.#options.count(`route.removal-failed.${publication.code}`);
      return;
    }
    this.#outstanding.delete(id);
    this.#answers.answer(id, publication);
  }

  stop(): void {
    this.#repetition?.clear();
    this.#repetition = undefined;
  }

  replay(channel: number): void {
    for (const outstanding of this.#outstanding.values()) {
      if (outstanding.channel === channel) this.#options.send(channel, outstanding.frame);
    }
  }

  #repeatLater(): void {
    this.#repetition ??= this.#options.clock.setTimer(REMOVAL_REPEAT_MS, () => {
      this.#repetition = undefined;
      const removals = this.#removals();
      for (const { channel, frame } of removals) this.#options.send(channel, frame);
      if (removals.length > 0) this.#repeatLater();
    });
  }

  #removals(): readonly Outstanding[] {
    return [...this.#outstanding.values()].filter(({ frame }) => frame.kind === "route-removed");
  }

  #dropOldest(): void {
    if (this.#outstanding.size <= REMOVALS_LIMIT) return;
    const [oldest] = this.#removals();
    if (oldest === undefined) return;
    this.#outstanding.delete(oldest.id);
    this.#options.count("route.removal-dropped");
  }

  #note(
    of: { readonly sipDomain: SipDomain; readonly endpoint: EndpointId; readonly device: string },
    frame: Outstanding["frame"],
  ): Outstanding {
    const addressOfRecord = `${of.endpoint}@${of.sipDomain}`;
    const device = `${addressOfRecord} ${of.device}`;
    // The newest word on a device is the only one worth repeating.
    for (const earlier of this.#outstanding.values()) {
      if (earlier.device === device && earlier.frame.kind === "route-removed") this.#outstanding.delete(earlier.id);
    }
    const outstanding: Outstanding = {
      id: frame.id,
      channel: this.#options.channelFor(addressOfRecord),
      device,
      frame,
    };
    this.#outstanding.set(frame.id, outstanding);
    return outstanding;
  }
}
