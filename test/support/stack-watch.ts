/** What an operator sees of a running stack: counters, logs, processes. And what nobody may ever see: its secrets. */
import { hash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { parseRegionConfig } from "#region-config";
import type { Stack } from "./stack.ts";

export type Counters = Readonly<Record<string, number>>;

interface LocalSecrets {
  readonly operatorToken: string;
  readonly callTokenKey: string;
  readonly fleetKey: string;
}

export async function readSecrets(stack: Stack): Promise<LocalSecrets> {
  return JSON.parse(await readFile(join(stack.localFolder, "secrets.json"), "utf8")) as LocalSecrets;
}

/** A request with the operator's token. */
export async function askOperator(stack: Stack, path: string, init: RequestInit = {}): Promise<Response> {
  const { operatorToken } = await readSecrets(stack);
  const headers = new Headers(init.headers);
  headers.set("authorization", `Bearer ${operatorToken}`);
  return await fetch(new URL(path, stack.http), { ...init, headers });
}

export async function workerCounters(stack: Stack): Promise<Counters> {
  const response = await askOperator(stack, "/v1/operator/counters");
  const body = (await response.json()) as { readonly worker: Counters };
  return body.worker;
}

/** A gateway's counters and gauges by their Prometheus names, without `nearside_gateway_`. */
export async function gatewayCounters(stack: Stack, id = "us-east"): Promise<Counters> {
  const text = await (await fetch(`http://127.0.0.1:${await metricsPort(stack, id)}/metrics`)).text();
  const rows = text.matchAll(/^nearside_gateway_(\w+)\{[^}]*\} (\S+)$/gm);
  return Object.fromEntries([...rows].map(([, name = "", value]) => [name, Number(value)]));
}

export async function metricsPort(stack: Stack, id: string): Promise<number> {
  const outcome = parseRegionConfig(JSON.parse(await readFile(join(stack.localFolder, "regions.json"), "utf8")));
  const gateway = outcome.ok ? outcome.config.gateways.find((one) => one.id === id) : undefined;
  if (gateway === undefined) throw new Error(`no gateway ${id}`);
  return gateway.metricsPort;
}

/** What rose between two readings, and by how much. */
export function risen(before: Counters, after: Counters): Counters {
  const rows = Object.entries(after).flatMap(([name, value]) => {
    const by = value - (before[name] ?? 0);
    return by > 0 ? [[name, by] as const] : [];
  });
  return Object.fromEntries(rows);
}

export async function readLogs(stack: Stack): Promise<string> {
  const folder = join(stack.localFolder, "logs");
  const names = await readdir(folder);
  const texts = await Promise.all(names.map((name) => readFile(join(folder, name), "utf8")));
  return texts.join("\n");
}

/**
 * Lines of a text that tell too much: a stack trace, a password, a token, a key, or what could be used like a password
 * (HA1). `allowed` are those that the text's reader has anyhow.
 */
export async function leaksIn(stack: Stack, text: string): Promise<readonly string[]> {
  const { operatorToken, callTokenKey, fleetKey } = await readSecrets(stack);
  const secrets = [operatorToken, callTokenKey, fleetKey];
  for (const { authToken, apiKey, users, sipDomain } of stack.description.accounts) {
    secrets.push(authToken, apiKey.secret);
    for (const [identity, { password }] of Object.entries(users)) {
      const a1 = `${identity}:${sipDomain}:${password}`;
      secrets.push(password, hash("md5", a1, "hex"), hash("sha256", a1, "hex"));
    }
  }
  return text
    .split("\n")
    .filter(
      (line) =>
        /\bat .*\.(ts|js|mjs):\d/.test(line) ||
        line.includes("PRIVATE KEY") ||
        secrets.some((secret) => line.includes(secret)),
    );
}

/** Pids of Worker and gateways: equal before and after means that nobody died. */
export async function processIds(stack: Stack): Promise<Readonly<Record<string, number | null>>> {
  const { worker, gateways } = await stack.reload();
  return {
    worker: worker.pid,
    ...Object.fromEntries(Object.entries(gateways).map(([id, { pid }]) => [id, pid])),
  };
}
