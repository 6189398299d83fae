/** A Worker on a port of its own, with real sockets; one for each test file. */
import { randomBytes } from "node:crypto";
import { fileURLToPath } from "node:url";
import { createTestHarness } from "wrangler";
import local from "../../../region-config/local.json" with { type: "json" };

export const OPERATOR_TOKEN = "operator-token-of-the-tests";
const root = fileURLToPath(new URL("../../..", import.meta.url));

/** The part of the binding that tests use. */
interface IndexNamespace {
  idFromName(name: string): unknown;
  get(id: unknown): { record(entry: unknown): Promise<void> };
}

export interface TestWorker {
  readonly origin: string;
  readonly callTokenKey: string;
  /** HTTP with a path; JSON bodies are written for you. */
  request(path: string, init?: RequestInit & { readonly json?: unknown }): Promise<Response>;
  operator(method: string, path: string, json?: unknown): Promise<Response>;
  evict(binding: string, name: string, webSockets: "hibernate" | "close"): Promise<void>;
  /** Puts a call into the index, as its Call object would. */
  recordCall(call: {
    readonly account: string;
    readonly region: string;
    readonly day: number;
    readonly entry: unknown;
  }): Promise<void>;
  /** Everything that the Worker logged, as parsed lines. */
  logs(): readonly Record<string, unknown>[];
  close(): Promise<void>;
}

/** `channels`: how many control channels each gateway has; the map's own two when left out. */
export async function startWorker(options: { readonly channels?: number } = {}): Promise<TestWorker> {
  const callTokenKey = randomBytes(32).toString("hex");
  const harness = createTestHarness({
    root,
    workers: [
      {
        configPath: "wrangler.toml",
        vars: {
          DEVELOPMENT: "true",
          ...(options.channels === undefined ? {} : { REGION_CONFIG: regionConfig(options.channels) }),
        },
        secrets: { OPERATOR_TOKEN, CALL_TOKEN_KEY: callTokenKey },
      },
    ],
  });
  const { url } = await harness.listen();
  const origin = url.origin;
  const request: TestWorker["request"] = async (path, { json, ...init } = {}) =>
    await fetch(
      new URL(path, origin),
      json === undefined
        ? init
        : {
            ...init,
            body: JSON.stringify(json),
            headers: { "Content-Type": "application/json", ...Object.fromEntries(new Headers(init.headers)) },
          },
    );
  return {
    origin,
    callTokenKey,
    request,
    operator: (method, path, json) =>
      request(path, {
        method,
        headers: { Authorization: `Bearer ${OPERATOR_TOKEN}` },
        ...(json === undefined ? {} : { json }),
      }),
    evict: (binding, name, webSockets) => harness.getWorker().evictDurableObject(binding, { name, webSockets }),
    async recordCall({ account, region, day, entry }) {
      const env = await harness.getWorker<{ CALL_INDEX: IndexNamespace }>().getEnv();
      const id = env.CALL_INDEX.idFromName(`call-index/${account}/${region}/${day}`);
      await env.CALL_INDEX.get(id).record(entry);
    },
    logs: () => harness.getLogs().flatMap(({ message }) => parseLine(message)),
    close: () => harness.close(),
  };
}

function regionConfig(channels: number): string {
  return JSON.stringify({ ...local, gateways: local.gateways.map((gateway) => ({ ...gateway, channels })) });
}

function parseLine(message: unknown): readonly Record<string, unknown>[] {
  if (typeof message !== "string" || !message.startsWith("{")) return [];
  const line: Record<string, unknown> = JSON.parse(message);
  return [line];
}
