/** The bindings of this gateway, and what the Worker was told of them. */
import type { SipFlow } from "#protocol/capsule";
import type { PublishedRoute, RouteRemovalReason } from "#protocol/control-frames";
import { parseNameAddr } from "#sip/message/name-addr";
import type { Clock, Timer } from "../clock.ts";
import type { RoutePublication, RouteRemoval } from "../control/route-publisher.ts";
import { addressKey, parseAddressOfRecord, ROUTE_LIFETIME_MS, routeOf } from "./contact-binding.ts";
import type { AddressOfRecord, ContactBinding } from "./contact-binding.ts";

export interface RouteDirectory {
  addRoute(route: PublishedRoute): Promise<RoutePublication>;
  removeRoute(removal: RouteRemoval): void;
}

interface Published {
  /** What the route says, without its expiry. */
  readonly digest: string;
  readonly atMs: number;
}

interface Entry {
  readonly address: AddressOfRecord;
  bindings: readonly ContactBinding[];
  readonly published: Map<string, Published>;
  timer: Timer | undefined;
}

export type StoreOutcome =
  /** Nothing that the Worker needs to know. */
  { readonly kind: "absorbed" } | { readonly kind: "published" } | { readonly kind: "refused"; readonly code: string };

export interface BindingStoreOptions {
  readonly clock: Clock;
  readonly routes: RouteDirectory;
  /** Routes were taken back although nobody asked for it. */
  readonly onRemoved: (address: AddressOfRecord, reason: RouteRemovalReason) => void;
}

export class BindingStore {
  readonly #options: BindingStoreOptions;
  readonly #entries = new Map<string, Entry>();
  /** Bindings whose phone did not answer. A refresh makes a new binding, so only the phone itself gets out of here. */
  readonly #silent = new WeakSet<ContactBinding>();

  constructor(options: BindingStoreOptions) {
    this.#options = options;
  }

  /** Contact bindings of all addresses of record. */
  get size(): number {
    let size = 0;
    for (const entry of this.#entries.values()) size += entry.bindings.length;
    return size;
  }

  of(address: AddressOfRecord): readonly ContactBinding[] {
    return this.#entries.get(addressKey(address))?.bindings ?? [];
  }

  /** The flow of the binding of this address (a From or To value) with this Contact, if there is one here. */
  flowTo(address: string, contactUri: string): SipFlow | undefined {
    return this.#find(address, contactUri)?.binding.flow;
  }

  /** New and changed routes are stored at the Worker before the bindings count; otherwise nothing changes. */
  async replace(
    address: AddressOfRecord,
    bindings: readonly ContactBinding[],
    removal: RouteRemovalReason,
  ): Promise<StoreOutcome> {
    const entry = this.#entries.get(addressKey(address)) ?? {
      address,
      bindings: [],
      published: new Map(),
      timer: undefined,
    };
    const nowMs = this.#options.clock.nowMs();
    const wanted = routesOf(address, this.#answering(bindings), nowMs);
    const added = [...wanted.values()].filter((route) => isNews(route, entry.published.get(route.device), nowMs));
    const publications = await Promise.all(added.map((route) => this.#options.routes.addRoute(route)));
    for (const publication of publications) if (!publication.ok) return { kind: "refused", code: publication.code };
    for (const route of added) entry.published.set(route.device, { digest: digestOf(route), atMs: nowMs });
    const removed = this.#withdraw(entry, new Set(wanted.keys()), removal);
    this.#commit(entry, bindings);
    return added.length + removed === 0 ? { kind: "absorbed" } : { kind: "published" };
  }

  /**
   * The phone did not answer over its binding. The binding stays as it was granted, its route goes: the next REGISTER over
   * it publishes the route again, for it proves that the phone is there.
   */
  flowFailed(address: string, contactUri: string): void {
    const found = this.#find(address, contactUri);
    if (found === undefined) return;
    const { entry, binding } = found;
    this.#silent.add(binding);
    const answering = this.#answering(entry.bindings);
    const removed = this.#withdraw(entry, new Set(answering.map(({ device }) => device)), "flow-failed");
    if (removed > 0) this.#options.onRemoved(entry.address, "flow-failed");
  }

  /** Forgets without a word: the routes stay, on the gateway's lease. */
  close(): void {
    for (const entry of this.#entries.values()) entry.timer?.clear();
    this.#entries.clear();
  }

  #find(address: string, contactUri: string): { readonly entry: Entry; readonly binding: ContactBinding } | undefined {
    const parsed = parseAddressOfRecord(parseNameAddr(address)?.uri ?? address);
    const entry = parsed === undefined ? undefined : this.#entries.get(addressKey(parsed));
    const binding = entry?.bindings.find(({ contact }) => contact.uri === contactUri);
    return entry === undefined || binding === undefined ? undefined : { entry, binding };
  }

  #answering(bindings: readonly ContactBinding[]): readonly ContactBinding[] {
    return bindings.filter((binding) => !this.#silent.has(binding));
  }

  #withdraw(entry: Entry, wanted: ReadonlySet<string>, reason: RouteRemovalReason): number {
    let removed = 0;
    for (const device of entry.published.keys()) {
      if (wanted.has(device)) continue;
      entry.published.delete(device);
      this.#options.routes.removeRoute({ ...entry.address, device, reason });
      removed += 1;
    }
    return removed;
  }

  #commit(entry: Entry, bindings: readonly ContactBinding[]): void {
    entry.bindings = bindings;
    entry.timer?.clear();
    entry.timer = undefined;
    const key = addressKey(entry.address);
    if (bindings.length === 0) {
      this.#entries.delete(key);
      return;
    }
    this.#entries.set(key, entry);
    const { clock } = this.#options;
    const nextMs = Math.min(...bindings.map((binding) => binding.expiresAtMs));
    entry.timer = clock.setTimer(Math.max(0, nextMs - clock.nowMs()) + 1, () => this.#expire(entry));
  }

  #expire(entry: Entry): void {
    const nowMs = this.#options.clock.nowMs();
    const live = entry.bindings.filter((binding) => binding.expiresAtMs > nowMs);
    const removed = this.#withdraw(entry, new Set(live.map((binding) => binding.device)), "expired");
    this.#commit(entry, live);
    if (removed > 0) this.#options.onRemoved(entry.address, "expired");
  }
}

/** One route for each device: that of its newest binding. */
function routesOf(
  address: AddressOfRecord,
  bindings: readonly ContactBinding[],
  nowMs: number,
): ReadonlyMap<string, PublishedRoute> {
  return new Map(bindings.map((binding) => [binding.device, routeOf(address, binding, nowMs)]));
}

/** Changed, or so old that the Worker's hard limit comes near. */
function isNews(route: PublishedRoute, published: Published | undefined, nowMs: number): boolean {
  return (
    published === undefined || published.digest !== digestOf(route) || nowMs - published.atMs > ROUTE_LIFETIME_MS / 2
  );
}

function digestOf({ contact, flow, userAgent, sipInstance, refreshSeconds }: PublishedRoute): string {
  return JSON.stringify([contact, flow.transport, flow.host, flow.port, userAgent, sipInstance, refreshSeconds]);
}
