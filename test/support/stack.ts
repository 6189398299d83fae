/** The whole stack as `npm start` runs it, with its own ports, secrets and storage, so that it runs beside one that is in use. */
import { existsSync } from "node:fs";
import { cp, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseRegionConfig } from "#region-config";
import type { RegionConfig } from "#region-config";
import { freePort } from "./free-port.ts";
import { Lab } from "./lab.ts";
import { PeerProcess } from "./peer-process.ts";
import { waitUntil } from "./wait-until.ts";
import { WORKER_SLICE } from "./worker-slice.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** `.local/stack.json` (docs/operations.md). */
export interface StackDescription {
  readonly http: string;
  readonly worker: { readonly pid: number | null };
  readonly centralMedia?: { readonly pid: number | null };
  readonly gateways: Readonly<Record<string, StackGateway>>;
  readonly accounts: readonly StackAccount[];
}

export interface StackGateway {
  readonly host: string;
  readonly sip: { readonly udp: number; readonly tcp: number; readonly tls: number };
  /** `null` while it is dead. */
  readonly pid: number | null;
}

export interface StackAccount {
  readonly name: string;
  readonly sid: string;
  readonly authToken: string;
  readonly sipDomain: string;
  readonly apiKey: { readonly sid: string; readonly secret: string };
  readonly users: Readonly<Record<string, { readonly password: string }>>;
}

export interface StackOptions {
  /** Address of the gateways; 127.0.0.1 unless told otherwise. */
  readonly host?: string;
  /** Whether a process that dies is started again; on unless told otherwise. */
  readonly restart?: boolean;
  /** Uses the fixed ports of `npm start` and its `.local`: for the test of exactly those. */
  readonly fixedPorts?: boolean;
  /** Changes the region file before it is used. */
  readonly changeRegions?: (config: RegionConfig) => RegionConfig;
  /** Local state of an earlier stack, to start it again. */
  readonly localFolder?: string;
  readonly args?: readonly string[];
  readonly timeoutMs?: number;
}

/** UDP ports of media for a stack with its own ports, between those of the fixed stack and those of test phones. */
const RTP_PORTS_EACH = 500;
const FIRST_RTP_PORT = 26_100 + WORKER_SLICE * 3 * RTP_PORTS_EACH;
/** The Worker's bundle of the last stack: built again only when its sources have changed (`ensureWorkerBundle`). */
const BUNDLE_CACHE = join(ROOT, `.cache/test/stack-bundle-${WORKER_SLICE}`);

export async function startStack(options: StackOptions = {}): Promise<Stack> {
  const lab = new Lab();
  try {
    const localFolder =
      options.fixedPorts === true ? join(ROOT, ".local") : (options.localFolder ?? (await lab.folder()));
    const args = options.fixedPorts === true ? [] : await ownPlace(localFolder, options);
    const bundle = join(localFolder, "bundle");
    if (!existsSync(bundle) && existsSync(BUNDLE_CACHE)) await cp(BUNDLE_CACHE, bundle, { recursive: true });
    const process = await PeerProcess.start({
      name: "npm start",
      command: globalThis.process.execPath,
      args: [
        join(ROOT, "scripts/start.mjs"),
        ...args,
        ...(options.host === undefined ? [] : ["--host", options.host]),
        ...(options.restart === false ? ["--no-restart"] : []),
        ...(options.args ?? []),
      ],
      cwd: ROOT,
      // It ends its own children; killed, it would leave them.
      exitSignal: "SIGTERM",
    });
    const stack = new Stack(process, localFolder, lab);
    await lab.own({ close: () => stack.stop() });
    await process.waitForLine(/^ready/, { timeoutMs: options.timeoutMs ?? 60_000 });
    await stack.reload();
    await cp(bundle, BUNDLE_CACHE, { recursive: true });
    return stack;
  } catch (failure) {
    await lab.close();
    throw failure;
  }
}

/** Arguments for a stack with ports and folder of its own. */
async function ownPlace(localFolder: string, options: StackOptions): Promise<readonly string[]> {
  const regionFile = join(localFolder, "regions.json");
  const outcome = parseRegionConfig(JSON.parse(await readFile(join(ROOT, "region-config/local.json"), "utf8")));
  if (!outcome.ok) throw new Error(`region-config/local.json: ${JSON.stringify(outcome.problems)}`);
  const moved = await withFreePorts(outcome.config);
  await writeFile(regionFile, JSON.stringify(options.changeRegions?.(moved) ?? moved, undefined, 2));
  const httpPort = await freePort("127.0.0.1", 2);
  return [
    "--local-dir",
    localFolder,
    "--region-config",
    regionFile,
    "--http-port",
    String(httpPort),
    "--https-port",
    String(httpPort + 1),
  ];
}

async function withFreePorts(config: RegionConfig): Promise<RegionConfig> {
  const gateways: RegionConfig["gateways"][number][] = [];
  for (const [index, gateway] of config.gateways.entries()) {
    const first = await freePort(gateway.host, 4);
    const firstRtp = FIRST_RTP_PORT + index * RTP_PORTS_EACH;
    gateways.push({
      ...gateway,
      sip: { udp: first, tcp: first, tls: first + 1 },
      trunkPort: first + 2,
      metricsPort: first + 3,
      rtpPorts: [firstRtp, firstRtp + RTP_PORTS_EACH - 1],
    });
  }
  return { ...config, gateways };
}

export class Stack {
  readonly process: PeerProcess;
  /** Where its secrets, storage, logs and `stack.json` are. */
  readonly localFolder: string;
  readonly #lab: Lab;
  #description: StackDescription | undefined;

  constructor(process: PeerProcess, localFolder: string, lab: Lab) {
    this.process = process;
    this.localFolder = localFolder;
    this.#lab = lab;
  }

  /** As last read; `reload` after a process was started again. */
  get description(): StackDescription {
    if (this.#description === undefined) throw new Error("the stack is not ready");
    return this.#description;
  }

  async reload(): Promise<StackDescription> {
    const text = await readFile(join(this.localFolder, "stack.json"), "utf8");
    this.#description = JSON.parse(text) as StackDescription;
    return this.#description;
  }

  get http(): string {
    return this.description.http;
  }

  account(name = "demo"): StackAccount {
    const account = this.description.accounts.find((one) => one.name === name);
    if (account === undefined) throw new Error(`no account ${name}`);
    return account;
  }

  /** What a phone or browser of this account needs to register as `identity`. */
  user(
    identity: string,
    account = "demo",
  ): { readonly identity: string; readonly domain: string; readonly password: string } {
    const { sipDomain, users } = this.account(account);
    const user = users[identity];
    if (user === undefined) throw new Error(`no user ${identity} in ${account}`);
    return { identity, domain: sipDomain, password: user.password };
  }

  gateway(id: string): StackGateway {
    const gateway = this.description.gateways[id];
    if (gateway === undefined) throw new Error(`no gateway ${id}`);
    return gateway;
  }

  /** Address of a gateway's SIP, as drivers of phones take it. */
  sip(id: string, transport: "udp" | "tcp" | "tls" = "udp"): { readonly host: string; readonly port: number } {
    const { host, sip } = this.gateway(id);
    return { host, port: sip[transport] };
  }

  /** SIP over WebSocket as it enters in a region. */
  webSocket(region: string): string {
    return `${this.http.replace(/^http/, "ws")}/sip?region=${region}`;
  }

  /** SIGKILL to a gateway; answers with the wall time, to look at recordings around it. */
  async killGateway(id: string): Promise<{ readonly pid: number; readonly atMs: number }> {
    await this.reload();
    const { pid } = this.gateway(id);
    if (pid === null) throw new Error(`gateway ${id} is dead already`);
    globalThis.process.kill(pid, "SIGKILL");
    return { pid, atMs: Date.now() };
  }

  /** SIGKILL to the Worker, and with it to every socket that it holds. */
  async killWorker(): Promise<{ readonly pid: number; readonly atMs: number }> {
    await this.reload();
    const { pid } = this.description.worker;
    if (pid === null) throw new Error("the Worker is dead already");
    globalThis.process.kill(pid, "SIGKILL");
    return { pid, atMs: Date.now() };
  }

  /** SIGSTOP or SIGCONT to a gateway: silent, not gone. */
  async signalGateway(id: string, signal: NodeJS.Signals): Promise<{ readonly pid: number; readonly atMs: number }> {
    await this.reload();
    const { pid } = this.gateway(id);
    if (pid === null) throw new Error(`gateway ${id} is dead`);
    globalThis.process.kill(pid, signal);
    return { pid, atMs: Date.now() };
  }

  /** Waits until a gateway runs again as another process. */
  async waitGatewayBack(id: string, oldPid: number, timeoutMs = 15_000): Promise<StackGateway> {
    return await waitUntil(
      `gateway ${id} runs again`,
      async () => {
        await this.reload().catch(() => undefined);
        const gateway = this.gateway(id);
        return gateway.pid !== null && gateway.pid !== oldPid && gateway;
      },
      { timeoutMs },
    );
  }

  /** A request to the REST API with the account's own credentials. */
  async request(path: string, init: RequestInit = {}, account = "demo"): Promise<Response> {
    const { sid, authToken } = this.account(account);
    const authorization = `Basic ${Buffer.from(`${sid}:${authToken}`).toString("base64")}`;
    const headers = new Headers(init.headers);
    if (!headers.has("authorization")) headers.set("authorization", authorization);
    return await fetch(new URL(path, this.http), { ...init, headers });
  }

  /** Ends it as Ctrl-C does and waits until all of it is gone; its folder stays until `close`. */
  async stop(timeoutMs = 15_000): Promise<void> {
    this.process.signal("SIGTERM");
    const late = setTimeout(() => this.#killAll(), timeoutMs);
    await this.process.ended;
    clearTimeout(late);
  }

  async close(): Promise<void> {
    await this.#lab.close();
  }

  #killAll(): void {
    const pids = [
      this.#description?.worker.pid,
      ...Object.values(this.#description?.gateways ?? {}).map(({ pid }) => pid),
    ];
    this.process.kill();
    for (const pid of pids) {
      if (pid === null || pid === undefined) continue;
      try {
        globalThis.process.kill(pid, "SIGKILL");
      } catch {
        // It has gone by itself.
      }
    }
  }
}
