/** The whole stack under test, on ports and storage of its own, and its processes by what they do. */
import { cpSync, existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { RegionConfig } from "#region-config";
import { encodeAccount } from "../../scripts/start/operator-client.ts";
import type { LocalAccount } from "../../scripts/start/secrets.ts";
import { buildWorker, BUNDLE_STAMP, hashSources } from "../../scripts/start/worker-bundle.ts";
import { startStack } from "../../test/support/stack.ts";
import type { Stack } from "../../test/support/stack.ts";
import type { Pids } from "./process-cpu.ts";
import { FIRST_STACK_RTP_PORT, STACK_RTP_PORTS } from "./rtp-ports.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url)).replace(/\/$/, "");
/** A file system without a disk, as Linux has it. */
const MEMORY = "/dev/shm";
/** A build takes seconds; each benchmark has a stack of its own. */
const BUNDLE_CACHE = join(ROOT, ".cache/bench-bundle");

export interface BenchUser {
  readonly identity: string;
  readonly domain: string;
  readonly password: string;
}

export interface BenchStack {
  readonly stack: Stack;
  /** Extra users of the demo account: `bench0`, `bench1`, … */
  readonly users: readonly BenchUser[];
  close(): Promise<void>;
}

export interface BenchStackOptions {
  readonly users?: number;
  /** Last change of the built Worker before it is run. */
  readonly changeBundle?: (folder: string) => void;
  /** Keeps all storage in memory, so that no commit waits for a disk. */
  readonly inMemory?: boolean;
}

export async function startBenchStack(options: BenchStackOptions = {}): Promise<BenchStack> {
  const { users = 0, changeBundle, inMemory = false } = options;
  const folder = await mkdtemp(join(inMemory ? MEMORY : tmpdir(), "nearside-bench-"));
  const removeFolder = (): Promise<void> => rm(folder, { recursive: true, force: true, maxRetries: 3 });
  const bundle = join(folder, "bundle");
  try {
    await fillBundleCache();
    cpSync(BUNDLE_CACHE, bundle, { recursive: true });
    changeBundle?.(bundle);
    const stack = await startStack({ localFolder: folder, changeRegions: withManyRtpPorts });
    const extra = users === 0 ? [] : await addUsers(stack, users);
    return {
      stack,
      users: extra,
      close: async () => {
        await stack.close();
        await removeFolder();
      },
    };
  } catch (error) {
    await removeFolder();
    throw error;
  }
}

/** A port rests for a second after its call: calls that last a moment need more of them than the tests' stacks have. */
function withManyRtpPorts(config: RegionConfig): RegionConfig {
  const first = (index: number): number => FIRST_STACK_RTP_PORT + index * STACK_RTP_PORTS;
  const gateways = config.gateways.map((gateway, index) => ({
    ...gateway,
    rtpPorts: [first(index), first(index + 1) - 1] as const,
  }));
  return { ...config, gateways };
}

/** Worker and the named gateways, for a CPU meter. */
export function pidsOf(stack: Stack, ...gateways: readonly string[]): Pids {
  const pids: Record<string, number> = { workerd: stack.description.worker.pid ?? 0 };
  for (const id of gateways) pids[id] = stack.gateway(id).pid ?? 0;
  return pids;
}

async function fillBundleCache(): Promise<void> {
  const stamp = join(BUNDLE_CACHE, BUNDLE_STAMP);
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === hashSources(ROOT)) return;
  rmSync(BUNDLE_CACHE, { recursive: true, force: true });
  const hash = hashSources(ROOT);
  await buildWorker(ROOT, BUNDLE_CACHE);
  writeFileSync(stamp, hash);
}

async function addUsers(stack: Stack, count: number): Promise<readonly BenchUser[]> {
  const { accounts } = secretsOf(stack);
  const demo = accounts.find(({ name }) => name === "demo");
  if (demo === undefined) throw new Error("the stack has no demo account");
  const users = Array.from({ length: count }, (_, index) => ({
    identity: `bench${index}`,
    domain: demo.sipDomain,
    password: "password-of-benchmarks",
  }));
  const all = Object.fromEntries(users.map(({ identity, password }) => [identity, { password }]));
  await operator(stack, `/v1/operator/accounts/${demo.sid}`, {
    method: "PUT",
    body: JSON.stringify(encodeAccount({ ...demo, users: { ...demo.users, ...all } })),
  });
  return users;
}

async function operator(stack: Stack, path: string, init: RequestInit = {}): Promise<unknown> {
  const headers = { authorization: `Bearer ${secretsOf(stack).operatorToken}`, "content-type": "application/json" };
  const response = await fetch(new URL(path, stack.http), { ...init, headers });
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  return await response.json();
}

function secretsOf(stack: Stack): { readonly operatorToken: string; readonly accounts: readonly LocalAccount[] } {
  return JSON.parse(readFileSync(join(stack.localFolder, "secrets.json"), "utf8")) as ReturnType<typeof secretsOf>;
}
