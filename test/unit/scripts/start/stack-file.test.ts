import { randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { readRegionConfig } from "../../../../scripts/start/region-map.ts";
import { createSecrets } from "../../../../scripts/start/secrets.ts";
import { describeStack, writeStackFile } from "../../../../scripts/start/stack-file.ts";

const local = new URL("../../../../region-config/local.json", import.meta.url).pathname;
const { accounts } = createSecrets(randomBytes);

it("describes the stack in the shape that tests outside the repository rely on", () => {
  const pids: Readonly<Record<string, number>> = { worker: 10, "us-east": 11, "ap-south": 13 };
  const stack = describeStack(
    "http://127.0.0.1:8787",
    readRegionConfig(local, undefined),
    accounts,
    (name) => pids[name],
  );
  expect(stack).toEqual({
    http: "http://127.0.0.1:8787",
    worker: { pid: 10 },
    gateways: {
      "us-east": { host: "127.0.0.1", sip: { udp: 5060, tcp: 5060, tls: 5061 }, pid: 11 },
      "eu-west": { host: "127.0.0.1", sip: { udp: 5070, tcp: 5070, tls: 5071 }, pid: null },
      "ap-south": { host: "127.0.0.1", sip: { udp: 5080, tcp: 5080, tls: 5081 }, pid: 13 },
    },
    accounts,
  });
  expect(stack.accounts[0]).toEqual({
    name: "demo",
    sid: expect.any(String),
    authToken: expect.any(String),
    sipDomain: "demo.nearside.test",
    apiKey: { sid: expect.any(String), secret: expect.any(String) },
    users: {
      alice: { password: expect.any(String) },
      bob: { password: expect.any(String) },
      carol: { password: expect.any(String) },
    },
  });
});

it("is written whole and for its owner only", () => {
  const folder = mkdtempSync(join(tmpdir(), "nearside-stack-"));
  const file = join(folder, "stack.json");
  const description = { http: "http://127.0.0.1:1", worker: { pid: 1 }, gateways: {}, accounts: [] };
  writeStackFile(file, description);
  expect(JSON.parse(readFileSync(file, "utf8"))).toEqual(description);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  rmSync(folder, { recursive: true });
});
