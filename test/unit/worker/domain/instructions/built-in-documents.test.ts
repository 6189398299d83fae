import { describe, expect, it } from "vitest";
import { documentForNumber } from "../../../../../worker/domain/instructions/built-in-documents.ts";
import { startInstructions } from "../../../../../worker/domain/instructions/instruction-machine.ts";
import { parseTwiml } from "../../../../../worker/domain/instructions/parse-twiml.ts";

describe("the platform's own numbers", () => {
  it.each([
    ["echo", [{ kind: "answer" }, { kind: "echo" }]],
    ["Music", [{ kind: "answer" }, { kind: "play", url: "nearside:music", loop: 1_000 }]],
    ["CONFERENCE", [{ kind: "answer" }, { kind: "dial", targets: [{ kind: "conference", name: "demo" }] }]],
  ])("%s answers", (number, actions) => {
    const result = parseTwiml(documentForNumber(number)!);
    if (!result.ok) throw new Error("refused");
    expect(result.warnings).toEqual([]);
    expect(startInstructions(result.document).actions).toMatchObject(actions);
  });

  it.each(["alice", "", "__proto__", "echo "])("do not include %j", (number) => {
    expect(documentForNumber(number)).toBeUndefined();
  });
});
