import { once } from "node:events";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { StartOptions } from "../../../../scripts/start/options.ts";
import { StartAborted } from "../../../../scripts/start/problem.ts";
import type { StackDescription } from "../../../../scripts/start/stack-file.ts";
import { Stack } from "../../../../scripts/start/stack.ts";

const REPOSITORY = fileURLToPath(new URL("../../../..", import.meta.url));
const STAND_IN = fileURLToPath(new URL("stand-in/", import.meta.url));

let root: string;
let options: StartOptions;
const open: Stack[] = [];

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), "nearside-stack-"));
  for (const folder of ["worker", "gateway-node", "scripts"]) mkdirSync(join(root, folder));
  // The stand-in Worker has no page to build.
  writeFileSync(join(root, "scripts/build-console.mjs"), "");
  writeFileSync(join(root, "package.json"), '{ "type": "module" }');
  symlinkSync(join(REPOSITORY, "node_modules"), join(root, "node_modules"));
  cpSync(join(REPOSITORY, "wrangler.toml"), join(root, "wrangler.toml"));
  cpSync(join(STAND_IN, "worker.js"), join(root, "worker/index.ts"));
  cpSync(join(STAND_IN, "gateway.js"), join(root, "gateway-node/main.ts"));
  const [httpPort, httpsPort, ...ports] = await freePorts(8);
  writeFileSync(join(root, "map.json"), JSON.stringify(mapOfTwo(ports)));
  options = {
    restart: true,
    regionConfig: join(root, "map.json"),
    httpPort: httpPort ?? 0,
    httpsPort: httpsPort ?? 0,
    logLevel: "info",
    reset: false,
    localFolder: join(root, ".local"),
  };
});
afterEach(() => Promise.all(open.splice(0).map((stack) => stack.close())));
afterAll(() => rmSync(root, { recursive: true }));

/** Ports that were free a moment ago; taken together, so that each is another one. */
async function freePorts(count: number): Promise<readonly number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, "127.0.0.1"));
  await Promise.all(servers.map((server) => once(server, "listening")));
  const ports = servers.map((server) => {
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("a TCP server has a port");
    return address.port;
  });
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

function mapOfTwo([a = 0, aTls = 0, aTrunk = 0, b = 0, bTls = 0, bTrunk = 0]: readonly number[]) {
  const gateway = (id: string, sip: number, tls: number, trunkPort: number, rtpPorts: readonly number[]) => ({
    id,
    region: id,
    host: "127.0.0.1",
    sip: { udp: sip, tcp: sip, tls },
    trunkPort,
    rtpPorts,
    metricsPort: trunkPort,
    channels: 1,
  });
  return {
    central: "us-east",
    defaultRegion: "us-east",
    regions: [
      { name: "us-east", latitude: 39, longitude: -77, locationHint: "enam" },
      { name: "eu-west", latitude: 53, longitude: -6, locationHint: "weur" },
    ],
    roundTripMs: [["us-east", "eu-west", 68]],
    gateways: [gateway("us-east", a, aTls, aTrunk, [1024, 1025]), gateway("eu-west", b, bTls, bTrunk, [1026, 1027])],
  };
}

/** A stack that has not started; what it says is kept, and can be awaited. */
function createStack(changed: Partial<StartOptions> = {}) {
  const said: string[] = [];
  const waiting = new Set<() => void>();
  const stack = new Stack(root, { ...options, ...changed }, (line) => {
    said.push(line);
    for (const check of waiting) check();
  });
  open.push(stack);
  const heard = (text: string) =>
    new Promise<void>((resolve) => {
      const check = () => {
        if (said.some((line) => line.includes(text))) resolve();
      };
      waiting.add(check);
      check();
    });
  return { stack, said, heard };
}

function readStackFile(): StackDescription {
  return JSON.parse(readFileSync(join(options.localFolder, "stack.json"), "utf8"));
}

function isAlive(pid: number | null): boolean {
  try {
    return pid !== null && process.kill(pid, 0);
  } catch {
    return false;
  }
}

describe("Stack", { timeout: 30_000 }, () => {
  it("starts Worker and gateways, enrols everyone, and leaves nothing behind when it is closed", async () => {
    const { stack, said } = createStack();
    await stack.start();
    const { http, worker, gateways, accounts } = readStackFile();
    expect(await (await fetch(`${http}/health`)).json()).toEqual({ regions: 2 });
    const { operatorToken } = JSON.parse(readFileSync(join(options.localFolder, "secrets.json"), "utf8"));
    const enrolled = await fetch(`${http}/`, { headers: { authorization: `Bearer ${operatorToken}` } });
    expect(Object.keys(await enrolled.json()).sort()).toEqual(
      [
        ...accounts.map(({ sid }) => `/v1/operator/accounts/${sid}`),
        "/v1/operator/gateways/eu-west",
        "/v1/operator/gateways/us-east",
      ].sort(),
    );
    expect(said.at(-1)).toContain("account demo");
    const pids = [worker.pid, ...Object.values(gateways).map(({ pid }) => pid)];
    expect(pids.map(isAlive)).toEqual([true, true, true]);

    await stack.close();
    expect(pids.map(isAlive)).toEqual([false, false, false]);
    for (const name of ["stack.json", "run.json"]) expect(existsSync(join(options.localFolder, name))).toBe(false);
  });

  it("keeps accounts and secrets over a restart, and makes new ones on a reset", async () => {
    const first = createStack();
    await first.stack.start();
    const { accounts } = readStackFile();
    await first.stack.close();
    const second = createStack();
    await second.stack.start();
    expect(readStackFile().accounts).toEqual(accounts);
    await second.stack.close();
    const third = createStack({ reset: true });
    await third.stack.start();
    expect(readStackFile().accounts).not.toEqual(accounts);
  });

  it("starts a killed process again and tells its new pid at once", async () => {
    const { stack, heard } = createStack();
    await stack.start();
    const before = readStackFile();
    process.kill(before.gateways["eu-west"]?.pid ?? 0, "SIGKILL");
    process.kill(before.worker.pid ?? 0, "SIGKILL");
    await Promise.all([heard("eu-west died"), heard("worker died")]);
    const after = readStackFile();
    expect(after.gateways["us-east"]).toEqual(before.gateways["us-east"]);
    expect(after.gateways["eu-west"]?.pid).not.toBe(before.gateways["eu-west"]?.pid);
    expect([after.worker.pid, after.gateways["eu-west"]?.pid ?? null].map(isAlive)).toEqual([true, true]);
  });

  it("says that a dead process is dead when it may not start it again", async () => {
    const { stack, heard } = createStack({ restart: false });
    await stack.start();
    process.kill(readStackFile().gateways["us-east"]?.pid ?? 0, "SIGKILL");
    await heard("us-east died");
    expect(readStackFile().gateways["us-east"]?.pid).toBeNull();
  });

  it("refuses a second start, whose end does not touch the first", async () => {
    const first = createStack();
    await first.stack.start();
    const second = createStack();
    await expect(second.stack.start()).rejects.toMatchObject({ code: "already-running" });
    await second.stack.close();
    expect(isAlive(readStackFile().worker.pid)).toBe(true);
  });

  it.each([0, 1, 20, 200, 400])("can be closed %i ms into its start", async (delayMs) => {
    const { stack } = createStack();
    const started = stack.start().catch((error: unknown) => error);
    // The moment is the input here; whatever the machine's speed, each of them must end well.
    await new Promise((resolve) => setTimeout(resolve, delayMs));
    await stack.close();
    const outcome = await started;
    expect(outcome === undefined || outcome instanceof StartAborted).toBe(true);
    expect(existsSync(join(options.localFolder, "run.json"))).toBe(false);
    // Nothing holds a port any more, so that the next start succeeds.
    await createStack().stack.start();
  });

  it("says the end of the log when a gateway does not start", async () => {
    const main = join(root, "gateway-node/main.ts");
    writeFileSync(main, 'console.error("no such codec"); process.exit(2);');
    try {
      const { stack } = createStack();
      await expect(stack.start()).rejects.toMatchObject({
        code: "gateway-not-ready",
        lines: expect.arrayContaining([expect.stringContaining("does not start"), "  no such codec"]),
      });
    } finally {
      cpSync(join(STAND_IN, "gateway.js"), main);
    }
  });

  it("shows what wrangler says when the Worker does not build", async () => {
    const index = join(root, "worker/index.ts");
    writeFileSync(index, "export default {");
    try {
      const { stack } = createStack();
      await expect(stack.start()).rejects.toMatchObject({ code: "build-failed" });
    } finally {
      cpSync(join(STAND_IN, "worker.js"), index);
    }
  });
});
