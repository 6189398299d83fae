import { describe, expect, it } from "vitest";
import { isUrlReference, resolveUrlReference } from "../../../../../worker/domain/instructions/url-reference.ts";

const BASE = "http://a/b/c/d;p?q";

describe("resolving a reference", () => {
  // RFC 3986 sections 5.4.1 and 5.4.2, without those of other schemes.
  it.each([
    ["g", "http://a/b/c/g"],
    ["./g", "http://a/b/c/g"],
    ["g/", "http://a/b/c/g/"],
    ["/g", "http://a/g"],
    ["//g", "http://g"],
    ["?y", "http://a/b/c/d;p?y"],
    ["g?y", "http://a/b/c/g?y"],
    ["#s", "http://a/b/c/d;p?q#s"],
    ["g#s", "http://a/b/c/g#s"],
    ["g?y#s", "http://a/b/c/g?y#s"],
    [";x", "http://a/b/c/;x"],
    ["g;x?y#s", "http://a/b/c/g;x?y#s"],
    ["", "http://a/b/c/d;p?q"],
    [".", "http://a/b/c/"],
    ["./", "http://a/b/c/"],
    ["..", "http://a/b/"],
    ["../", "http://a/b/"],
    ["../g", "http://a/b/g"],
    ["../..", "http://a/"],
    ["../../", "http://a/"],
    ["../../g", "http://a/g"],
    ["../../../g", "http://a/g"],
    ["../../../../g", "http://a/g"],
    ["/./g", "http://a/g"],
    ["/../g", "http://a/g"],
    ["g.", "http://a/b/c/g."],
    [".g", "http://a/b/c/.g"],
    ["g..", "http://a/b/c/g.."],
    ["./../g", "http://a/b/g"],
    ["./g/.", "http://a/b/c/g/"],
    ["g/./h", "http://a/b/c/g/h"],
    ["g/../h", "http://a/b/c/h"],
    ["g;x=1/./y", "http://a/b/c/g;x=1/y"],
    ["g?y/../x", "http://a/b/c/g?y/../x"],
    ["g#s/../x", "http://a/b/c/g#s/../x"],
    ["https://h.example/x/../y", "https://h.example/x/../y"],
  ])("%j", (reference, expected) => {
    expect(resolveUrlReference(reference, BASE)).toBe(expected);
  });

  it.each([
    ["", "https://h.example/a?b#rc=2", "https://h.example/a?b#rc=2"],
    ["c", "https://u:p@h.example:8443", "https://u:p@h.example:8443/c"],
    ["?c", "HTTP://h.example", "http://h.example?c"],
    ["c", undefined, undefined],
    ["", undefined, undefined],
    ["c", "nearside:music", undefined],
    ["nearside:music", undefined, "nearside:music"],
  ])("%j in a document from %s", (reference, base, expected) => {
    expect(resolveUrlReference(reference, base)).toBe(expected);
  });

  it("agrees with the platform's URL on paths", () => {
    for (const reference of [
      "a/b/../../../c",
      "/a/./b/.",
      "x/..",
      "./../../y/",
      "?a=b",
      "a/b//c",
      "//h/..",
      "a?b=../c",
    ]) {
      const ours = resolveUrlReference(reference, "https://h.example/one/two/three?four");
      expect(new URL(ours!).href).toBe(new URL(reference, "https://h.example/one/two/three?four").href);
    }
  });
});

describe("a URL reference", () => {
  it.each([
    "",
    ".",
    "?x=y",
    "../n",
    "a:b/../c".slice(2),
    "/a:b",
    "//h.example/x",
    "HTTPS://h.example",
    "http://u:p@h.example:80/a?b=c#rc=2",
    "http://[::1]:8080/",
    "http://h.example/ä?%20",
  ])("is %j", (text) => {
    expect(isUrlReference(text, ["http", "https"])).toBe(true);
  });

  it.each([
    "nearside:music",
    "javascript:alert(1)",
    "http:",
    "http:/a",
    "http://",
    "http:///a",
    "http://:80/",
    "http://u@/",
    "///a",
    "1a:b",
    "http://h.example/a b",
    "a\nb",
    "a\u0000b",
    "<a>",
    `http://h.example/${"a".repeat(4_000)}`,
  ])("is not %j", (text) => {
    expect(isUrlReference(text, ["http", "https"])).toBe(false);
  });
});
