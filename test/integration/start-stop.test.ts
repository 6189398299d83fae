/** `npm start` with the real Worker and the real gateways: what it says, what it leaves on disk, and that nothing of it stays. */
import { mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { once } from "node:events";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { freePort, portIsHeld } from "../support/free-port.ts";
import { Lab } from "../support/lab.ts";
import { PeerProcess } from "../support/peer-process.ts";
import { RawSipClient } from "../support/raw-sip-client.ts";
import { startStack } from "../support/stack.ts";
import type { Stack } from "../support/stack.ts";
import { processIds } from "../support/stack-watch.ts";
import { waitUntil } from "../support/wait-until.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const REGION_FILE = join(ROOT, "region-config/local.json");

let lab: Lab;
beforeEach(() => {
  lab = new Lab();
});
afterEach(() => lab.close());

/** A start that is expected to end by itself. */
async function failedStart(
  args: readonly string[],
): Promise<{ readonly code: number | string; readonly said: string[] }> {
  const process = await lab.own(
    PeerProcess.start({
      name: "npm start",
      command: globalThis.process.execPath,
      args: [join(ROOT, "scripts/start.mjs"), ...args],
      cwd: ROOT,
      exitSignal: "SIGTERM",
    }),
  );
  const code = await process.ended;
  await new Promise((resolve) => setImmediate(resolve));
  return { code, said: process.output.split("\n") };
}

const isAlive = (pid: number | null): boolean => {
  try {
    return pid !== null && process.kill(pid, 0);
  } catch {
    return false;
  }
};

interface HeldPort {
  readonly protocol: "udp" | "tcp";
  readonly port: number;
}

/** HTTP, and each gateway's SIP, trunk and metrics, as the region file of this stack gives them. */
async function portsOf(stack: Stack): Promise<readonly HeldPort[]> {
  const { gateways } = JSON.parse(await readFile(join(stack.localFolder, "regions.json"), "utf8")) as {
    readonly gateways: readonly {
      readonly sip: { readonly udp: number; readonly tcp: number; readonly tls: number };
      readonly trunkPort: number;
      readonly metricsPort: number;
    }[];
  };
  return [
    { protocol: "tcp", port: Number(new URL(stack.http).port) },
    ...gateways.flatMap(({ sip, trunkPort, metricsPort }): readonly HeldPort[] => [
      { protocol: "udp", port: sip.udp },
      { protocol: "tcp", port: sip.tcp },
      { protocol: "tcp", port: sip.tls },
      { protocol: "udp", port: trunkPort },
      { protocol: "tcp", port: metricsPort },
    ]),
  ];
}

describe("a stack that runs", () => {
  it("ends its start-up with the line that begins ready, and says where everything is", async () => {
    const stack = await lab.own(startStack());
    const lines = stack.process.output.split("\n");
    expect(lines.at(-1)).toMatch(/^ready in \d+\.\d s$/);
    const summary = lines.join("\n");
    for (const { sip } of Object.values(stack.description.gateways)) expect(summary).toContain(`127.0.0.1:${sip.udp}`);
    for (const text of [stack.http, "demo.nearside.test", "alice, bob, carol", "stack.json"])
      expect(summary).toContain(text);
    for (const { authToken, users } of stack.description.accounts) {
      expect(summary).not.toContain(authToken);
      for (const { password } of Object.values(users)) expect(summary).not.toContain(password);
    }
  });

  it("describes itself in stack.json to its owner only", async () => {
    const stack = await lab.own(startStack());
    const description = stack.description;
    expect(description).toEqual({
      http: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/),
      worker: { pid: expect.any(Number) },
      gateways: Object.fromEntries(
        ["us-east", "eu-west", "ap-south"].map((id) => [
          id,
          {
            host: "127.0.0.1",
            sip: { udp: expect.any(Number), tcp: expect.any(Number), tls: expect.any(Number) },
            pid: expect.any(Number),
          },
        ]),
      ),
      accounts: ["demo", "other"].map((name) => ({
        name,
        sid: expect.stringMatching(/^AC[0-9a-f]{32}$/),
        authToken: expect.stringMatching(/^[0-9a-f]{32}$/),
        sipDomain: `${name}.nearside.test`,
        apiKey: { sid: expect.stringMatching(/^SK[0-9a-f]{32}$/), secret: expect.any(String) },
        users: Object.fromEntries(["alice", "bob", "carol"].map((user) => [user, { password: expect.any(String) }])),
      })),
    });
    for (const name of ["stack.json", "secrets.json", "run.json", "dev.vars", "keys/fleet.key", "keys/us-east.pem"])
      expect((await stat(join(stack.localFolder, name))).mode & 0o777, name).toBe(0o600);
    expect((await stat(join(stack.localFolder, "storage"))).mode & 0o777).toBe(0o700);
    // A pid is that of the process that holds the sockets.
    for (const [id, { pid }] of Object.entries(description.gateways)) {
      const command = await readFile(`/proc/${pid}/cmdline`, "utf8");
      expect(command, id).toContain("gateway-node/main.ts");
    }
  });

  it("is refused a second time in its folder in one line, and does not notice", async () => {
    const stack = await lab.own(startStack());
    const { code, said } = await failedStart(["--local-dir", stack.localFolder]);
    expect(code).toBe(1);
    expect(said).toEqual([
      `npm start already runs in this folder (pid ${stack.process.pid}): stop it with Ctrl-C there or with kill ${stack.process.pid}`,
    ]);
    expect((await fetch(`${stack.http}/health`)).status).toBe(200);
  });

  it.each(["SIGTERM", "SIGINT"] as const)("leaves no process, port or stack.json behind after %s", async (signal) => {
    const stack = await lab.own(startStack());
    const pids = Object.values(await processIds(stack));
    const ports = await portsOf(stack);
    expect(await Promise.all(ports.map(({ protocol, port }) => portIsHeld(protocol, port)))).not.toContain(false);
    // A registered browser and phone, whose sockets are open.
    const clients = [await RawSipClient.open(stack, "tls"), await RawSipClient.open(stack, "ws")];
    for (const client of clients) expect((await (await lab.own(client)).registerWithDigest()).status).toBe(200);

    stack.process.signal(signal);
    expect(await stack.process.ended).toBe(0);
    expect(pids.map(isAlive)).toEqual(pids.map(() => false));
    for (const { protocol, port } of ports)
      expect(await portIsListened(protocol, port), `${port}/${protocol}`).toBe(false);
    await expect(stat(join(stack.localFolder, "stack.json"))).rejects.toMatchObject({ code: "ENOENT" });
    await expect(stat(join(stack.localFolder, "run.json"))).rejects.toMatchObject({ code: "ENOENT" });
  });

  it("starts a killed gateway and a killed Worker again, says so, and they serve", async () => {
    const stack = await lab.own(startStack());
    const from = stack.process.lineCount;
    const { pid } = await stack.killGateway("eu-west");
    const [line] = await stack.process.waitForLine(/^eu-west died \(pid \d+, SIGKILL\); started again \(pid (\d+)\)$/, {
      from,
    });
    expect(line).toContain(String(pid));
    const back = await stack.waitGatewayBack("eu-west", pid);
    expect(line).toContain(`(pid ${back.pid})`);

    const worker = stack.description.worker.pid;
    process.kill(worker ?? 0, "SIGKILL");
    await stack.process.waitForLine(/^worker died \(pid \d+, SIGKILL\); started again/, { from });
    await waitUntil("the Worker serves again", () =>
      fetch(`${stack.http}/health`).then(
        ({ ok }) => ok,
        () => false,
      ),
    );
    expect((await stack.reload()).worker.pid).not.toBe(worker);
    await waitUntil("eu-west takes registrations", () => canRegister(stack, "eu-west"), { timeoutMs: 20_000 });
  });

  it("leaves a killed gateway dead with --no-restart, and says so in stack.json", async () => {
    const stack = await lab.own(startStack({ restart: false }));
    const { pid } = await stack.killGateway("ap-south");
    await stack.process.waitForLine(new RegExp(`^ap-south died \\(pid ${pid}, SIGKILL\\); not started again$`));
    await waitUntil("stack.json says so", async () => (await stack.reload()).gateways["ap-south"]?.pid === null);
    expect(await canRegister(stack, "us-east")).toBe(true);
  });
});

async function canRegister(stack: Stack, gateway: string): Promise<boolean> {
  const client = await RawSipClient.open(stack, "tcp", { gateway }).catch(() => undefined);
  if (client === undefined) return false;
  try {
    return (await client.registerWithDigest()).status === 200;
  } catch {
    return false;
  } finally {
    await client.close();
  }
}

/** A connection that was closed lingers in the system's table; who listens is what counts. */
async function portIsListened(protocol: "udp" | "tcp", port: number): Promise<boolean> {
  if (protocol === "udp") return await portIsHeld("udp", port);
  const server = createServer();
  server.listen({ port, host: "127.0.0.1", exclusive: true });
  const outcome = await Promise.race([
    once(server, "listening").then(() => false),
    once(server, "error").then(() => true),
  ]);
  server.close();
  return outcome;
}

describe("a start that cannot be", () => {
  async function ownFolder(): Promise<string> {
    const folder = join(await lab.folder(), "state");
    await mkdir(folder);
    return folder;
  }

  it("says every port that is in use, each in a line, and starts nothing", async () => {
    const folder = await ownFolder();
    const first = await freePort("127.0.0.1", 2);
    for (const port of [first, first + 1]) {
      const holder = createServer().listen(port, "127.0.0.1");
      await once(holder, "listening");
      await lab.own({ close: () => void holder.close() });
    }
    const config = JSON.parse(await readFile(REGION_FILE, "utf8")) as { gateways: { metricsPort: number }[] };
    const [gateway] = config.gateways;
    if (gateway === undefined) throw new Error("the map has a gateway");
    gateway.metricsPort = first + 1;
    await writeFile(join(folder, "map.json"), JSON.stringify(await movedAway(config)));
    const map = join(folder, "map.json");
    const { code, said } = await failedStart([
      "--local-dir",
      folder,
      "--http-port",
      `${first}`,
      "--region-config",
      map,
    ]);
    expect(code).toBe(1);
    expect(said).toEqual([
      expect.stringMatching(new RegExp(`^port ${first}/tcp on 127\\.0\\.0\\.1 \\(HTTP\\) is in use: .*--http-port$`)),
      expect.stringMatching(new RegExp(`^port ${first + 1}/tcp .*metrics of gateway us-east\\) is in use: `)),
    ]);
  });

  /** The fixed ports may be in use by a stack beside this test; the ones under test are kept. */
  async function movedAway(config: { gateways: { metricsPort: number }[] }): Promise<unknown> {
    const gateways = [];
    for (const [index, gateway] of config.gateways.entries()) {
      const port = await freePort("127.0.0.1", 4);
      const metricsPort = index === 0 ? gateway.metricsPort : port + 3;
      gateways.push({ ...gateway, sip: { udp: port, tcp: port, tls: port + 1 }, trunkPort: port + 2, metricsPort });
    }
    return { ...config, gateways };
  }

  it("lists every mistake of the region file at once", async () => {
    const folder = await ownFolder();
    const file = join(folder, "map.json");
    const config = JSON.parse(await readFile(REGION_FILE, "utf8")) as {
      central: string;
      regions: { latitude: number }[];
      gateways: { id: string; trunkPort: number; sip: { udp: number } }[];
    };
    const [region] = config.regions;
    const [one, two] = config.gateways;
    if (region === undefined || one === undefined || two === undefined) throw new Error("the map is as it was");
    config.central = "atlantis";
    region.latitude = 123;
    one.trunkPort = 99_999;
    two.id = "Not An Id";
    await writeFile(file, JSON.stringify(config));
    const { code, said } = await failedStart(["--local-dir", folder, "--region-config", file]);
    expect(code).toBe(1);
    expect(said.length).toBeGreaterThanOrEqual(4);
    for (const line of said) expect(line).toContain("map.json");
    for (const place of ["central", "regions[0].latitude", "gateways[0].trunkPort", "gateways[1].id"])
      expect(
        said.filter((line) => line.includes(`${place}:`)),
        place,
      ).toHaveLength(1);
    await expect(stat(join(folder, "storage"))).resolves.toBeDefined();
    await expect(stat(join(folder, "run.json"))).rejects.toMatchObject({ code: "ENOENT" });
  });

  it.each([
    { what: "a region file that is not there", args: ["--region-config", "no-such-file.json"], line: /cannot be read/ },
    { what: "an option that is none", args: ["--colour"], line: /unknown option '--colour'/ },
    { what: "a port that is none", args: ["--http-port", "http"], line: /Give a port from 1 to 65535/ },
    { what: "every address at once", args: ["--host", "0.0.0.0"], line: /the one address that clients reach/ },
  ])("says in one line what is wrong with $what", async ({ args, line }) => {
    const { code, said } = await failedStart(["--local-dir", await ownFolder(), ...args]);
    expect(code).toBe(1);
    expect(said).toEqual([expect.stringMatching(line)]);
  });

  it("lists its options with --help", async () => {
    const { code, said } = await failedStart(["--help"]);
    expect(code).toBe(0);
    for (const option of [
      "--host",
      "--no-restart",
      "--region-config",
      "--http-port",
      "--https-port",
      "--log-level",
      "--reset",
    ])
      expect(said.join("\n")).toContain(option);
  });
});
