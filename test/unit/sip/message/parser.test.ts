import { describe, expect, it } from "vitest";
import { header, headerValues } from "../../../../sip/message/headers.ts";
import { SIP_LIMITS } from "../../../../sip/message/limits.ts";
import { parseSipMessage } from "../../../../sip/message/parser.ts";
import { bodyText, callIdOf, fromOf } from "../../../../sip/message/typed-headers.ts";
import { MANDATORY, mustFail, mustParse, mustParseRequest, requestText } from "./messages.ts";

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
const latin1 = (text: string): Uint8Array => Uint8Array.from(text, (character) => character.charCodeAt(0));

describe("parseSipMessage", () => {
  it("reads a request with its header fields in order, known names canonical and others as received", () => {
    const message = mustParse(requestText({ add: ["X-Custom: 1", "k: timer", "User-AGENT: phone"] }));
    expect(message).toMatchObject({ kind: "request", method: "OPTIONS", requestUri: "sip:bob@example.net" });
    expect(message.headers.map(({ name }) => name)).toEqual([
      "via",
      "max-forwards",
      "from",
      "to",
      "call-id",
      "cseq",
      "X-Custom",
      "supported",
      "user-agent",
    ]);
  });

  it("reads the same from text as from octets", () => {
    const text = requestText({ add: ["Subject: Grüße"], body: "hé" });
    expect(mustParse(text)).toEqual(mustParse(encode(text)));
  });

  it.each([
    ["a", "accept-contact"],
    ["b", "referred-by"],
    ["c", "content-type"],
    ["d", "request-disposition"],
    ["e", "content-encoding"],
    ["j", "reject-contact"],
    ["k", "supported"],
    ["l", "content-length"],
    ["m", "contact"],
    ["n", "identity-info"],
    ["o", "event"],
    ["r", "refer-to"],
    ["s", "subject"],
    ["u", "allow-events"],
    ["x", "session-expires"],
    ["y", "identity"],
    ["X", "session-expires"],
  ])("knows the compact form %s as %s", (compact, name) => {
    const value = name === "contact" ? "<sip:a@b.example>" : "0";
    expect(mustParse(requestText({ add: [`${compact}: ${value}`] })).headers.at(-1)).toEqual({ name, value });
  });

  it("knows the compact forms of mandatory fields", () => {
    const message = mustParse(
      [
        "OPTIONS sip:b@example.net SIP/2.0",
        "v: SIP/2.0/TCP h.example;branch=z9hG4bK1",
        "f: <sip:a@b.example>;tag=1",
        "t: <sip:b@example.net>",
        "i: 1",
        "CSEQ: 1 OPTIONS",
        "",
        "",
      ].join("\r\n"),
    );
    expect(message.headers.map(({ name }) => name)).toEqual(["via", "from", "to", "call-id", "cseq"]);
  });

  it("unfolds continuation lines into single spaces", () => {
    const message = mustParse(requestText({ add: ["Subject:\r\n\tone \r\n  two\r\n \r\n three", "X-Next: yes"] }));
    expect(header(message, "subject")).toBe("one two three");
    expect(header(message, "x-next")).toBe("yes");
  });

  it("takes the rest of a datagram as body when there is no Content-Length, and as much as it says when there is", () => {
    expect(bodyText(mustParse(requestText({ body: "hello" })))).toBe("hello");
    expect(bodyText(mustParse(requestText({ add: ["Content-Length: 4"], body: "hello" })))).toBe("hell");
    expect(mustParse(requestText({ add: ["Content-Length: 0"], body: "hello" })).body).toHaveLength(0);
    expect(mustParse(requestText()).body).toHaveLength(0);
  });

  it("counts Content-Length in octets for text input too", () => {
    expect(bodyText(mustParse(requestText({ add: ["Content-Length: 3"], body: "hé!" })))).toBe("hé");
  });

  it("gives bodies that are plain Uint8Arrays, also of a Node Buffer", () => {
    const body = mustParse(Buffer.from(requestText({ body: "hello" }))).body;
    expect(Object.getPrototypeOf(body)).toBe(Uint8Array.prototype);
    expect(new TextDecoder().decode(body)).toBe("hello");
  });

  it("skips keep-alives before the start line", () => {
    expect(mustParse(`\r\n\r\n${requestText()}`).kind).toBe("request");
  });

  it("accepts any case of the SIP version and a status line without the space before an empty reason", () => {
    expect(mustParse(requestText({ start: "OPTIONS sip:bob@example.net sip/2.0" })).kind).toBe("request");
    expect(mustParse(requestText({ start: "sip/2.0 200 OK" }))).toMatchObject({
      kind: "response",
      status: 200,
      reason: "OK",
    });
    expect(mustParse(requestText({ start: "SIP/2.0 200" }))).toMatchObject({ status: 200, reason: "" });
  });

  it("reads header octets that are not UTF-8 as Latin-1", () => {
    const message = mustParse(latin1(requestText({ replace: ['From: "J\u00fcrgen" <sip:j@example.com>;tag=1'] })));
    expect(fromOf(message)?.displayName).toBe("Jürgen");
  });

  it("keeps a byte order mark where it stands", () => {
    expect(header(mustParse(requestText({ add: ["Subject: \ufeffx"] })), "subject")).toBe("\ufeffx");
    expect(bodyText(mustParse(requestText({ body: "\ufeffx" })))).toBe("\ufeffx");
  });

  it("accepts a request without Max-Forwards, without tags and with bare addresses (RFC 2543)", () => {
    expect(
      mustParse(requestText({ without: "Max-Forwards", replace: ["From: sip:a@b.example", "To: sip:c@d.example;x=y"] }))
        .kind,
    ).toBe("request");
  });

  it("accepts tel request-URIs and Contact: *", () => {
    expect(
      mustParseRequest(requestText({ start: "OPTIONS tel:+442079460123;phone-context=example.com SIP/2.0" }))
        .requestUri,
    ).toMatch(/^tel:/);
    expect(mustParse(requestText({ add: ["Contact: *"] })).kind).toBe("request");
  });
});

const REFUSED: readonly (readonly [what: string, text: string, code: string, status: number])[] = [
  ["nothing", "", "message-empty", 400],
  ["a keep-alive alone", "\r\n\r\n", "message-empty", 400],
  ["noise", "hello", "head-unterminated", 400],
  ["a head without end", requestText().slice(0, -2), "head-unterminated", 400],
  ["an empty head", "\r\n \r\n\r\n", "start-line-invalid", 400],
  ["an HTTP request", requestText({ start: "GET / HTTP/1.1" }), "start-line-invalid", 400],
  [
    "a method that is no token",
    requestText({ start: "OPT(IONS sip:bob@example.net SIP/2.0" }),
    "start-line-invalid",
    400,
  ],
  ["no request-URI", requestText({ start: "OPTIONS  SIP/2.0" }), "start-line-invalid", 400],
  ["no version", requestText({ start: "OPTIONS sip:bob@example.net" }), "start-line-invalid", 400],
  ["a version of letters", requestText({ start: "OPTIONS sip:bob@example.net SIP/x.y" }), "start-line-invalid", 400],
  ["a later version", requestText({ start: "OPTIONS sip:bob@example.net SIP/3.0" }), "version-unsupported", 505],
  ["a response of a later version", requestText({ start: "SIP/3.0 200 OK" }), "version-unsupported", 505],
  ["a status of two digits", requestText({ start: "SIP/2.0 20 OK" }), "start-line-invalid", 400],
  ["a status below 100", requestText({ start: "SIP/2.0 099 OK" }), "start-line-invalid", 400],
  ["a status above 699", requestText({ start: "SIP/2.0 700 OK" }), "start-line-invalid", 400],
  ["a line feed alone in the head", requestText({ add: ["Subject: a\nX: b"] }), "line-end-invalid", 400],
  ["a carriage return alone in the head", requestText({ add: ["Subject: a\rX: b"] }), "line-end-invalid", 400],
  [
    "a line feed alone in the start line",
    requestText({ start: "OPTIONS sip:bob@example.net\nSIP/2.0" }),
    "start-line-invalid",
    400,
  ],
  ["a header line without colon", requestText({ add: ["Subject"] }), "header-syntax-invalid", 400],
  ["a header without name", requestText({ add: [": x"] }), "header-syntax-invalid", 400],
  [
    "a fold before any header",
    requestText({ start: "OPTIONS sip:bob@example.net SIP/2.0\r\n folded" }),
    "header-syntax-invalid",
    400,
  ],
  ...["Via", "From", "To", "Call-ID", "CSeq"].map(
    (name) => [`no ${name}`, requestText({ without: name }), "header-missing", 400] as const,
  ),
  ...["From: <sip:x@y.example>;tag=2", "t: <sip:x@y.example>", "i: 2", "CSeq: 7 OPTIONS", "Max-Forwards: 70"].map(
    (line) => [`a second ${line}`, requestText({ add: [line] }), "header-repeated", 400] as const,
  ),
  ["two Content-Length", requestText({ add: ["Content-Length: 0", "l: 0"] }), "header-repeated", 400],
  ["two Content-Type", requestText({ add: ["Content-Type: a/b", "c: a/b"] }), "header-repeated", 400],
  ["a Via of another protocol", requestText({ replace: ["Via: HTTP/1.1/TCP h.example"] }), "via-invalid", 400],
  ["a Via without host", requestText({ replace: ["Via: SIP/2.0/UDP ;branch=z9hG4bK1"] }), "via-invalid", 400],
  ["a From without scheme", requestText({ replace: ["From: <alice>;tag=1"] }), "from-invalid", 400],
  ["a From with two tags", requestText({ replace: ["From: <sip:a@b.example>;tag=1;tag=2"] }), "from-invalid", 400],
  ["two addresses in To", requestText({ replace: ["To: <sip:a@b.example>, <sip:c@d.example>"] }), "to-invalid", 400],
  ["an empty Call-ID", requestText({ replace: ["Call-ID:"] }), "call-id-invalid", 400],
  ["a Call-ID with a space", requestText({ replace: ["Call-ID: a b"] }), "call-id-invalid", 400],
  ["a CSeq of 2^31", requestText({ replace: ["CSeq: 2147483648 OPTIONS"] }), "cseq-invalid", 400],
  ["a CSeq without method", requestText({ replace: ["CSeq: 7"] }), "cseq-invalid", 400],
  ["a CSeq without number", requestText({ replace: ["CSeq: OPTIONS"] }), "cseq-invalid", 400],
  ["a CSeq of another method", requestText({ replace: ["CSeq: 7 options"] }), "cseq-mismatch", 400],
  ["Max-Forwards 256", requestText({ replace: ["Max-Forwards: 256"] }), "max-forwards-invalid", 400],
  ["Max-Forwards of letters", requestText({ replace: ["Max-Forwards: many"] }), "max-forwards-invalid", 400],
  [
    "Contact with a star and an address",
    requestText({ add: ["Contact: *", "Contact: <sip:a@b.example>"] }),
    "contact-invalid",
    400,
  ],
  ["Contact with an empty item", requestText({ add: ["Contact: <sip:a@b.example>,"] }), "contact-invalid", 400],
  ["Content-Length with a sign", requestText({ add: ["Content-Length: +0"] }), "content-length-invalid", 400],
  ["Content-Length of nothing", requestText({ add: ["Content-Length:"] }), "content-length-invalid", 400],
  ["Content-Length twice in one line", requestText({ add: ["Content-Length: 0, 0"] }), "content-length-invalid", 400],
  [
    "Content-Length one too large",
    requestText({ add: ["Content-Length: 6"], body: "hello" }),
    "content-length-mismatch",
    400,
  ],
  [
    "Content-Length beyond all numbers",
    requestText({ add: [`Content-Length: ${"9".repeat(400)}`] }),
    "content-length-mismatch",
    400,
  ],
  [
    "a request-URI in brackets",
    requestText({ start: "OPTIONS <sip:bob@example.net> SIP/2.0" }),
    "request-uri-invalid",
    400,
  ],
  ["a request-URI without scheme", requestText({ start: "OPTIONS bob SIP/2.0" }), "request-uri-invalid", 400],
  [
    "a request-URI with headers",
    requestText({ start: "OPTIONS sip:bob@example.net?Route=x SIP/2.0" }),
    "request-uri-invalid",
    400,
  ],
  [
    "a request-URI with a number as host",
    requestText({ start: "OPTIONS sip:bob@2130706433 SIP/2.0" }),
    "request-uri-invalid",
    400,
  ],
  [
    "a request-URI of another scheme",
    requestText({ start: "OPTIONS http://127.0.0.1/ SIP/2.0" }),
    "uri-scheme-unsupported",
    416,
  ],
];

describe("a message that is not one", () => {
  it.each(REFUSED)("with %s is refused as %3$s", (_what, text, code, status) => {
    expect(mustFail(text)).toMatchObject({ code, status });
    expect(mustFail(encode(text)).detail).toMatch(/^[\x20-\x7e]+$/);
  });

  it("can be answered when Via, From, To, Call-ID and CSeq are there", () => {
    const problem = mustFail(requestText({ add: ["Content-Length: 99"], body: "hello" }));
    expect(problem.respondable).toMatchObject({ kind: "request", method: "OPTIONS", body: new Uint8Array(0) });
    expect(problem.respondable === undefined ? "" : callIdOf(problem.respondable)).toBe("c1@192.0.2.1");
  });

  it.each(["Via", "From", "To", "Call-ID", "CSeq"])("cannot be answered without %s", (name) => {
    expect(mustFail(requestText({ without: name })).respondable).toBeUndefined();
  });

  it("cannot be answered when it is an ACK or a response", () => {
    expect(mustFail(requestText({ start: "ACK sip:bob@example.net SIP/2.0" })).respondable).toBeUndefined();
    expect(mustFail(requestText({ start: "SIP/2.0 200 OK", replace: ["CSeq: x"] })).respondable).toBeUndefined();
  });

  it("is answered by way of what is sound in the top Via", () => {
    const problem = mustFail(requestText({ replace: ["Via: SIP/2.0/UDP 192.0.2.1:5070;;branch=x, junk"] }));
    expect(problem.respondable === undefined ? [] : headerValues(problem.respondable, "via")).toEqual([
      "SIP/2.0/UDP 192.0.2.1:5070",
    ]);
  });

  it("does not repeat the peer's addresses in its detail", () => {
    expect(mustFail(requestText({ replace: ["From: <alice@secret.example>;tag=1"] })).detail).not.toContain("secret");
  });
});

describe("limits", () => {
  const small = { maxMessageBytes: 1_000, maxHeaders: 8, maxHeaderLength: 100, maxVias: 3 };
  const code = (text: string, limits = small): string => {
    const outcome = parseSipMessage(text, limits);
    return outcome.ok
      ? "ok"
      : `${outcome.problem.status} ${outcome.problem.code} ${outcome.problem.respondable === undefined ? "silent" : "answered"}`;
  };

  it.each([
    [-1, "ok"],
    [0, "ok"],
    [1, "413 message-too-long answered"],
  ])("message of the limit %i octets: %s", (offset, expected) => {
    const body = "x".repeat(small.maxMessageBytes - requestText().length + offset);
    expect(code(requestText({ body }))).toBe(expected);
  });

  it.each([
    [-1, "ok"],
    [0, "ok"],
    [1, "513 too-many-headers answered"],
  ])("header fields of the limit %i: %s", (offset, expected) => {
    const add = Array.from({ length: small.maxHeaders - MANDATORY.length + offset }, (_, index) => `X-${index}: y`);
    expect(code(requestText({ add }))).toBe(expected);
  });

  it.each([
    [-1, "ok"],
    [0, "ok"],
    [1, "513 header-too-long answered"],
  ])("one header field of the limit %i characters: %s", (offset, expected) => {
    const value = "x".repeat(small.maxHeaderLength - "X-Long: ".length + offset);
    expect(code(requestText({ add: [`X-Long: ${value}`] }))).toBe(expected);
    const folded = `X-Long: ${value.slice(0, 40)}\r\n ${value.slice(43)}`;
    expect(code(requestText({ add: [folded] }))).toBe(expected);
  });

  it.each([
    [-1, "ok"],
    [0, "ok"],
    [1, "513 too-many-vias answered"],
  ])("Vias of the limit %i, in two fields: %s", (offset, expected) => {
    const vias = Array.from({ length: small.maxVias - 1 + offset }, () => "SIP/2.0/UDP h.example");
    expect(code(requestText({ add: [`Via: ${vias.join(", ")}`] }))).toBe(expected);
  });

  it.each([
    [
      "message",
      65_535,
      (size: number) => requestText({ body: "x".repeat(size - requestText().length) }),
      "413 message-too-long answered",
    ],
    [
      "header field",
      8_192,
      (size: number) => requestText({ add: [`Subject: ${"y".repeat(size - 9)}`] }),
      "513 header-too-long answered",
    ],
    [
      "list of header fields",
      100,
      (size: number) => requestText({ add: Array.from({ length: size - MANDATORY.length }, () => "X-N: y") }),
      "513 too-many-headers answered",
    ],
    [
      "list of Vias",
      70,
      (size: number) => requestText({ add: Array.from({ length: size - 1 }, () => "v: SIP/2.0/UDP h.example") }),
      "513 too-many-vias answered",
    ],
  ])("has a default for the %s: %i", (_what, limit, text, expected) => {
    expect(code(text(limit - 1), SIP_LIMITS)).toBe("ok");
    expect(code(text(limit), SIP_LIMITS)).toBe("ok");
    expect(code(text(limit + 1), SIP_LIMITS)).toBe(expected);
  });

  it("refuses a head that does not end within the limit with 513", () => {
    expect(code(requestText({ add: [`X: ${"y".repeat(1_000)}`] }))).toBe("513 message-too-long answered");
  });
});
