import { beforeEach, describe, expect, it } from "vitest";
import {
  CREDENTIAL_FRESH_MS,
  CREDENTIAL_NEGATIVE_MS,
  CREDENTIAL_STALE_MS,
  CredentialCache,
} from "../../../../gateway-node/control/credential-cache.ts";
import type { EndpointCredentials } from "../../../../protocol/control-frames.ts";
import type { EndpointId, SipDomain } from "../../../../protocol/ids.ts";
import { credentialsFor } from "../support/phone-credentials.ts";
import { VirtualClock } from "../support/virtual-clock.ts";

const domain = "demo.test" as SipDomain;
const alice = "alice" as EndpointId;
const known = credentialsFor("alice", domain, "wonder");

let clock: VirtualClock;
let asked: string[];
let answer: { readonly credentials?: EndpointCredentials } | undefined;
let cache: CredentialCache;

beforeEach(() => {
  clock = new VirtualClock();
  asked = [];
  answer = { credentials: known };
  cache = new CredentialCache({
    clock,
    count: () => {},
    fetch: (sipDomain, endpoint) => {
      asked.push(`${endpoint}@${sipDomain}`);
      return Promise.resolve(answer);
    },
  });
});

describe("the credential cache", () => {
  it("asks once for many questions at a time and again when a minute is over", async () => {
    await Promise.all([cache.lookup(domain, alice), cache.lookup(domain, alice)]);
    clock.advance(CREDENTIAL_FRESH_MS - 1);
    expect(await cache.lookup(domain, alice)).toEqual({ kind: "found", credentials: known });
    expect(asked).toHaveLength(1);
    clock.advance(1);
    await cache.lookup(domain, alice);
    expect(asked).toHaveLength(2);
  });

  it("keeps the same user name of two domains apart", async () => {
    await cache.lookup(domain, alice);
    await cache.lookup("other.test" as SipDomain, alice);
    expect(asked).toEqual(["alice@demo.test", "alice@other.test"]);
  });

  it("remembers for five seconds that there is no such user", async () => {
    answer = {};
    expect(await cache.lookup(domain, alice)).toEqual({ kind: "unknown" });
    clock.advance(CREDENTIAL_NEGATIVE_MS - 1);
    await cache.lookup(domain, alice);
    expect(asked).toHaveLength(1);
    clock.advance(1);
    answer = { credentials: known };
    expect((await cache.lookup(domain, alice)).kind).toBe("found");
  });

  it("goes on with what it knew for ten minutes while the Worker cannot be reached, and then no longer", async () => {
    await cache.lookup(domain, alice);
    answer = undefined;
    clock.advance(CREDENTIAL_STALE_MS - 1);
    expect((await cache.lookup(domain, alice)).kind).toBe("found");
    clock.advance(1);
    expect((await cache.lookup(domain, alice)).kind).toBe("unreachable");
  });

  it("does not take an unreachable Worker for an unknown user", async () => {
    answer = undefined;
    expect((await cache.lookup(domain, alice)).kind).toBe("unreachable");
  });

  it("asks again after a wrong answer, but not for each of them", async () => {
    await cache.lookup(domain, alice);
    cache.expire(domain, alice);
    await cache.lookup(domain, alice);
    expect(asked).toHaveLength(1);
    clock.advance(CREDENTIAL_NEGATIVE_MS);
    cache.expire(domain, alice);
    await cache.lookup(domain, alice);
    expect(asked).toHaveLength(2);
  });

  it("stays bounded whatever is asked", async () => {
    for (let index = 0; index < 20_500; index += 1) await cache.lookup(domain, `u${String(index)}` as EndpointId);
    expect(cache.size).toBe(20_000);
  });
});
