import { describe, expect, it } from "vitest";
import { encodeWorkerdConfig, quote } from "../../../../scripts/start/workerd-config.ts";
import type { WorkerdPlan } from "../../../../scripts/start/workerd-config.ts";

const plan: WorkerdPlan = {
  settings: {
    name: "nearside",
    compatibilityDate: "2026-10-20",
    compatibilityFlags: ["nodejs_compat"],
    vars: { DEVELOPMENT: "false" },
    objects: [
      { binding: "CALL", className: "CallObject" },
      { binding: "CALL_AGAIN", className: "CallObject" },
      { binding: "REGION", className: "RegionObject" },
    ],
  },
  modules: [
    { name: "index.js", kind: "esModule", file: "bundle/index.js" },
    { name: "page.html", kind: "text", file: "bundle/page.html" },
  ],
  texts: { DEVELOPMENT: "true", REGION_CONFIG: '{"a":"b"}' },
  storageFolder: "/clone/.local/storage",
  http: { host: "127.0.0.1", port: 8787 },
};

describe("encodeWorkerdConfig", () => {
  const text = encodeWorkerdConfig(plan);

  it("keeps the order of modules, because the first one is the main module", () => {
    expect(text).toMatch(
      /modules = \[\s+\(name = "index.js", esModule = embed "bundle\/index.js"\),\s+\(name = "page.html", text = embed/,
    );
  });

  it("gives each object class one SQLite namespace with a key that never changes, however many bindings it has", () => {
    expect(text.match(/enableSql = true/g)).toHaveLength(2);
    expect(text).toContain('(className = "CallObject", uniqueKey = "nearside-CallObject", enableSql = true)');
    expect(text).toContain('(name = "CALL_AGAIN", durableObjectNamespace = "CallObject")');
  });

  it("lets its own texts win over the vars of wrangler.toml", () => {
    expect(text.match(/name = "DEVELOPMENT"/g)).toHaveLength(1);
    expect(text).toContain('(name = "DEVELOPMENT", text = "true")');
  });

  it("quotes JSON", () => {
    expect(text).toContain(String.raw`(name = "REGION_CONFIG", text = "{\"a\":\"b\"}")`);
  });

  it("serves plain HTTP only unless told otherwise", () => {
    expect(text).toContain('address = "127.0.0.1:8787", http = ()');
    expect(text).not.toContain("https = ");
  });

  it("serves HTTPS on another address with the certificate, IPv6 in brackets", () => {
    const https = { host: "2001:db8::1", port: 8788, keyFile: "tls/key.pem", certificateFile: "tls/certificate.pem" };
    const withTls = encodeWorkerdConfig({ ...plan, https });
    expect(withTls).toContain('address = "[2001:db8::1]:8788", https = (options = (), tlsOptions');
    expect(withTls).toContain('privateKey = embed "tls/key.pem", certificateChain = embed "tls/certificate.pem"');
  });
});

it.each([
  ["plain", '"plain"'],
  ['say "hi"', String.raw`"say \"hi\""`],
  ["back\\slash", String.raw`"back\\slash"`],
  ["two\nlines", String.raw`"two\x0alines"`],
  ["é", String.raw`"\xc3\xa9"`],
])("quotes %j for Cap'n Proto", (text, quoted) => {
  expect(quote(text)).toBe(quoted);
});
