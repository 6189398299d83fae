/** Whatever comes, parsers answer with a value, and what they accept can be written and read again. */
import { readdirSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createRequest, createResponse } from "../../../../sip/message/build.ts";
import { headerKey } from "../../../../sip/message/header-names.ts";
import { parseNameAddr, parseNameAddrList } from "../../../../sip/message/name-addr.ts";
import { parseSipMessage } from "../../../../sip/message/parser.ts";
import { serializeSipMessage, sipMessageText } from "../../../../sip/message/serializer.ts";
import type { SipMessage } from "../../../../sip/message/sip-message.ts";
import { parseSipUri, serializeSipUri } from "../../../../sip/message/sip-uri.ts";
import { SipStreamFramer } from "../../../../sip/message/stream-framer.ts";
import {
  bodyText,
  callIdOf,
  contactsOf,
  contentTypeOf,
  cseqOf,
  expiresOf,
  fromOf,
  maxForwardsOf,
  parseAuthParams,
  toOf,
  topVia,
} from "../../../../sip/message/typed-headers.ts";
import { parseVia, serializeVia } from "../../../../sip/message/via.ts";
import { mustParse, tortureMessage } from "./messages.ts";

const CORPUS = readdirSync(new URL("../../../fixtures/rfc4475/", import.meta.url))
  .filter((name) => name.endsWith(".dat"))
  .map((name) => tortureMessage(name.slice(0, -4)));

const BUDGET = { numRuns: 4_000, interruptAfterTimeLimit: 3_000 };

/** Octets that mean something to a SIP parser, more likely to hurt than random ones. */
const FRAGMENTS = [
  "\r",
  "\n",
  "\r\n",
  "\r\n\r\n",
  "\r\n ",
  "\0",
  " ",
  "\t",
  ",",
  ";",
  ":",
  "=",
  '"',
  "\\",
  "<",
  ">",
  "@",
  "%",
  "%00",
  "?",
  "[",
  "]",
  "(",
  "*",
  "-1",
  "99999999999999999999",
  "\u00ff",
  "é",
  "SIP/2.0",
  "Via: ",
  "l: 1\r\n",
  "Content-Length: 5\r\n",
  "\r\nFrom: <sip:x@y>\r\n",
  "sip:",
  "tel:",
  ";tag=",
  ";branch=",
].map((text) => new TextEncoder().encode(text));

const mutation = fc.record({
  at: fc.double({ min: 0, max: 1, noNaN: true }),
  remove: fc.integer({ min: 0, max: 20 }),
  insert: fc.oneof(fc.constantFrom(...FRAGMENTS), fc.uint8Array({ maxLength: 4 })),
});

const mutant = fc
  .tuple(fc.constantFrom(...CORPUS), fc.array(mutation, { minLength: 1, maxLength: 4 }))
  .map(([message, mutations]) =>
    mutations.reduce((octets, { at, remove, insert }) => {
      const start = Math.floor(at * octets.length);
      return Uint8Array.from([...octets.subarray(0, start), ...insert, ...octets.subarray(start + remove)]);
    }, message),
  );

/** Everything that a layer above may do with a message. */
function readAll(message: SipMessage): void {
  for (const read of [
    topVia,
    fromOf,
    toOf,
    callIdOf,
    cseqOf,
    contactsOf,
    maxForwardsOf,
    expiresOf,
    contentTypeOf,
    bodyText,
  ])
    read(message);
  for (const { value } of message.headers)
    for (const parse of [parseVia, parseNameAddr, parseNameAddrList, parseSipUri, parseAuthParams]) parse(value);
}

const withoutLength = (message: SipMessage): SipMessage => ({
  ...message,
  headers: message.headers.filter(({ name }) => name !== "content-length"),
});

describe("mutated torture messages", () => {
  it("never make the parser throw, and what is accepted survives serialising and parsing", () => {
    let accepted = 0;
    fc.assert(
      fc.property(mutant, (octets) => {
        const outcome = parseSipMessage(octets);
        if (!outcome.ok) {
          const { problem } = outcome;
          expect(problem.code).toMatch(/^[a-z]+(-[a-z]+)*$/);
          expect(problem.detail).toMatch(/^[\x20-\x7e]*$/);
          expect([400, 413, 416, 505, 513]).toContain(problem.status);
          if (problem.respondable !== undefined)
            serializeSipMessage(createResponse(problem.respondable, problem.status, { toTag: "x" }));
          return;
        }
        accepted++;
        const { message } = outcome;
        readAll(message);
        expect(withoutLength(mustParse(serializeSipMessage(message)))).toEqual(withoutLength(message));
        if (message.kind === "request") serializeSipMessage(createResponse(message, 200, { toTag: "x" }));
      }),
      BUDGET,
    );
    expect(accepted).toBeGreaterThan(0);
  });

  it("frame the same in one chunk and in small ones, and each framed message has one end", () => {
    fc.assert(
      fc.property(mutant, fc.integer({ min: 1, max: 50 }), (octets, size) => {
        const whole = new SipStreamFramer().push(octets);
        const framer = new SipStreamFramer();
        const pieces = [];
        for (let start = 0; start < octets.length; start += size)
          pieces.push(...framer.push(octets.subarray(start, start + size)));
        expect(pieces).toEqual(whole);
        for (const input of whole) {
          if (input.kind !== "message") continue;
          // The parser must agree with the framer: nothing left over, nothing missing.
          const outcome = parseSipMessage(input.bytes);
          if (!outcome.ok) expect(outcome.problem.code).not.toMatch(/^(content-length|head-unterminated|line-end)/);
          else expect(endsWith(input.bytes, outcome.message.body)).toBe(true);
        }
      }),
      BUDGET,
    );
  });
});

function endsWith(octets: Uint8Array, body: Uint8Array): boolean {
  const rest = octets.subarray(octets.length - body.length);
  const headEnd = octets.subarray(octets.length - body.length - 4, octets.length - body.length);
  return rest.every((octet, index) => octet === body[index]) && String.fromCharCode(...headEnd) === "\r\n\r\n";
}

describe("random text", () => {
  const text = fc.oneof(
    fc.string({ unit: "binary", maxLength: 60 }),
    fc
      .array(
        fc.constantFrom(...FRAGMENTS.map((octets) => new TextDecoder().decode(octets)), "a", "1.2.3.4", "h.example"),
        { maxLength: 20 },
      )
      .map((parts) => parts.join("")),
  );

  it("makes no value parser throw, and parsed values are fixed points of writing and reading", () => {
    fc.assert(
      fc.property(text, (value) => {
        parseAuthParams(value);
        parseNameAddrList(value);
        parseNameAddr(value);
        const uri = parseSipUri(`sip:${value}`);
        if (uri !== undefined) expect(parseSipUri(serializeSipUri(uri))).toEqual(uri);
        const via = parseVia(`SIP/2.0/${value}`);
        if (via !== undefined) expect(parseVia(serializeVia(via))).toEqual(via);
      }),
      BUDGET,
    );
  });

  it("makes the parser neither throw nor accept", () => {
    fc.assert(
      fc.property(text, (value) => {
        expect(parseSipMessage(value).ok).toBe(false);
      }),
      { ...BUDGET, numRuns: 1_000 },
    );
  });
});

describe("messages of ours", () => {
  const value = fc
    .string({ unit: "grapheme", maxLength: 20 })
    .map((text) =>
      text
        .replaceAll(/[\r\n]/g, "")
        .trim()
        .toWellFormed(),
    )
    .filter((text) => text.trim() === text);
  const name = fc
    .stringMatching(/^[A-Za-z0-9!%*_+`'~.-]{2,12}$/)
    .filter((text) => headerKey(text) === text.toLowerCase() && text.length > 1);
  const message = fc
    .record({
      headers: fc.array(fc.tuple(fc.oneof(fc.constantFrom("Subject", "User-Agent", "X-A"), name), value), {
        maxLength: 8,
      }),
      body: fc.uint8Array({ maxLength: 50 }),
    })
    .map(({ headers, body }) =>
      createRequest({
        method: "MESSAGE",
        requestUri: "sip:b@example.net",
        headers: [
          ["Via", "SIP/2.0/UDP h.example"],
          ["From", "<sip:a@b.example>;tag=1"],
          ["To", "<sip:b@example.net>"],
          ["Call-ID", "1"],
          ["CSeq", "1 MESSAGE"],
          ...headers.filter(
            ([header]) =>
              !/^(from|to|cseq|date|event|rack|rseq|expires|via|contact|max-forwards|replaces|join)$/i.test(header),
          ),
        ],
        body,
      }),
    );

  it("come back from octets as they were", () => {
    fc.assert(
      fc.property(message, (request) => {
        expect(withoutLength(mustParse(serializeSipMessage(request)))).toEqual(request);
      }),
      { numRuns: 500 },
    );
  });

  it("come back from text as they were when their body is text", () => {
    fc.assert(
      fc.property(message, value, (request, body) => {
        const withText = { ...request, body: new TextEncoder().encode(body) };
        expect(withoutLength(mustParse(sipMessageText(withText)))).toEqual(withText);
      }),
      { numRuns: 500 },
    );
  });
});
