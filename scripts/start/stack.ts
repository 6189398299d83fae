import { relative } from "node:path";
import type { RegionConfig } from "#region-config";
import { ensureCertificate } from "./certificate.ts";
import { createLocalFolder, localFolderAt, readIfPresent, resetLocalFolder, writePrivateFile } from "./local-folder.ts";
import type { LocalFolder } from "./local-folder.ts";
import { OperatorClient, waitForHealth } from "./operator-client.ts";
import { isLoopback } from "./options.ts";
import type { StartOptions } from "./options.ts";
import { checkPorts, portsOf } from "./ports.ts";
import { StartAborted, StartProblem } from "./problem.ts";
import type { StartProblemCode } from "./problem.ts";
import { gatewayProgram, workerProgram } from "./programs.ts";
import { readRegionConfig } from "./region-map.ts";
import { claimRun } from "./run-file.ts";
import type { RunFile } from "./run-file.ts";
import { loadGatewayKey, loadSecrets, writeFleetKey } from "./secrets.ts";
import type { GatewayKey, LocalSecrets } from "./secrets.ts";
import { describeStack, removeStackFile, writeStackFile } from "./stack-file.ts";
import { encodeSummary } from "./summary.ts";
import type { Addresses } from "./summary.ts";
import { SupervisedProcess } from "./supervised-process.ts";
import type { ProgramPlan, SupervisorHooks } from "./supervised-process.ts";
import { ensureWorkerBundle, listBundleModules } from "./worker-bundle.ts";
import { readWorkerSettings } from "./worker-settings.ts";
import { encodeWorkerdConfig } from "./workerd-config.ts";

const HEALTH_TIMEOUT_MS = 15_000;
const GATEWAY_TIMEOUT_MS = 30_000;
const LOG_TAIL_LINES = 8;

/**
 * Everything that `npm start` runs. `start()` opens in the order run file, worker, gateways, stack file; `close()`
 * may come at any moment of a start and closes in the opposite order.
 */
export class Stack {
  readonly #root: string;
  readonly #options: StartOptions;
  readonly #say: (line: string) => void;
  readonly #folder: LocalFolder;
  readonly #abort = new AbortController();
  readonly #gateways: SupervisedProcess[] = [];
  #worker: SupervisedProcess | undefined;
  #runFile: RunFile | undefined;
  /** Present once the stack is ready: writes the present pids to stack.json. */
  #publish: (() => void) | undefined;
  #starting: Promise<void> = Promise.resolve();
  #closing: Promise<void> | undefined;

  constructor(root: string, options: StartOptions, say: (line: string) => void) {
    this.#root = root;
    this.#options = options;
    this.#say = say;
    this.#folder = localFolderAt(options.localFolder);
  }

  /** Throws StartProblem for what the user can mend, StartAborted when `close()` came first. */
  async start(): Promise<void> {
    this.#starting = this.#start();
    try {
      await this.#starting;
    } catch (error) {
      if (this.#abort.signal.aborted) throw new StartAborted("stopped while starting", { cause: error });
      throw error;
    }
  }

  async #start(): Promise<void> {
    const options = this.#options;
    const folder = this.#folder;
    const { signal } = this.#abort;
    this.#runFile = await claimRun(folder);
    if (options.reset) resetLocalFolder(folder);
    createLocalFolder(folder);
    removeStackFile(folder.stackFile);
    const config = readRegionConfig(options.regionConfig, options.host);
    await checkPorts(portsOf(config, options));
    const secrets = loadSecrets(folder);
    const addresses = this.#addresses();
    const hosts = new Set(["localhost", "127.0.0.1", ...config.gateways.map(({ host }) => host)]);
    await ensureCertificate(folder, [...hosts], Date.now());
    await this.#buildWorker();
    signal.throwIfAborted();
    await this.#startWorker(config, secrets, addresses);
    const keys = new Map(config.gateways.map(({ id }) => [id, loadGatewayKey(folder, id)] as const));
    await this.#seed(addresses.http, config, secrets, keys);
    await this.#startGateways(config, secrets, keys);
    signal.throwIfAborted();
    this.#publish = () => {
      const pids = new Map(this.#processes().map(({ name, pid }) => [name, pid]));
      const description = describeStack(addresses.http, config, secrets.accounts, (name) => pids.get(name));
      writeStackFile(folder.stackFile, description);
    };
    this.#publish();
    this.#say(encodeSummary(addresses, config, secrets.accounts, folder));
  }

  #addresses(): Addresses {
    const { host, httpPort, httpsPort } = this.#options;
    const http = `http://127.0.0.1:${httpPort}`;
    if (host === undefined || isLoopback(host)) return { http };
    return { http, https: `https://${host.includes(":") ? `[${host}]` : host}:${httpsPort}` };
  }

  async #buildWorker(): Promise<void> {
    const startedAtMs = performance.now();
    if (!(await ensureWorkerBundle(this.#root, this.#folder, this.#abort.signal))) return;
    this.#say(`built the Worker in ${((performance.now() - startedAtMs) / 1000).toFixed(1)} s`);
  }

  async #startWorker(config: RegionConfig, secrets: LocalSecrets, addresses: Addresses): Promise<void> {
    const folder = this.#folder;
    const texts = workerTexts(config, secrets);
    writePrivateFile(folder.wranglerVars, encodeVars(texts));
    const { host, httpPort, httpsPort } = this.#options;
    const settings = readWorkerSettings(this.#root);
    const https =
      addresses.https === undefined || host === undefined
        ? undefined
        : {
            host,
            port: httpsPort,
            keyFile: relative(folder.root, folder.tlsKey),
            certificateFile: relative(folder.root, folder.tlsCertificate),
          };
    writePrivateFile(
      folder.workerdConfig,
      encodeWorkerdConfig({
        settings,
        modules: listBundleModules(folder.bundle).map((module) => ({
          ...module,
          file: relative(folder.root, module.file),
        })),
        texts,
        storageFolder: folder.storage,
        http: { host: "127.0.0.1", port: httpPort },
        https,
      }),
    );
    const plan = workerProgram(this.#root, folder);
    const death = Promise.withResolvers<never>();
    const polling = new AbortController();
    this.#worker = this.#supervise(plan, { onDead: () => death.reject(this.#notStarted(plan, "worker-not-healthy")) });
    const signal = AbortSignal.any([this.#abort.signal, polling.signal]);
    const healthy = waitForHealth(addresses.http, HEALTH_TIMEOUT_MS, signal);
    // The loser of the race must not count as an unhandled rejection.
    healthy.catch(() => {});
    death.promise.catch(() => {});
    await Promise.race([healthy, death.promise]).finally(() => polling.abort());
  }

  async #seed(
    http: string,
    config: RegionConfig,
    secrets: LocalSecrets,
    keys: ReadonlyMap<string, GatewayKey>,
  ): Promise<void> {
    const operator = new OperatorClient(http, secrets.operatorToken);
    const { signal } = this.#abort;
    const gateways = config.gateways.map(({ id, region }) =>
      operator.putGateway(id, { region, publicKey: keys.get(id)?.publicKey ?? "" }, signal),
    );
    const accounts = secrets.accounts.map((account) => operator.putAccount(account, signal));
    await Promise.all([...gateways, ...accounts]);
  }

  async #startGateways(
    config: RegionConfig,
    secrets: LocalSecrets,
    keys: ReadonlyMap<string, GatewayKey>,
  ): Promise<void> {
    const fleetKeyFile = writeFleetKey(this.#folder, secrets);
    const ready = config.gateways.map((gateway) => {
      const key = keys.get(gateway.id) ?? loadGatewayKey(this.#folder, gateway.id);
      const plan = gatewayProgram(this.#root, this.#folder, this.#options, gateway, { key, fleetKeyFile });
      return this.#startGateway(plan);
    });
    await Promise.all(ready);
  }

  /** Settles when the gateway says that it listens and that its control channels are welcome. */
  async #startGateway(plan: ProgramPlan): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const fail = () => reject(this.#notStarted(plan, "gateway-not-ready"));
    const timer = setTimeout(fail, GATEWAY_TIMEOUT_MS);
    this.#abort.signal.addEventListener("abort", fail, { once: true });
    const onLine = (line: string) => {
      if (isReadyLine(line)) resolve();
    };
    this.#gateways.push(this.#supervise(plan, { onLine, onDead: fail }));
    try {
      await promise;
    } finally {
      clearTimeout(timer);
      this.#abort.signal.removeEventListener("abort", fail);
    }
  }

  #supervise(plan: ProgramPlan, hooks: Pick<SupervisorHooks, "onLine" | "onDead">): SupervisedProcess {
    return new SupervisedProcess(plan, {
      ...hooks,
      say: (line) => this.#say(line),
      // What dies while the stack starts has a mistake that another life does not mend.
      mayRestart: () => this.#publish !== undefined && this.#options.restart,
      // Later, because the constructor of a process calls this before we hold it.
      onPid: () => queueMicrotask(() => this.#pidsChanged()),
    });
  }

  #pidsChanged(): void {
    this.#runFile?.setChildren(this.#processes().flatMap(({ pid }) => pid ?? []));
    this.#publish?.();
  }

  #processes(): readonly SupervisedProcess[] {
    return this.#worker === undefined ? this.#gateways : [this.#worker, ...this.#gateways];
  }

  #notStarted({ name, logFile }: ProgramPlan, code: StartProblemCode): StartProblem {
    const lines = (readIfPresent(logFile) ?? "").trimEnd().split("\n");
    return new StartProblem(code, [
      `${name} does not start: mend what the end of ${logFile} says`,
      ...lines.slice(-LOG_TAIL_LINES).map((line) => `  ${line}`),
    ]);
  }

  /** Leaves no process, port or stack.json behind. */
  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  async #close(): Promise<void> {
    this.#publish = undefined;
    this.#abort.abort();
    await this.#starting.catch(() => {});
    this.#publish = undefined;
    // Without it another start owns the folder.
    if (this.#runFile === undefined) return;
    removeStackFile(this.#folder.stackFile);
    // Gateways first: they say goodbye to the Worker.
    await Promise.all(this.#gateways.map((gateway) => gateway.stop()));
    await this.#worker?.stop();
    this.#runFile.release();
    this.#runFile = undefined;
  }
}

function workerTexts(config: RegionConfig, secrets: LocalSecrets): Readonly<Record<string, string>> {
  return {
    REGION_CONFIG: JSON.stringify(config),
    OPERATOR_TOKEN: secrets.operatorToken,
    CALL_TOKEN_KEY: secrets.callTokenKey,
    DEVELOPMENT: "true",
    DEVELOPMENT_SIP_DOMAINS: secrets.accounts.map(({ sipDomain }) => sipDomain).join(","),
  };
}

/** The same bindings for `npm run dev`; single quotes keep JSON whole in a vars file. */
function encodeVars(texts: Readonly<Record<string, string>>): string {
  return Object.entries(texts)
    .map(([name, text]) => `${name}='${text}'\n`)
    .join("");
}

/** A gateway's line `{"event":"gateway.ready",...}`. */
export function isReadyLine(line: string): boolean {
  if (!line.includes("gateway.ready")) return false;
  try {
    const parsed: unknown = JSON.parse(line);
    return typeof parsed === "object" && parsed !== null && "event" in parsed && parsed.event === "gateway.ready";
  } catch {
    return false;
  }
}
