import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  advanceInstructions,
  startInstructions,
} from "../../../../../worker/domain/instructions/instruction-machine.ts";
import type {
  InstructionInput,
  InstructionState,
} from "../../../../../worker/domain/instructions/instruction-state.ts";
import { parseTwiml } from "../../../../../worker/domain/instructions/parse-twiml.ts";

const DOCUMENTS = [
  `<?xml version="1.0" encoding="UTF-8"?>
<!-- forwarding -->
<Response>
  <Say voice="alice" language="en-GB" loop="2">Hell&#246; <emphasis>W</emphasis>&amp; <![CDATA[<b>]]> 😀</Say>
  <Dial timeout="20" callerId="+15005550006" answerOnBridge="true" hangupOnStar='true' action="/after?x=1&amp;y=2" ringTone="de">
    <Client>alice</Client>
    <Client><Identity>bob</Identity><Parameter name="a" value="1"/></Client>
    <Sip>sip:kim@pbx.example;transport=tcp?X-Desk=4</Sip>
    <Number>+4930123456</Number>
  </Dial>
  <Play loop="0">nearside:music</Play><Play digits="1w2#"/>
  <Pause length="3"/>
  <Redirect method="GET">../next</Redirect>
</Response>
`,
  "<Response><Dial><Conference>demo</Conference></Dial><Reject reason='busy'/></Response>",
  "<Response><Echo/><Hangup/><Reject/><Pause/><Redirect/></Response>",
];

const document = fc.constantFrom(...DOCUMENTS);
const bytes = (text: string) => new TextEncoder().encode(text);

/** A valid document with some bytes replaced, removed or put in, as text again. */
const mutated = fc
  .tuple(
    document,
    fc.array(
      fc.record({
        at: fc.nat(),
        remove: fc.integer({ min: 0, max: 6 }),
        insert: fc.oneof(
          fc.uint8Array({ maxLength: 3 }),
          fc
            .constantFrom("<", ">", "&", "]]>", "<!--", "-->", "<![CDATA[", "<?", '"', "'", "/", "<Say>", "\uD800")
            .map(bytes),
        ),
      }),
      { minLength: 1, maxLength: 5 },
    ),
  )
  .map(([text, changes]) => {
    const mutable = [...bytes(text)];
    for (const { at, remove, insert } of changes) mutable.splice(at % (mutable.length + 1), remove, ...insert);
    return new TextDecoder().decode(new Uint8Array(mutable));
  });

const input: fc.Arbitrary<InstructionInput> = fc.oneof(
  fc.record({
    kind: fc.constant("dial-ended" as const),
    outcome: fc.constantFrom("completed", "answered", "busy", "no-answer", "failed", "canceled"),
    durationSeconds: fc.nat(100),
  }),
  fc.constantFrom<InstructionInput>({ kind: "media-ended" }, { kind: "pause-ended" }),
  fc.record({ kind: fc.constant("document" as const), text: fc.oneof(document, mutated) }),
  fc.constantFrom<InstructionInput>({ kind: "document-failed", code: 11200 }, { kind: "caller-gone" }),
);

function throughJson(state: InstructionState): InstructionState {
  return JSON.parse(JSON.stringify(state)) as InstructionState;
}

describe("any text", () => {
  it("is a document or a list of problems with places inside the text", () => {
    fc.assert(
      fc.property(fc.oneof(mutated, fc.string({ unit: "binary" })), (text) => {
        const result = parseTwiml(text);
        const lines = text.split(/\r\n|\r|\n/);
        for (const { line, column, message } of result.ok ? result.warnings : result.problems) {
          expect(line).toBeLessThanOrEqual(lines.length);
          expect(column).toBeLessThanOrEqual(Array.from(lines[line - 1] ?? "").length + 1);
          expect(message).not.toBe("");
        }
        if (!result.ok) expect(result.problems.some(({ level }) => level === "error")).toBe(true);
      }),
      { numRuns: 3_000 },
    );
  });

  it.each([
    ["open comments", "<!--"],
    ["open tags", "<a>"],
    ["closed tags", "</a>"],
    ["empty elements", "<a/>"],
    ["attributes", "<a b='c' "],
    ["references", "&amp;"],
    ["open references", "&"],
    ["CDATA", "<![CDATA["],
    ["closed CDATA", "<![CDATA[]]>"],
    ["processing instructions", "<?a ?>"],
    ["quotes", "<a b='"],
    ["characters beyond 16 bits", "😀"],
    ["line ends", "\r\n"],
    ["nouns in one Dial", "<Dial><Client>a</Client>"],
  ])("of 64 kB of %s is done in a fraction of a second", (_, part) => {
    const room = 65_536 - "<Response></Response>".length;
    const inside = part.repeat(Math.floor(room / bytes(part).length));
    const startedAt = performance.now();
    parseTwiml(`<Response>${inside}</Response>`);
    parseTwiml(inside);
    expect(performance.now() - startedAt).toBeLessThan(1_000);
  });
});

describe("any course of inputs", () => {
  it("is the same whether or not the state went through JSON, answers once and ends once", () => {
    fc.assert(
      fc.property(document, fc.array(input, { maxLength: 20 }), (text, inputs) => {
        const result = parseTwiml(text);
        if (!result.ok) throw new Error("refused");
        let step = startInstructions(result.document, { documentUrl: "https://app.example/start" });
        const kinds = step.actions.map(({ kind }) => kind);
        for (const each of inputs) {
          const stored = advanceInstructions(throughJson(step.state), each);
          step = advanceInstructions(step.state, each);
          expect(stored).toEqual(step);
          kinds.push(...step.actions.map(({ kind }) => kind));
        }
        expect(kinds.filter((kind) => kind === "answer").length).toBeLessThanOrEqual(1);
        const end = kinds.findIndex((kind) => kind === "hangup" || kind === "reject");
        if (end >= 0) expect(end).toBe(kinds.length - 1);
      }),
      { numRuns: 1_000 },
    );
  });
});
