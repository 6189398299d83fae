import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SIP_LIMITS } from "../../../../sip/message/limits.ts";
import { SipStreamFramer, type FramedInput } from "../../../../sip/message/stream-framer.ts";
import { mustParse, requestText, tortureMessage } from "./messages.ts";

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);

function withBody(body: string, name = "Content-Length"): string {
  return requestText({ add: [`${name}: ${encode(body).length}`], body });
}

/** What a framer reports, one line per input. */
function describeInputs(inputs: readonly FramedInput[]): readonly string[] {
  return inputs.map((input) => {
    if (input.kind === "message") return new TextDecoder().decode(input.bytes);
    return input.kind === "ping" ? "ping" : `broken ${input.problem.status} ${input.problem.code}`;
  });
}

function frame(stream: string | Uint8Array, limits = SIP_LIMITS): readonly string[] {
  return describeInputs(new SipStreamFramer(limits).push(typeof stream === "string" ? encode(stream) : stream));
}

/** One stream with everything that may come on it, and what it frames to. */
const FIRST = withBody("hello\r\n\r\nworld");
const SECOND = withBody("", "l ");
const THIRD = requestText({ add: ["CONTENT-length:\r\n  3"], body: "hé" });
const STREAM = encode(`\r\n${FIRST}${SECOND}\r\n\r\n\r\n${THIRD}\r\n\r\n\r\n\r\n\r\n${FIRST}`);
const FRAMED = [FIRST, SECOND, "ping", THIRD, "ping", "ping", FIRST];

describe("SipStreamFramer", () => {
  it("cuts a stream into messages and pings and skips single line ends between messages", () => {
    expect(frame(STREAM)).toEqual(FRAMED);
  });

  it("reports the same however the stream is cut in two", () => {
    for (let cut = 0; cut <= STREAM.length; cut++) {
      const framer = new SipStreamFramer();
      expect(
        [...describeInputs(framer.push(STREAM.subarray(0, cut))), ...describeInputs(framer.push(STREAM.subarray(cut)))],
        `cut at ${cut}`,
      ).toEqual(FRAMED);
    }
  });

  it("reports the same octet by octet", () => {
    const framer = new SipStreamFramer();
    const inputs: string[] = [];
    for (const octet of STREAM) inputs.push(...describeInputs(framer.push(Uint8Array.of(octet))));
    expect(inputs).toEqual(FRAMED);
  });

  it("reports the same in any chunks, also when their memory is used again", () => {
    const cuts = fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(cuts, (sizes) => {
        const framer = new SipStreamFramer();
        const chunk = new Uint8Array(200);
        const inputs: FramedInput[] = [];
        for (let start = 0, index = 0; start < STREAM.length; index++) {
          const size = Math.min(sizes[index % sizes.length] ?? 1, STREAM.length - start);
          chunk.set(STREAM.subarray(start, start + size));
          inputs.push(...framer.push(chunk.subarray(0, size)));
          chunk.fill(0);
          start += size;
        }
        expect(describeInputs(inputs)).toEqual(FRAMED);
      }),
      { numRuns: 200 },
    );
  });

  it("gives messages that do not share memory with the chunk, also of a Node Buffer", () => {
    const chunk = Buffer.from(FIRST);
    const [input] = new SipStreamFramer().push(chunk);
    chunk.fill(0);
    expect(describeInputs(input === undefined ? [] : [input])).toEqual([FIRST]);
  });

  it("reports nothing while a message is incomplete", () => {
    const framer = new SipStreamFramer();
    expect(framer.push(encode(FIRST).subarray(0, -1))).toEqual([]);
    expect(framer.push(new Uint8Array(0))).toEqual([]);
    expect(framer.push(encode(FIRST).subarray(-1))).toHaveLength(1);
  });

  it("does not make a ping of line ends on both sides of a message", () => {
    expect(frame(`\r\n${SECOND}\r\n`)).toEqual([SECOND]);
    expect(frame(`${SECOND}\r\n${SECOND}\r\n${SECOND}`)).toEqual([SECOND, SECOND, SECOND]);
  });

  it.each([
    ["no Content-Length", requestText(), "broken 400 content-length-missing"],
    [
      "two Content-Length",
      requestText({ add: ["Content-Length: 5", "l: 5"], body: "hello" }),
      "broken 400 header-repeated",
    ],
    ["a negative Content-Length", requestText({ add: ["Content-Length: -5"] }), "broken 400 content-length-invalid"],
    ["an empty Content-Length", requestText({ add: ["Content-Length:"] }), "broken 400 content-length-invalid"],
    ["a list as Content-Length", requestText({ add: ["Content-Length: 5, 5"] }), "broken 400 content-length-invalid"],
    [
      "a Content-Length beyond the limit",
      requestText({ add: ["Content-Length: 65536"] }),
      "broken 413 message-too-long",
    ],
    [
      "a Content-Length beyond all numbers",
      requestText({ add: [`Content-Length: ${"9".repeat(400)}`] }),
      "broken 413 message-too-long",
    ],
    ["a line feed alone in the head", requestText({ add: ["X: y\nContent-Length: 0"] }), "broken 400 line-end-invalid"],
    [
      "a carriage return alone in the head",
      requestText({ add: ["X: y\rContent-Length: 0"] }),
      "broken 400 line-end-invalid",
    ],
    ["a carriage return alone between messages", `${SECOND}\rX`, "broken 400 line-end-invalid"],
    [
      "Content-Length in a fold only",
      requestText({ add: ["X: y\r\n Content-Length: 0"] }),
      "broken 400 content-length-missing",
    ],
    ["Content-Length in the start line only", `Content-Length: 0\r\nX: y\r\n\r\n`, "broken 400 content-length-missing"],
  ])("breaks at %s and ignores the rest", (_what, text, expected) => {
    const framer = new SipStreamFramer();
    expect(describeInputs(framer.push(encode(text))).at(-1)).toBe(expected);
    expect(framer.push(encode(FIRST))).toEqual([]);
  });

  it("tells whom to answer when it breaks, unless that is an ACK", () => {
    const [input] = new SipStreamFramer().push(encode(requestText()));
    expect(input?.kind === "broken" ? input.problem.respondable?.method : undefined).toBe("OPTIONS");
    const ack = requestText({ start: "ACK sip:bob@example.net SIP/2.0", replace: ["CSeq: 7 ACK"] });
    const [ackInput] = new SipStreamFramer().push(encode(ack));
    expect(ackInput).toMatchObject({ kind: "broken" });
    expect(ackInput?.kind === "broken" ? ackInput.problem.respondable : undefined).toBeUndefined();
  });

  it("passes messages on that only the parser can judge", () => {
    const text = `junk\r\nContent-Length: 2\r\n\r\nhi`;
    expect(frame(text)).toEqual([text]);
  });

  it.each([
    [-1, 1],
    [0, 1],
    [1, 0],
  ])("takes messages of up to the limit: %i octets around it", (offset, messages) => {
    const limits = { ...SIP_LIMITS, maxMessageBytes: 1_000 };
    const head = requestText({ add: ["Content-Length: 000"] }).length;
    const body = "x".repeat(limits.maxMessageBytes - head + offset);
    expect(frame(withBody(body), limits).filter((text) => !text.startsWith("broken"))).toHaveLength(messages);
  });

  it.each([
    [-1, "nothing"],
    [0, "broken 513 message-too-long"],
    [1, "broken 513 message-too-long"],
  ])("waits for the end of a head up to the limit: %i octets around it", (offset, expected) => {
    const limits = { ...SIP_LIMITS, maxMessageBytes: 1_000 };
    const head = `X: ${"y".repeat(limits.maxMessageBytes - 3 + offset)}`;
    expect(frame(head, limits)[0] ?? "nothing").toBe(expected);
  });

  it("frames a head that ends exactly at the limit", () => {
    const text = withBody("");
    expect(frame(text, { ...SIP_LIMITS, maxMessageBytes: text.length })).toEqual([text]);
    expect(frame(text, { ...SIP_LIMITS, maxMessageBytes: text.length - 1 })).toEqual(["broken 513 message-too-long"]);
  });

  it("does work linear in the octets: a long head octet by octet, many messages in one chunk", () => {
    const long = encode(withBody("x".repeat(60_000)));
    const framer = new SipStreamFramer();
    let messages = 0;
    const startedAt = performance.now();
    for (let start = 0; start < long.length; start++) messages += framer.push(long.subarray(start, start + 1)).length;
    const many = encode(SECOND.repeat(5_000));
    messages += framer.push(many).length;
    expect(messages).toBe(5_001);
    // Quadratic work would take minutes.
    expect(performance.now() - startedAt).toBeLessThan(5_000);
  });
});

describe("RFC 4475 on a stream", () => {
  it("takes the octets after a message as the next one (dblreq)", () => {
    const inputs = new SipStreamFramer().push(tortureMessage("dblreq"));
    // The second one is longer than it says, which leaves octets that are no message.
    expect(inputs.map(({ kind }) => kind)).toEqual(["message", "message", "broken"]);
    const [first, second] = inputs;
    expect(first?.kind === "message" && mustParse(first.bytes)).toMatchObject({ method: "REGISTER" });
    expect(second?.kind === "message" && mustParse(second.bytes)).toMatchObject({ method: "INVITE" });
  });

  it.each([
    ["mcl01", "broken 400 header-repeated"],
    ["ncl", "broken 400 content-length-invalid"],
    ["inv2543", "broken 400 content-length-missing"],
  ])("breaks at %s: %s", (file, expected) => {
    expect(frame(tortureMessage(file))).toEqual([expected]);
  });

  it("waits for what a Content-Length promises (clerr)", () => {
    expect(frame(tortureMessage("clerr"))).toEqual([]);
  });
});
