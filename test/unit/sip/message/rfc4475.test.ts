/**
 * The torture messages of RFC 4475, each with what the parser makes of it. Where the RFC's verdict falls above the
 * parser, `above` names the layer; the outcome here is then "accepted".
 */
import { readFileSync, readdirSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { createResponse } from "../../../../sip/message/build.ts";
import { header, headerValues } from "../../../../sip/message/headers.ts";
import { parseNameAddr } from "../../../../sip/message/name-addr.ts";
import { parseSipMessage } from "../../../../sip/message/parser.ts";
import { serializeSipMessage } from "../../../../sip/message/serializer.ts";
import { parseSipUri } from "../../../../sip/message/sip-uri.ts";
import {
  contactsOf,
  cseqOf,
  expiresOf,
  fromOf,
  maxForwardsOf,
  parseAuthParams,
  toOf,
  topVia,
} from "../../../../sip/message/typed-headers.ts";
import { parseVia } from "../../../../sip/message/via.ts";
import { mustParse, mustParseRequest, tortureMessage } from "./messages.ts";

interface Row {
  readonly file: string;
  readonly is: "request" | "response" | `${number} ${string}`;
  /** A refused message that can (`true`) or cannot be answered. */
  readonly answerable?: boolean;
  readonly above?: string;
}

const ROWS: readonly Row[] = [
  // 3.1.1: valid
  { file: "wsinv", is: "request", above: "dialog: 481, its To has a tag" },
  { file: "intmeth", is: "request", above: "core: 501, the method is unknown" },
  { file: "esc01", is: "request" },
  { file: "escnull", is: "request" },
  { file: "esc02", is: "request", above: "core: 501, RE%47IST%45R is not REGISTER" },
  { file: "lwsdisp", is: "request" },
  { file: "longreq", is: "request" },
  { file: "dblreq", is: "request" },
  { file: "semiuri", is: "request" },
  { file: "transports", is: "request" },
  { file: "mpart01", is: "request" },
  { file: "unreason", is: "response" },
  { file: "noreason", is: "response" },
  // 3.1.2: invalid
  { file: "badinv01", is: "400 via-invalid", answerable: true },
  { file: "clerr", is: "400 content-length-mismatch", answerable: true },
  { file: "ncl", is: "400 content-length-invalid", answerable: true },
  { file: "scalar02", is: "400 cseq-invalid", answerable: true },
  { file: "scalarlg", is: "400 cseq-invalid", answerable: false },
  { file: "quotbal", is: "400 to-invalid", answerable: true },
  { file: "ltgtruri", is: "400 request-uri-invalid", answerable: true },
  { file: "lwsruri", is: "400 start-line-invalid", answerable: true },
  { file: "lwsstart", is: "400 start-line-invalid", answerable: true },
  { file: "trws", is: "400 start-line-invalid", answerable: true },
  { file: "escruri", is: "400 request-uri-invalid", answerable: true },
  { file: "baddate", is: "request", above: "nobody: Date is not used" },
  { file: "regbadct", is: "400 contact-invalid", answerable: true },
  { file: "badaspec", is: "400 to-invalid", answerable: true },
  { file: "baddn", is: "400 from-invalid", answerable: true },
  { file: "badvers", is: "505 version-unsupported", answerable: true },
  { file: "mismatch01", is: "400 cseq-mismatch", answerable: true },
  { file: "mismatch02", is: "400 cseq-mismatch", answerable: true },
  { file: "bigcode", is: "400 start-line-invalid", answerable: false },
  // 3.2: transaction layer
  { file: "badbranch", is: "request", above: "transaction: matched by the rules of RFC 2543" },
  // 3.3: application layer
  { file: "insuf", is: "400 header-missing", answerable: false },
  { file: "unkscm", is: "416 uri-scheme-unsupported", answerable: true },
  { file: "novelsc", is: "416 uri-scheme-unsupported", answerable: true },
  { file: "unksm2", is: "request", above: "registrar: refuses schemes other than SIP" },
  { file: "bext01", is: "request", above: "core: 420 with Unsupported" },
  { file: "invut", is: "request", above: "core: 415 with Accept" },
  { file: "regaut01", is: "request", above: "registrar: 401, the scheme is unknown" },
  { file: "multi01", is: "400 header-repeated", answerable: true },
  { file: "mcl01", is: "400 header-repeated", answerable: true },
  { file: "bcast", is: "response", above: "transport: dropped, no transaction has this branch" },
  { file: "zeromf", is: "request", above: "core: answered by the UAS, never forwarded" },
  { file: "cparam01", is: "request" },
  { file: "cparam02", is: "request" },
  { file: "regescrt", is: "request" },
  { file: "sdp01", is: "request", above: "core: 406, no SDP in Accept" },
  // 3.4: backward compatibility
  { file: "inv2543", is: "request", above: "transaction: matched by the rules of RFC 2543" },
];

describe("RFC 4475 torture messages", () => {
  it.each(ROWS)("$file is $is", ({ file, is, answerable }) => {
    const outcome = parseSipMessage(tortureMessage(file));
    expect(outcome.ok ? outcome.message.kind : `${outcome.problem.status} ${outcome.problem.code}`).toBe(is);
    if (outcome.ok) return;
    expect(outcome.problem.respondable !== undefined).toBe(answerable);
    expect(outcome.problem.detail).toMatch(/^[\x20-\x7e]+$/);
  });

  it("has a row for every file and every line of EXPECT.tsv", () => {
    const folder = new URL("../../../fixtures/rfc4475/", import.meta.url);
    const files = readdirSync(folder).filter((name) => name.endsWith(".dat"));
    const expected = readFileSync(new URL("EXPECT.tsv", folder), "utf8").trim().split("\n").slice(1);
    const names = ROWS.map(({ file }) => file).sort();
    expect(files.map((name) => name.slice(0, -4)).sort()).toEqual(names);
    expect(expected.map((line) => line.split("\t")[0] ?? "").sort()).toEqual(names);
  });

  it("accepts each message that EXPECT.tsv classes as valid or compatible", () => {
    const text = readFileSync(new URL("../../../fixtures/rfc4475/EXPECT.tsv", import.meta.url), "utf8");
    for (const line of text.trim().split("\n").slice(1)) {
      const [file = "", , , kind = ""] = line.split("\t");
      if (kind === "valid" || kind === "compat") expect(parseSipMessage(tortureMessage(file)).ok, file).toBe(true);
    }
  });

  it.each(ROWS.filter(({ answerable }) => answerable === true))(
    "$file can be answered with what was understood of it",
    ({ file }) => {
      const outcome = parseSipMessage(tortureMessage(file));
      if (outcome.ok || outcome.problem.respondable === undefined) throw new Error("not answerable");
      const response = createResponse(outcome.problem.respondable, outcome.problem.status, { toTag: "t1" });
      expect(topVia(response)).toBeDefined();
      expect(new TextDecoder().decode(serializeSipMessage(response))).toMatch(
        /^SIP\/2\.0 \d{3} .+\r\n[^]+\r\nContent-Length: 0\r\n\r\n$/,
      );
    },
  );

  it.each(ROWS.filter(({ is }) => is === "request" || is === "response"))("$file survives serialising", ({ file }) => {
    const message = mustParse(tortureMessage(file));
    const again = mustParse(serializeSipMessage(message));
    const withoutLength = (headers: typeof message.headers): typeof message.headers =>
      headers.filter(({ name }) => name !== "content-length");
    expect({ ...again, headers: withoutLength(again.headers) }).toEqual({
      ...message,
      headers: withoutLength(message.headers),
    });
    expect(header(again, "content-length")).toBe(String(message.body.length));
  });
});

describe("what the torture messages say", () => {
  it("reads folds, compact names and white space in the oddest places (wsinv)", () => {
    const message = mustParseRequest(tortureMessage("wsinv"));
    expect(headerValues(message, "Via").map((value) => parseVia(value))).toMatchObject([
      { protocol: "SIP/2.0", transport: "UDP", host: "192.0.2.2", branch: "390skdjuw" },
      { protocol: "SIP/2.0", transport: "TCP", host: "spindle.example.com", branch: "z9hG4bK9ikj8" },
      { protocol: "SIP/2.0", transport: "UDP", host: "192.168.255.111", branch: "z9hG4bK30239" },
    ]);
    expect(toOf(message)).toMatchObject({
      uri: "sip:vivekg@chair-dnrc.example.com",
      params: new Map([["tag", "1918181833n"]]),
    });
    expect(fromOf(message)).toMatchObject({
      displayName: 'J Rosenberg \\"',
      uri: "sip:jdrosen@example.com",
      params: new Map([["tag", "98asjd8"]]),
    });
    expect(maxForwardsOf(message)).toBe(68);
    expect(cseqOf(message)).toEqual({ number: 9, method: "INVITE" });
    expect(header(message, "Subject")).toBe("");
    expect(header(message, "newfangledheader")).toBe("newfangled value continued newfangled value");
    expect(contactsOf(message)).toMatchObject([
      {
        displayName: 'Quoted string ""',
        params: new Map<string, string | true>([
          ["newparam", "newvalue"],
          ["secondparam", true],
          ["q", "0.33"],
        ]),
      },
    ]);
    expect(message.body).toHaveLength(150);
  });

  it("takes every legal token character for what it is (intmeth)", () => {
    const message = mustParseRequest(tortureMessage("intmeth"));
    expect(message.method).toBe("!interesting-Method0123456789_*+`.%indeed'~");
    expect(toOf(message)?.displayName).toBe("BEL:\u0007 NUL:\u0000 DEL:\u007f");
    expect(fromOf(message)?.displayName).toBe("token1~` token2'+_ token3*%!.-");
    expect(fromOf(message)?.params.get("fromparam''~+*_!.-%")).toBe("работающий");
    expect(header(message, "extensionHeader-!.%*+_`'~")).toBe("\ufeff大停電");
    expect(parseSipUri(message.requestUri)).toMatchObject({
      user: "1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*",
      password: "&it+has=1,weird!*pas$wo~d_too.(doesn't-it)",
      host: "example.com",
    });
  });

  it("unescapes users and parameters, and nothing else (esc01, esc02, escnull)", () => {
    const escaped = mustParseRequest(tortureMessage("esc01"));
    expect(parseSipUri(escaped.requestUri)).toMatchObject({ user: "sips:user@example.com", host: "example.net" });
    expect(parseSipUri(toOf(escaped)?.uri ?? "")).toMatchObject({ user: "user" });
    const contact = parseSipUri(header(escaped, "contact")?.slice(1, -1) ?? "");
    expect(contact).toMatchObject({
      user: "caller",
      params: new Map<string, string | true>([
        ["lr", true],
        ["name", "value%41"],
      ]),
    });

    const methodWithPercent = mustParseRequest(tortureMessage("esc02"));
    expect(methodWithPercent.method).toBe("RE%47IST%45R");
    expect(headerValues(methodWithPercent, "contact")).toHaveLength(2);
    expect(header(methodWithPercent, "C%6Fntact")).toBe("<sip:alias2@host2.example.com>");
    expect(fromOf(methodWithPercent)?.displayName).toBe("%Z%45");

    const nul = contactsOf(mustParse(tortureMessage("escnull")));
    if (nul === undefined || nul === "*") throw new Error("no contacts");
    expect(nul.map(({ uri }) => parseSipUri(uri)?.user)).toEqual(["\0", "\0\0"]);
  });

  it("cuts a datagram at Content-Length (dblreq) and keeps binary bodies (mpart01)", () => {
    const first = mustParseRequest(tortureMessage("dblreq"));
    expect(first.method).toBe("REGISTER");
    expect(first.body).toHaveLength(0);
    const octets = tortureMessage("mpart01");
    expect(mustParse(octets).body).toEqual(octets.subarray(octets.length - 553));
  });

  it("keeps semicolons in the user part (semiuri)", () => {
    const message = mustParseRequest(tortureMessage("semiuri"));
    expect(parseSipUri(message.requestUri)).toMatchObject({
      user: "user;par=u@example.net",
      host: "example.com",
      params: new Map(),
    });
    expect(headerValues(message, "accept")).toHaveLength(6);
  });

  it("knows Contact parameters from URI parameters and keeps URI headers verbatim (cparam01, cparam02, regescrt)", () => {
    const contactIn = (file: string): unknown => contactsOf(mustParse(tortureMessage(file)));
    expect(contactIn("cparam01")).toEqual([
      { uri: "sip:+19725552222@gw1.example.net", params: new Map([["unknownparam", true]]) },
    ]);
    expect(contactIn("cparam02")).toEqual([
      { uri: "sip:+19725552222@gw1.example.net;unknownparam", params: new Map() },
    ]);
    expect(contactIn("regescrt")).toEqual([
      { uri: "sip:user@example.com?Route=%3Csip:sip.example.com%3E", params: new Map() },
    ]);
  });

  it("reads 34 Vias (longreq), all transports (transports) and reason phrases in UTF-8 or of no length (unreason, noreason)", () => {
    expect(headerValues(mustParse(tortureMessage("longreq")), "via")).toHaveLength(34);
    const transports = headerValues(mustParse(tortureMessage("transports")), "via").map(
      (value) => parseVia(value)?.transport,
    );
    expect(transports).toEqual(["UDP", "SCTP", "TLS", "UNKNOWN", "TCP"]);
    expect(mustParse(tortureMessage("unreason"))).toMatchObject({
      status: 200,
      reason: "= 2**3 * 5**2 но сто девяносто девять - простое",
    });
    expect(mustParse(tortureMessage("noreason"))).toMatchObject({ status: 100, reason: "" });
  });

  it("leaves enough for the layers above: schemes (unksm2), credentials (regaut01), scalars (scalar02)", () => {
    expect(toOf(mustParse(tortureMessage("unksm2")))?.uri).toBe("isbn:2983792873");
    expect(parseAuthParams(header(mustParse(tortureMessage("regaut01")), "authorization") ?? "")).toEqual({
      scheme: "NoOneKnowsThisScheme",
      params: new Map([["opaque-data", "here"]]),
    });
    const outcome = parseSipMessage(tortureMessage("scalar02"));
    if (outcome.ok || outcome.problem.respondable === undefined) throw new Error("parsed");
    expect(maxForwardsOf(outcome.problem.respondable)).toBeUndefined();
    expect(expiresOf(outcome.problem.respondable)).toBe(2 ** 32 - 1);
    expect(parseNameAddr(header(outcome.problem.respondable, "contact") ?? "")?.params.get("expires")).toBe(
      "280297596632815",
    );
  });
});
