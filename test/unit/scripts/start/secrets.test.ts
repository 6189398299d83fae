import { createPrivateKey, createPublicKey, randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { localFolderAt } from "../../../../scripts/start/local-folder.ts";
import type { LocalFolder } from "../../../../scripts/start/local-folder.ts";
import { createSecrets, loadGatewayKey, loadSecrets } from "../../../../scripts/start/secrets.ts";

let folder: LocalFolder;
beforeEach(() => {
  folder = localFolderAt(mkdtempSync(join(tmpdir(), "nearside-secrets-")));
});
afterEach(() => rmSync(folder.root, { recursive: true }));

describe("createSecrets", () => {
  const { accounts, ...keys } = createSecrets(randomBytes);

  it("makes the two accounts with the same identities and different passwords", () => {
    expect(accounts.map(({ name, sipDomain }) => [name, sipDomain])).toEqual([
      ["demo", "demo.nearside.test"],
      ["other", "other.nearside.test"],
    ]);
    const passwords = accounts.flatMap(({ users }) => Object.values(users).map(({ password }) => password));
    expect(accounts.map(({ users }) => Object.keys(users))).toEqual([
      ["alice", "bob", "carol"],
      ["alice", "bob", "carol"],
    ]);
    expect(new Set(passwords).size).toBe(6);
  });

  it("makes passwords that need no quoting in a SIP URI or a phone's configuration", () => {
    for (const { users } of accounts) {
      for (const { password } of Object.values(users)) expect(password).toMatch(/^[A-Za-z0-9]{20}$/);
    }
  });

  it("makes keys of 32 bytes, each another one", () => {
    for (const key of Object.values(keys)) expect(key).toMatch(/^[0-9a-f]{64}$/);
    expect(new Set(Object.values(keys)).size).toBe(3);
  });

  it("uses Twilio's forms for sids", () => {
    for (const { sid, apiKey } of accounts) {
      expect(sid).toMatch(/^AC[0-9a-f]{32}$/);
      expect(apiKey.sid).toMatch(/^SK[0-9a-f]{32}$/);
    }
  });
});

describe("loadSecrets", () => {
  it("keeps what it made, for its owner's eyes only", () => {
    const first = loadSecrets(folder);
    expect(loadSecrets(folder)).toEqual(first);
    expect(statSync(folder.secrets).mode & 0o777).toBe(0o600);
  });

  it.each(["{", "{}", '{"operatorToken":"short"}'])("refuses the broken file %j instead of replacing it", (text) => {
    writeFileSync(folder.secrets, text);
    expect(() => loadSecrets(folder)).toThrow("--reset");
    expect(readFileSync(folder.secrets, "utf8")).toBe(text);
  });
});

describe("loadGatewayKey", () => {
  it("makes an Ed25519 pair once and tells its public half as 32 raw bytes", () => {
    const { file, publicKey } = loadGatewayKey(folder, "us-east");
    expect(Buffer.from(publicKey, "base64url")).toHaveLength(32);
    expect(loadGatewayKey(folder, "us-east")).toEqual({ file, publicKey });
    const { x } = createPublicKey(createPrivateKey(readFileSync(file))).export({ format: "jwk" });
    expect(x).toBe(publicKey);
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  it("gives each gateway its own", () => {
    expect(loadGatewayKey(folder, "us-east").publicKey).not.toBe(loadGatewayKey(folder, "eu-west").publicKey);
  });
});
