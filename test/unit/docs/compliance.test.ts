import { globSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
const document = readFileSync(`${ROOT}docs/compliance.md`, "utf8");
const anchors = [...document.matchAll(/<a id="([^"]+)"><\/a>/g)].map(([, id = ""]) => id);

/** Every place of the code that departs from an RFC on purpose. */
const deviations = globSync("{sip,gateway-node,worker,protocol}/**/*.ts", { cwd: ROOT }).flatMap((file) =>
  readFileSync(`${ROOT}${file}`, "utf8")
    .split("\n")
    .flatMap((line, index) => (line.includes("DEVIATION") ? [{ place: `${file}:${index + 1}`, line }] : [])),
);

describe("docs/compliance.md", () => {
  it("has each anchor once", () => {
    expect(anchors).toEqual([...new Set(anchors)]);
  });

  it("is found from every deviation in the code", () => {
    expect(deviations.length).toBeGreaterThan(5);
    const lost = deviations.filter(({ line }) => {
      const [, anchor] = /DEVIATION \(docs\/compliance\.md#([\w.-]+)\)/.exec(line) ?? [];
      return anchor === undefined || !anchors.includes(anchor);
    });
    expect(lost).toEqual([]);
  });

  it("explains no deviation that the code does not have", () => {
    const used = deviations.map(({ line }) => line);
    const unused = anchors.filter((anchor) => !used.some((line) => line.includes(`#${anchor})`)));
    // Tolerances are many small places in the parser, each with its own test.
    expect(unused).toEqual(["tolerances"]);
  });

  it("links to no anchor that it lacks", () => {
    const links = [...document.matchAll(/\]\(#([\w.-]+)\)/g)].map(([, id = ""]) => id);
    expect(links.filter((id) => !anchors.includes(id))).toEqual([]);
  });
});
