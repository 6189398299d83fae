import { createHash } from "node:crypto";
import * as fc from "fast-check";
import { DigestAuthentication } from "sip.js/lib/core/messages/digest-authentication.js";
import { LoggerFactory } from "sip.js/lib/core/log/logger-factory.js";
import { Grammar } from "sip.js/lib/grammar/grammar.js";
import { describe, expect, it } from "vitest";
import {
  challengeHeaders,
  createDigestAuthorization,
  type DigestAlgorithm,
  digestChallenge,
  ha1,
  type HashHex,
  parseDigestAuthorization,
  verifyDigest,
} from "../../../../sip/core/digest-authentication.ts";

const hash: HashHex = (algorithm, text) =>
  createHash(algorithm === "MD5" ? "md5" : "sha256")
    .update(text, "utf8")
    .digest("hex");

/** RFC 7616 section 3.9.1. */
const MUFASA = { user: "Mufasa", realm: "http-auth@example.org", password: "Circle of Life" };
const RFC_EXAMPLES = [
  ["MD5", "8ca523f5e9506fed4657c9700eebdbec"],
  ["SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"],
] as const;

function mufasaAuthorization(algorithm: DigestAlgorithm, response: string): string {
  return [
    'Digest username="Mufasa"',
    'realm="http-auth@example.org"',
    'uri="/dir/index.html"',
    `algorithm=${algorithm}`,
    'nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"',
    "nc=00000001",
    'cnonce="f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"',
    "qop=auth",
    `response="${response}"`,
    'opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"',
  ].join(", ");
}

function verifies(value: string, method: string, secret: string): boolean {
  const authorization = parseDigestAuthorization(value);
  return authorization !== undefined && verifyDigest(authorization, { method, ha1: secret, hash });
}

describe("the examples of RFC 7616 section 3.9.1", () => {
  it.each(RFC_EXAMPLES)("are verified with %s", (algorithm, response) => {
    expect(verifies(mufasaAuthorization(algorithm, response), "GET", ha1(hash, algorithm, MUFASA))).toBe(true);
  });

  it.each(RFC_EXAMPLES)("are produced with %s", (algorithm, response) => {
    const value = createDigestAuthorization({
      hash,
      algorithm,
      ha1: ha1(hash, algorithm, MUFASA),
      username: MUFASA.user,
      realm: MUFASA.realm,
      method: "GET",
      uri: "/dir/index.html",
      nonce: "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
      nc: "00000001",
      cnonce: "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
    });
    expect(parseDigestAuthorization(value)?.response).toBe(response);
  });

  it.each(RFC_EXAMPLES)("fail with %s for another method, user, password or algorithm", (algorithm, response) => {
    const value = mufasaAuthorization(algorithm, response);
    const secret = ha1(hash, algorithm, MUFASA);
    expect(verifies(value, "POST", secret)).toBe(false);
    expect(verifies(value, "GET", ha1(hash, algorithm, { ...MUFASA, password: "circle of life" }))).toBe(false);
    expect(verifies(value, "GET", ha1(hash, algorithm, { ...MUFASA, user: "mufasa" }))).toBe(false);
    expect(verifies(value, "GET", ha1(hash, algorithm === "MD5" ? "SHA-256" : "MD5", MUFASA))).toBe(false);
  });
});

describe("verifyDigest", () => {
  const [, response] = RFC_EXAMPLES[0];
  const secret = ha1(hash, "MD5", MUFASA);

  it.each(["response", "nonce", "cnonce", "uri"])("fails when one character of %s is changed", (field) => {
    const value = mufasaAuthorization("MD5", response);
    const changed = value.replace(
      new RegExp(`(${field}=")(.)`),
      (_, head: string, first: string) => head + (first === "8" ? "9" : "8"),
    );
    expect(changed).not.toBe(value);
    expect(verifies(changed, "GET", secret)).toBe(false);
  });

  it.each([
    ["no qop", mufasaAuthorization("MD5", response).replace(", qop=auth", "")],
    ["auth-int", mufasaAuthorization("MD5", response).replace("qop=auth", "qop=auth-int")],
    ["no nonce count", mufasaAuthorization("MD5", response).replace(", nc=00000001", "")],
    ["no cnonce", mufasaAuthorization("MD5", response).replace(/, cnonce="[^"]*"/, "")],
  ])("refuses %s, since its use could not be counted", (_, value) => {
    expect(parseDigestAuthorization(value)).toBeDefined();
    expect(verifies(value, "GET", secret)).toBe(false);
  });

  it("refuses the digest without qop of RFC 2069 even when it is right", () => {
    const legacy = hash("MD5", `${secret}:n:${hash("MD5", "GET:/")}`);
    expect(
      verifies(
        `Digest username="Mufasa", realm="http-auth@example.org", uri="/", nonce="n", response="${legacy}"`,
        "GET",
        secret,
      ),
    ).toBe(false);
  });

  it("hashes the nonce count in the case that the client wrote", () => {
    const options = {
      hash,
      algorithm: "MD5" as const,
      ha1: secret,
      method: "REGISTER",
      uri: "sip:x",
      nonce: "n",
      nc: "0000000A",
      cnonce: "c",
    };
    const value = createDigestAuthorization({ ...options, username: "Mufasa", realm: MUFASA.realm });
    expect(parseDigestAuthorization(value)?.nc).toBe(10);
    expect(verifies(value, "REGISTER", secret)).toBe(true);
  });

  it("accepts every user, realm and password, quotes and umlauts included", () => {
    const text = fc.stringMatching(/^[ -~äöü]{1,40}$/);
    fc.assert(
      fc.property(
        text,
        text,
        text,
        fc.constantFrom<DigestAlgorithm>("MD5", "SHA-256"),
        (user, realm, password, algorithm) => {
          const key = ha1(hash, algorithm, { user, realm, password });
          const value = createDigestAuthorization({
            hash,
            algorithm,
            ha1: key,
            username: user,
            realm,
            method: "INVITE",
            uri: "sip:bob@example.com",
            nonce: "abc",
            nc: "00000001",
            cnonce: "def",
          });
          expect(parseDigestAuthorization(value)).toMatchObject({ username: user, realm });
          expect(verifies(value, "INVITE", key)).toBe(true);
        },
      ),
    );
  });
});

describe("parseDigestAuthorization", () => {
  const value = mufasaAuthorization("MD5", RFC_EXAMPLES[0][1]);

  it("reads all fields and takes MD5 when no algorithm is named", () => {
    expect(parseDigestAuthorization(value.replace(", algorithm=MD5", ""))).toEqual({
      username: "Mufasa",
      realm: "http-auth@example.org",
      nonce: "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
      uri: "/dir/index.html",
      response: "8ca523f5e9506fed4657c9700eebdbec",
      algorithm: "MD5",
      qop: "auth",
      cnonce: "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
      nc: 1,
      ncText: "00000001",
      opaque: "FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS",
    });
  });

  it.each([
    ["another scheme", value.replace("Digest", "Basic")],
    ["another algorithm", value.replace("algorithm=MD5", "algorithm=MD5-sess")],
    ["a response of the wrong length", value.replace("8ca523f5", "8ca523")],
    ["a response that is no hex", value.replace("8ca523f5", "8ca523fg")],
    ["a nonce count that is no hex", value.replace("00000001", "0000000x")],
    ["a nonce count of another length", value.replace("00000001", "1")],
    ["a missing nonce", value.replace(/nonce="7[^"]*", /, "")],
    ["a field that comes twice", `${value}, realm="other"`],
    ["an endless user name", value.replace("Mufasa", "M".repeat(257))],
    ["an endless URI", value.replace("/dir/", `/${"d".repeat(2048)}/`)],
    ["an open quote", 'Digest username="Mufasa'],
    ["nothing", ""],
  ])("refuses %s", (_, text) => {
    expect(parseDigestAuthorization(text)).toBeUndefined();
  });

  it("never throws", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.string().map((text) => `Digest ${text}`),
        ),
        (text) => {
          expect(parseDigestAuthorization(text)?.username).toBe(undefined);
        },
      ),
    );
  });
});

describe("challenges", () => {
  it("name realm, nonce, algorithm and qop, and stale only when it is", () => {
    const options = { realm: 'a"b', nonce: "n", algorithm: "SHA-256", qop: "auth" } as const;
    expect(digestChallenge(options)).toBe('Digest realm="a\\"b", nonce="n", algorithm=SHA-256, qop="auth"');
    expect(digestChallenge({ ...options, stale: true })).toMatch(/, stale=true$/);
  });

  it("come in the order asked for, one header field each", () => {
    const challenges = challengeHeaders({ realm: "r", nonce: "n", algorithms: ["SHA-256", "MD5"], stale: true });
    expect(challenges.map(([name]) => name)).toEqual(["WWW-Authenticate", "WWW-Authenticate"]);
    expect(challenges.map(([, text]) => /algorithm=([^,]+)/.exec(text)?.[1])).toEqual(["SHA-256", "MD5"]);
  });

  it("are answered by sip.js in a way that verifies", () => {
    const challenge: unknown = Grammar.parse(
      digestChallenge({ realm: "demo.example", nonce: "abc", algorithm: "MD5", qop: "auth" }),
      "WWW_Authenticate",
    );
    const client = new DigestAuthentication(new LoggerFactory(), undefined, "alice", "secret");
    const request = { method: "REGISTER", ruri: "sip:demo.example" };
    // @ts-expect-error only these two fields of sip.js's OutgoingRequestMessage are read
    expect(client.authenticate(request, challenge)).toBe(true);
    expect(
      verifies(
        client.toString(),
        "REGISTER",
        ha1(hash, "MD5", { user: "alice", realm: "demo.example", password: "secret" }),
      ),
    ).toBe(true);
  });
});
