/** The same wrangler.toml for all three: `npm start` runs workerd on it, `wrangler dev` serves it, `wrangler deploy` would upload it. */
import { createPublicKey } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseRegionConfig } from "#region-config";
import { localFolderAt } from "../../scripts/start/local-folder.ts";
import { gatewayEnvironment } from "../../scripts/start/programs.ts";
import { gatewayKey } from "../support/control-line.ts";
import { freePort } from "../support/free-port.ts";
import { Lab } from "../support/lab.ts";
import { PeerProcess } from "../support/peer-process.ts";
import { RawSipClient } from "../support/raw-sip-client.ts";
import { startStack } from "../support/stack.ts";
import type { Stack } from "../support/stack.ts";
import { gatewayCounters, readSecrets } from "../support/stack-watch.ts";
import { waitUntil } from "../support/wait-until.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const WRANGLER = join(ROOT, "node_modules/wrangler/bin/wrangler.js");
const QUIET = { WRANGLER_SEND_METRICS: "false", CI: "true" };

const lab = new Lab();
afterAll(() => lab.close());

describe("wrangler dev", { timeout: 120_000 }, () => {
  let stack: Stack;
  let origin: string;

  beforeAll(async () => {
    // Its variables, keys and a gateway that nobody starts again are what this needs of it.
    stack = await lab.own(startStack({ restart: false }));
    const port = await freePort("127.0.0.1", 2);
    origin = `http://127.0.0.1:${port}`;
    const wrangler = await PeerProcess.start({
      name: "wrangler dev",
      command: process.execPath,
      args: [
        WRANGLER,
        "dev",
        "--env-file",
        join(stack.localFolder, "dev.vars"),
        "--ip",
        "127.0.0.1",
        "--port",
        String(port),
        "--inspector-port",
        String(port + 1),
        "--persist-to",
        join(await lab.folder(), "state"),
        "--show-interactive-dev-session=false",
      ],
      cwd: ROOT,
      env: QUIET,
      exitSignal: "SIGTERM",
    });
    // Killed, it would leave its workerd behind.
    await lab.own({
      close: async () => {
        wrangler.signal("SIGTERM");
        await wrangler.ended;
      },
    });
    await waitUntil(
      "GET /health",
      () =>
        fetch(`${origin}/health`).then(
          ({ ok }) => ok,
          () => false,
        ),
      {
        timeoutMs: 60_000,
        everyMs: 200,
      },
    );
  }, 120_000);

  it("serves the Worker, and a gateway that connects to it registers phones", async () => {
    expect(await (await fetch(`${origin}/health`)).json()).toMatchObject({ status: "ok" });
    const { operatorToken } = await readSecrets(stack);
    const { name, sid, sipDomain, authToken, users } = stack.account();
    const key = createPublicKey(await gatewayKey(stack, "us-east")).export({ format: "jwk" }).x;
    const seeds = {
      "gateways/us-east": { region: "us-east", publicKey: key },
      [`accounts/${sid}`]: {
        name,
        sipDomain,
        authToken,
        users: Object.entries(users).map(([identity, { password }]) => ({ identity, password })),
      },
    };
    for (const [path, body] of Object.entries(seeds)) {
      const response = await fetch(`${origin}/v1/operator/${path}`, {
        method: "PUT",
        headers: { authorization: `Bearer ${operatorToken}` },
        body: JSON.stringify(body),
      });
      expect(response.status, path).toBe(200);
    }

    await stack.killGateway("us-east");
    const gateway = await lab.own(startGateway());
    await gateway.waitForLine(/"gateway\.ready"/, { timeoutMs: 30_000 });
    expect(await gatewayCounters(stack)).toMatchObject({ control_channels_open: 2 });
    const phone = await lab.own(await RawSipClient.open(stack, "udp"));
    expect((await phone.registerWithDigest()).status).toBe(200);
    const routes = await fetch(`${origin}/v1/endpoints/alice/routes`, {
      headers: { authorization: `Basic ${Buffer.from(`${sid}:${authToken}`).toString("base64")}` },
    });
    expect(await routes.json()).toMatchObject({ routes: [{ gateway: "us-east", lease: "confirmed" }] });
  });

  async function startGateway(): Promise<PeerProcess> {
    const map = parseRegionConfig(JSON.parse(await readFile(join(stack.localFolder, "regions.json"), "utf8")));
    const entry = map.ok ? map.config.gateways.find(({ id }) => id === "us-east") : undefined;
    if (entry === undefined) throw new Error("us-east is on the map");
    const folder = localFolderAt(stack.localFolder);
    const files = {
      key: { file: join(folder.keys, "us-east.pem"), publicKey: "" },
      fleetKeyFile: join(folder.keys, "fleet.key"),
    };
    const env = gatewayEnvironment(folder, { httpPort: Number(new URL(origin).port), logLevel: "info" }, entry, files);
    return await PeerProcess.start({
      name: "gateway",
      command: process.execPath,
      args: [join(ROOT, "gateway-node/main.ts")],
      env,
    });
  }
});

describe("wrangler deploy --dry-run", { timeout: 90_000 }, () => {
  it("builds the Worker and finds every Durable Object", async () => {
    const folder = await lab.folder();
    const wrangler = await lab.own(
      PeerProcess.start({
        name: "wrangler deploy",
        command: process.execPath,
        args: [WRANGLER, "deploy", "--dry-run", "--outdir", folder],
        cwd: ROOT,
        env: QUIET,
      }),
    );
    expect(await wrangler.ended).toBe(0);
    expect(await readdir(folder)).toContain("index.js");
    for (const name of ["ACCOUNT", "BRIDGE", "CALL", "CALL_INDEX", "ENDPOINT", "GATEWAY", "REGION", "ROOM"])
      expect(wrangler.output).toMatch(new RegExp(`env\\.${name}\\b`));
  });
});
