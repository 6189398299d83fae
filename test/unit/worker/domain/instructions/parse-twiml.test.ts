import { describe, expect, it } from "vitest";
import type { Instruction } from "../../../../../worker/domain/instructions/instruction.ts";
import { parseTwiml } from "../../../../../worker/domain/instructions/parse-twiml.ts";

/** Problems as `line:column code element`, errors marked with `!`. */
function problemsOf(text: string): readonly string[] {
  const result = parseTwiml(text);
  const problems = result.ok ? result.warnings : result.problems;
  return problems.map(
    ({ line, column, code, level, element }) =>
      `${line}:${column} ${code}${level === "error" ? "!" : ""}${element === undefined ? "" : ` ${element}`}`,
  );
}

function verbsOf(text: string): readonly Instruction[] {
  const result = parseTwiml(text);
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  return result.document.verbs;
}

/** The one verb of a document, without its place. */
function verb(inner: string): unknown {
  const [first, ...others] = verbsOf(`<Response>${inner}</Response>`);
  expect(others).toEqual([]);
  const { at: _, ...rest } = first!;
  return rest;
}

const PLAIN_DIAL = {
  kind: "dial",
  timeoutSeconds: 30,
  timeLimitSeconds: 14_400,
  answerOnBridge: false,
  hangupOnStar: false,
};
const bob = { kind: "client", identity: "bob", parameters: [] };

describe("verbs", () => {
  it.each([
    ["<Dial>+14155551212</Dial>", { ...PLAIN_DIAL, targets: [{ kind: "number", number: "+14155551212" }] }],
    ["<Dial> (415) 555-1212 </Dial>", { ...PLAIN_DIAL, targets: [{ kind: "number", number: "4155551212" }] }],
    ["<Dial><Client>Bob</Client></Dial>", { ...PLAIN_DIAL, targets: [bob] }],
    [
      '<Dial><Client><Identity>bob</Identity><Parameter name="topic" value=" a &amp; b"/><Parameter name="x"/></Client></Dial>',
      {
        ...PLAIN_DIAL,
        targets: [
          {
            kind: "client",
            identity: "bob",
            parameters: [
              { name: "topic", value: " a & b" },
              { name: "x", value: "" },
            ],
          },
        ],
      },
    ],
    [
      "<Dial><Sip>sip:kim@pbx.example;transport=tls?X-Desk=4</Sip></Dial>",
      { ...PLAIN_DIAL, targets: [{ kind: "sip", uri: "sip:kim@pbx.example;transport=tls?X-Desk=4" }] },
    ],
    [
      "<Dial><Client>bob</Client><Number>*21#</Number><Sip>sip:kim@pbx.example</Sip></Dial>",
      {
        ...PLAIN_DIAL,
        targets: [bob, { kind: "number", number: "*21#" }, { kind: "sip", uri: "sip:kim@pbx.example" }],
      },
    ],
    [
      "<Dial><Conference> Room 4 </Conference></Dial>",
      { ...PLAIN_DIAL, targets: [{ kind: "conference", name: "Room 4" }] },
    ],
    [
      '<Dial timeout="7" timeLimit="60" callerId="+4930123" answerOnBridge="TRUE" hangupOnStar="true" ringTone="us-old" action="/done?a=1" method="get"><Client>bob</Client></Dial>',
      {
        kind: "dial",
        targets: [bob],
        timeoutSeconds: 7,
        timeLimitSeconds: 60,
        callerId: "+4930123",
        answerOnBridge: true,
        hangupOnStar: true,
        ringTone: "us-old",
        action: { url: "/done?a=1", method: "GET" },
      },
    ],
    [
      '<Dial callerId="client:alice">12</Dial>',
      { ...PLAIN_DIAL, callerId: "client:alice", targets: [{ kind: "number", number: "12" }] },
    ],
    ["<Play>https://h.example/a.mp3</Play>", { kind: "play", url: "https://h.example/a.mp3", loop: 1 }],
    ['<Play loop="0">nearside:music</Play>', { kind: "play", url: "nearside:music", loop: 1_000 }],
    ['<Play loop="3">\n  tunes/a.wav\n</Play>', { kind: "play", url: "tunes/a.wav", loop: 3 }],
    ['<Play digits="ww12#*"/>', { kind: "play-digits", digits: "ww12#*", loop: 1 }],
    ["<Say>Good\n   morning</Say>", { kind: "say", text: "Good morning", loop: 1 }],
    [
      '<Say voice="Polly.Amy-Neural" language="en-GB" loop="0">Hi</Say>',
      { kind: "say", text: "Hi", voice: "Polly.Amy-Neural", language: "en-GB", loop: 1_000 },
    ],
    [
      '<Say><p>One</p><p><emphasis>re</emphasis>cord</p>a<break time="1s"/>b<![CDATA[ <c> ]]></Say>',
      { kind: "say", text: "One record a b <c>", loop: 1 },
    ],
    ["<Pause/>", { kind: "pause", seconds: 1 }],
    ['<Pause length="12"/>', { kind: "pause", seconds: 12 }],
    ["<Redirect/>", { kind: "redirect", url: "", method: "POST" }],
    ['<Redirect method="GET">../next</Redirect>', { kind: "redirect", url: "../next", method: "GET" }],
    ["<Reject/>", { kind: "reject", reason: "rejected" }],
    ['<Reject reason="busy"><Parameter name="a" value="b"/></Reject>', { kind: "reject", reason: "busy" }],
    ["<Hangup/>", { kind: "hangup" }],
    ["<Echo/>", { kind: "echo" }],
  ])("%s is taken without a warning", (inner, expected) => {
    expect(problemsOf(`<Response>${inner}</Response>`)).toEqual([]);
    expect(verb(inner)).toEqual(expected);
  });

  it("know their place, in characters, whatever ends the lines before", () => {
    const text =
      "\uFEFF<?xml version='1.0'?>\r\n<!-- 1 -->\r<Response>\n  <Say>😀 hé</Say> <Echo/>\n\t<Hangup/></Response>";
    expect(verbsOf(text).map(({ kind, at }) => `${kind} ${at.line}:${at.column}`)).toEqual([
      "say 4:3",
      "echo 4:19",
      "hangup 5:2",
    ]);
  });

  it("may be none: the document ends at once", () => {
    expect(verbsOf("<Response/>")).toEqual([]);
  });

  it("are read whatever name spaces and schema locations surround them", () => {
    const root =
      '<Response xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:noNamespaceSchemaLocation="a" xml:lang="en">';
    expect(problemsOf(`${root}<Hangup/></Response>`)).toEqual([]);
  });
});

describe("documents that are not run", () => {
  it.each([
    ["", ["1:1 11770!"]],
    [" \n\t", ["1:1 11770!"]],
    ["not xml", ["1:1 12100!"]],
    ["<Response>", ["1:11 12100!"]],
    ["<Response>\n  <Say>Hi</Response>", ["2:10 12100!"]],
    ["<Response>\n<Dial a='1' a='2'/></Response>", ["2:18 12100!"]],
    ["<Response>😀😀&nope;</Response>", ["1:13 12100!"]],
    ["<Response><Say>a & b</Say></Response>", ["1:20 12100!"]],
    ["<Response/><Response/>", ["1:12 12100!"]],
    ["<Response>\u0000</Response>", ["1:11 12100!"]],
    ["<!DOCTYPE Response [<!ENTITY a 'b'>]><Response>&a;</Response>", ["1:1 12100!"]],
    [" <Answer/>", ["1:2 12102! Answer"]],
    ["<response/>", ["1:1 12102! response"]],
    ["<Response><Play/></Response>", ["1:11 11100! Play"]],
    ["<Response><Play>ftp://h.example/a</Play></Response>", ["1:17 11100! Play"]],
    ["<Response><Play>http://</Play></Response>", ["1:17 11100! Play"]],
    ["<Response><Play>http:///a</Play></Response>", ["1:17 11100! Play"]],
    ["<Response><Redirect>http://h.example/a b</Redirect></Response>", ["1:21 11100! Redirect"]],
    ["<Response><Redirect>nearside:music</Redirect></Response>", ["1:21 11100! Redirect"]],
    ['<Response><Dial  action="javascript:1">12</Dial></Response>', ["1:18 11100! Dial"]],
  ])("%j", (text, expected) => {
    expect(parseTwiml(text).ok).toBe(false);
    expect(problemsOf(text)).toEqual(expected);
  });

  it("tell the first error's code, and every problem in the order of the text", () => {
    const text = `<Response>
  <Dial timeout="soon" action="gopher:x"
        colour="red"><Client>no body</Client></Dial>
  <Jump/>
  <Play>mailto:a</Play>
</Response>`;
    expect(parseTwiml(text)).toMatchObject({ ok: false, code: 11100 });
    expect(problemsOf(text)).toEqual([
      "2:9 13212 Dial",
      "2:24 11100! Dial",
      "3:9 12200 Dial",
      "3:30 12200 Client",
      "4:3 12200 Jump",
      "5:9 11100! Play",
    ]);
  });

  it("may have 64 kB, counted in bytes, and no more", () => {
    const padded = (bytes: number) => `<Response>${" ".repeat(bytes - 21)}</Response>`;
    expect(problemsOf(padded(65_536))).toEqual([]);
    expect(problemsOf(padded(65_537))).toEqual(["1:1 11750!"]);
    expect(problemsOf(`<Response><Say>${"é".repeat(32_768)}</Say></Response>`)).toEqual(["1:1 11750!"]);
  });

  it("may nest 32 deep; the first element that is deeper is named", () => {
    const nested = (depth: number) => `<Response>${"<p>".repeat(depth - 1)}${"</p>".repeat(depth - 1)}</Response>`;
    expect(problemsOf(nested(32))).toEqual(["1:11 12200 p"]);
    expect(problemsOf(nested(33))).toEqual(["1:104 12100!"]);
  });

  it.each([
    ["a comment", "<!-- </a></a> -->"],
    ["a CDATA section", "<![CDATA[</a></a>]]>"],
    ["a processing instruction", "<?a </a></a>?>"],
    ["an attribute", "<b c='/></a></a>'/>"],
    ["an attribute of another quote", '<b c="\'/>"/>'],
  ])("cannot hide their depth in %s", (_, hidden) => {
    const text = `<Response>${`<a>${hidden}`.repeat(2_500)}`;
    expect(problemsOf(text)[0]).toMatch(/^1:\d+ 12100!$/);
  });

  it("may have 1,000 verbs", () => {
    expect(problemsOf(`<Response>${"<Echo/>".repeat(1_000)}</Response>`)).toEqual([]);
    expect(problemsOf(`<Response>${"<Echo/>".repeat(1_001)}</Response>`)).toEqual(["1:7011 12100! Echo"]);
  });

  it("are told so in words", () => {
    expect(parseTwiml("<Response>\n  <Say>Hi</Response>")).toEqual({
      ok: false,
      code: 12100,
      problems: [{ level: "error", code: 12100, line: 2, column: 10, message: "Missing end tag for element Say" }],
    });
    expect(parseTwiml('<Response><Dial timeout="900">12</Dial></Response>')).toMatchObject({
      ok: true,
      warnings: [
        {
          level: "warning",
          code: 13212,
          line: 1,
          column: 17,
          element: "Dial",
          message: "timeout must be a whole number from 5 to 600; 600 is used",
        },
      ],
    });
  });
});

describe("values that are replaced by their default, with a warning at the attribute", () => {
  it.each([
    ['<Dial timeout="x">12</Dial>', 13212, "1:17", "<Dial>12</Dial>"],
    ['<Dial timeout="-5">12</Dial>', 13212, "1:17", "<Dial>12</Dial>"],
    ['<Dial timeout="2">12</Dial>', 13212, "1:17", '<Dial timeout="5">12</Dial>'],
    ['<Dial timeout="99999999999">12</Dial>', 13212, "1:17", '<Dial timeout="600">12</Dial>'],
    ['<Dial timeLimit="">12</Dial>', 13216, "1:17", "<Dial>12</Dial>"],
    ['<Dial timeLimit="0">12</Dial>', 13216, "1:17", '<Dial timeLimit="1">12</Dial>'],
    ['<Dial hangupOnStar="yes">12</Dial>', 13213, "1:17", "<Dial>12</Dial>"],
    ['<Dial answerOnBridge="1">12</Dial>', 13219, "1:17", "<Dial>12</Dial>"],
    ['<Dial action="/a" method="PUT">12</Dial>', 13210, "1:29", '<Dial action="/a" method="POST">12</Dial>'],
    ['<Dial callerId="a b">12</Dial>', 13214, "1:17", "<Dial>12</Dial>"],
    [`<Dial callerId="${"1".repeat(256)}">12</Dial>`, 13248, "1:17", "<Dial>12</Dial>"],
    ['<Dial ringTone="loud">12</Dial>', 12200, "1:17", "<Dial>12</Dial>"],
    ['<Play loop="-1">a</Play>', 13410, "1:17", "<Play>a</Play>"],
    ['<Play loop="1.5">a</Play>', 13410, "1:17", "<Play>a</Play>"],
    ['<Play loop="5000">a</Play>', 13410, "1:17", '<Play loop="1000">a</Play>'],
    ['<Play digits="12x">a</Play>', 13430, "1:17", "<Play>a</Play>"],
    ['<Say loop="often">a</Say>', 13510, "1:16", "<Say>a</Say>"],
    ['<Say voice="a b">a</Say>', 13511, "1:16", "<Say>a</Say>"],
    ['<Say language="English!">a</Say>', 13512, "1:16", "<Say>a</Say>"],
    ['<Pause length="0"/>', 13910, "1:18", "<Pause/>"],
    ['<Pause length="soon"/>', 13910, "1:18", "<Pause/>"],
    ['<Redirect method="HEAD">/a</Redirect>', 13710, "1:21", "<Redirect>/a</Redirect>"],
    ['<Reject reason="tired"/>', 13810, "1:19", "<Reject/>"],
  ])("%s", (wrong, code, place, meant) => {
    const name = /^<(\w+)/.exec(wrong)![1]!;
    expect(problemsOf(`<Response>${wrong}</Response>`)).toEqual([`${place} ${code} ${name}`]);
    expect(verb(wrong)).toEqual(verb(meant));
  });
});

describe("parts that are skipped with a warning", () => {
  it.each([
    ["<Response colour='red'/>", ["1:11 12200 Response"], []],
    ["<Response> Hello <Echo/></Response>", ["1:12 12200 Response"], ["echo"]],
    ["<Response><dial>12</dial><Echo/></Response>", ["1:11 12200 dial"], ["echo"]],
    ["<Response><Gather><Say>x</Say></Gather><Echo/></Response>", ["1:11 12200 Gather"], ["echo"]],
    ["<Response><Play digits='x'/><Echo/></Response>", ["1:17 13430 Play"], ["echo"]],
    ["<Response><Play digits='1'>a</Play></Response>", ["1:28 12200 Play"], ["play-digits"]],
    ["<Response><Say> </Say><Echo/></Response>", ["1:11 13520 Say"], ["echo"]],
    [`<Response><Say>${"x".repeat(4_097)}</Say></Response>`, ["1:11 13521 Say"], []],
    ["<Response><Say>a<Play>b</Play></Say></Response>", ["1:17 12200 Play"], ["say"]],
    ["<Response><Hangup>now</Hangup></Response>", ["1:19 12200 Hangup"], ["hangup"]],
    [
      "<Response><Echo a='1' b='2'><C/></Echo></Response>",
      ["1:17 12200 Echo", "1:23 12200 Echo", "1:29 12200 C"],
      ["echo"],
    ],
    ["<Response><Pause><Say>a</Say></Pause></Response>", ["1:18 12200 Say"], ["pause"]],
  ])("%s", (text, problems, verbs) => {
    expect(problemsOf(text)).toEqual(problems);
    expect(verbsOf(text).map(({ kind }) => kind)).toEqual(verbs);
  });

  it.each([
    ["<Dial/>", ["1:11 13223 Dial"], []],
    ["<Dial>call me</Dial>", ["1:17 13223 Dial"], []],
    ["<Dial>+0123</Dial>", ["1:17 13223 Dial"], []],
    ["<Dial><Number/><Client>bob</Client></Dial>", ["1:17 13223 Number"], ["client"]],
    ["<Dial><Number>0x12</Number></Dial>", ["1:25 13223 Number"], []],
    ["<Dial><Client/></Dial>", ["1:17 12200 Client"], []],
    ["<Dial><Client>a b</Client></Dial>", ["1:25 12200 Client"], []],
    ["<Dial><Client>x<Identity>bob</Identity></Client></Dial>", ["1:25 12200 Client"], ["client"]],
    ["<Dial><Client>bob<Parameter value='1'/></Client></Dial>", ["1:28 12200 Parameter"], ["client"]],
    ["<Dial><Client>bob<Custom/></Client></Dial>", ["1:28 12200 Custom"], ["client"]],
    ["<Dial><Client url='/w'>bob</Client></Dial>", ["1:25 12200 Client"], ["client"]],
    ["<Dial><Sip>pbx.example</Sip></Dial>", ["1:22 13243 Sip"], []],
    ["<Dial><Sip>tel:+4930</Sip></Dial>", ["1:22 13243 Sip"], []],
    [`<Dial><Sip>sip:a@b?${"x".repeat(1_025)}=1</Sip></Dial>`, ["1:22 13243 Sip"], []],
    [`<Dial><Sip>sip:${"x".repeat(260)}@b</Sip></Dial>`, ["1:22 13243 Sip"], []],
    ["<Dial><Conference/></Dial>", ["1:17 13237 Conference"], []],
    ["<Dial><Conference muted='true'>a</Conference></Dial>", ["1:29 12200 Conference"], ["conference"]],
    ["<Dial><Conference>a</Conference><Number>12</Number></Dial>", ["1:43 13000 Number"], ["conference"]],
    ["<Dial><Number>12</Number><Conference>a</Conference></Dial>", ["1:36 13000 Conference"], ["number"]],
    ["<Dial><Conference>a</Conference><Conference>a</Conference></Dial>", ["1:43 13000 Conference"], ["conference"]],
    ["<Dial>12<Number>34</Number></Dial>", ["1:17 12200 Dial"], ["number"]],
    ["<Dial><Queue>q</Queue></Dial>", ["1:11 13223 Dial", "1:17 12200 Queue"], []],
    ["<Dial>12<Say>wait</Say></Dial>", ["1:19 13215 Say"], ["number"]],
    ["<Dial>12<Fax/></Dial>", ["1:19 12200 Fax"], ["number"]],
    ["<Dial record='true' sequential='true'>12</Dial>", ["1:17 12200 Dial", "1:31 12200 Dial"], ["number"]],
    [`<Dial>${"<Client>a</Client>".repeat(11)}</Dial>`, ["1:197 13250 Client"], Array(10).fill("client")],
  ])("%s", (inner, problems, targets) => {
    expect(problemsOf(`<Response>${inner}</Response>`)).toEqual(problems);
    expect(verbsOf(`<Response>${inner}</Response>`)).toMatchObject([
      { kind: "dial", targets: targets.map((kind: string) => ({ kind })) },
    ]);
  });

  it("say whether a thing is unknown or only not supported yet", () => {
    const result = parseTwiml("<Response><Gather/><Gater/><Dial record='true' rekord='true'>12</Dial></Response>");
    expect(result.ok && result.warnings.map(({ message }) => message)).toEqual([
      "<Gather> is not supported yet and is skipped",
      "<Gater> is unknown and is skipped",
      "attribute record is not supported yet and is ignored",
      "attribute rekord is unknown and is ignored",
    ]);
  });
});
