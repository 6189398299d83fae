/** The edge of the registrar: REGISTER of phones (RFC 3261 section 10.3). A 200 means that the Worker knows the route. */
import type { RouteRemovalReason } from "#protocol/control-frames";
import { createResponse } from "#sip/message/build";
import { contactsOf, expiresOf, toOf } from "#sip/message/typed-headers";
import type { SipRequest } from "#sip/message/sip-message";
import type { Clock } from "../clock.ts";
import type { LogEvent } from "../observability/log-event.ts";
import type { ServerTransaction } from "../sip-transport/sip-stack.ts";
import type { BindingStore } from "./binding-store.ts";
import { addressKey, contactValue, parseAddressOfRecord } from "./contact-binding.ts";
import type { AddressOfRecord } from "./contact-binding.ts";
import type { DigestGate } from "./digest-gate.ts";
import { planRegistration } from "./plan-registration.ts";

/** Phones that meet a Worker out of reach come back after this, spread by their own jitter. */
export const RETRY_AFTER_SECONDS = 5;

export interface RegistrarOptions {
  readonly gate: DigestGate;
  readonly bindings: BindingStore;
  readonly clock: Clock;
  readonly createTag: () => string;
  readonly count: (name: string) => void;
  readonly log: (event: LogEvent) => void;
}

type HeaderPairs = readonly (readonly [name: string, value: string])[];

export class Registrar {
  readonly #options: RegistrarOptions;
  /** REGISTERs of one address of record are carried out one after the other: each waits for the Worker. */
  readonly #queues = new Map<string, Promise<void>>();

  constructor(options: RegistrarOptions) {
    this.#options = options;
  }

  async handle(transaction: ServerTransaction): Promise<void> {
    const { gate } = this.#options;
    const address = addressOf(transaction.request);
    if (address === undefined) return this.#refuse(transaction, 404, "to-not-ours");
    const verdict = await gate.authenticate(transaction.request, address.sipDomain, transaction.flow.host, "user");
    switch (verdict.kind) {
      case "challenge":
        return this.#refuse(transaction, verdict.status, verdict.code, verdict.headers);
      case "unreachable":
        return this.#refuse(transaction, 503, "worker-unreachable", [["Retry-After", String(RETRY_AFTER_SECONDS)]]);
      case "authenticated": {
        // Third-party registration is nobody's right here (section 10.3 step 3).
        if (verdict.endpoint !== address.endpoint) return this.#refuse(transaction, 403, "not-own-address");
        return this.#inOrder(addressKey(address), () => this.#register(transaction, address, verdict.info));
      }
    }
  }

  async #register(transaction: ServerTransaction, address: AddressOfRecord, authenticationInfo: string): Promise<void> {
    const { bindings, clock, count, log } = this.#options;
    const { request, flow } = transaction;
    const plan = planRegistration({ address, current: bindings.of(address), request, flow, nowMs: clock.nowMs() });
    const nonceInfo = ["Authentication-Info", authenticationInfo] as const;
    if (!plan.ok) return this.#refuse(transaction, plan.status, plan.code, [...(plan.headers ?? []), nonceInfo]);

    const outcome = await bindings.replace(address, plan.bindings, removalReason(request));
    if (outcome.kind === "refused") {
      return this.#refuse(transaction, 503, outcome.code, [["Retry-After", String(RETRY_AFTER_SECONDS)], nonceInfo]);
    }
    count(outcome.kind === "absorbed" ? "register.absorbed" : "register.to-edge");
    if (outcome.kind === "published") {
      log({ event: "register.stored", ...address, transport: flow.transport, bindings: plan.bindings.length });
    }
    const contacts = plan.bindings.map((binding) => ["Contact", contactValue(binding, clock.nowMs())] as const);
    transaction.respond(
      createResponse(request, 200, { toTag: this.#options.createTag(), headers: [...contacts, nonceInfo] }),
    );
  }

  #refuse(transaction: ServerTransaction, status: number, code: string, headers: HeaderPairs = []): void {
    const { count, log, createTag } = this.#options;
    count(`register.refused.${String(status)}`);
    log({ event: "register.refused", status, code });
    transaction.respond(createResponse(transaction.request, status, { toTag: createTag(), headers }));
  }

  async #inOrder(key: string, work: () => Promise<void>): Promise<void> {
    const earlier = this.#queues.get(key) ?? Promise.resolve();
    // A fault of the one before is its own caller's.
    const mine = earlier.then(work, work);
    this.#queues.set(key, mine);
    try {
      await mine;
    } finally {
      if (this.#queues.get(key) === mine) this.#queues.delete(key);
    }
  }
}

/** The address of record is To's; its domain is the realm, also when the request-URI names the gateway's address. */
function addressOf(request: SipRequest): AddressOfRecord | undefined {
  const to = toOf(request);
  return to === undefined ? undefined : parseAddressOfRecord(to.uri);
}

function removalReason(request: SipRequest): RouteRemovalReason {
  const contacts = contactsOf(request);
  const leaves =
    contacts === "*" ||
    expiresOf(request) === 0 ||
    (contacts ?? []).some((contact) => contact.params.get("expires") === "0");
  return leaves ? "unregistered" : "replaced";
}
