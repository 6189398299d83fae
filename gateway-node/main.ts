/** Entry of a gateway node: environment in, one ready line out, quiet end on SIGTERM. */
import { readFileSync } from "node:fs";
import { flushCompileCache } from "node:module";
import { describeFault } from "./calls/fault-rim.ts";
import { startGatewayNode } from "./compose.ts";
import { ConfigError, readGatewayConfig } from "./config.ts";
import type { GatewayConfig } from "./config.ts";
import { createLogger } from "./observability/logger.ts";

/** Whoever stopped us expects the ports back; sockets that do not close in time are closed by the end of the process. */
const STOP_LIMIT_MS = 1_500;
/** A defect that comes back this often within the window is no longer one call's: the supervisor starts a clean process. */
const FAULT_LIMIT = 20;
const FAULT_WINDOW_MS = 10_000;

async function main(config: GatewayConfig): Promise<void> {
  const logger = createLogger(config.logLevel, { gateway: config.gateway });
  const node = await startGatewayNode(config, (event) => logger.log(event));
  let stopping = false;
  const stop = (cause: string): void => {
    if (stopping) return;
    stopping = true;
    logger.log({ event: "gateway.stopping", cause, legs: node.legs() });
    const end = (): never => {
      logger.flush();
      process.exit(0);
    };
    setTimeout(end, STOP_LIMIT_MS).unref();
    node.close().then(end, end);
  };
  process.on("SIGTERM", () => stop("sigterm"));
  process.on("SIGINT", () => stop("sigint"));
  if (config.exitOnStdinEnd) {
    process.stdin.on("end", () => stop("stdin-end"));
    process.stdin.on("error", () => stop("stdin-error"));
    process.stdin.resume();
  }
  survive((code, problem, stack) => {
    node.counters.count(`gateway.fault.${code}`);
    logger.log({ event: "gateway.fault", code, problem, stack });
    logger.flush();
  });
  await node.ready;
  process.stdout.write(
    `${JSON.stringify({ event: "gateway.ready", gateway: config.gateway, region: config.region, instance: node.instance, pid: process.pid })}\n`,
  );
  // The next run starts in half the time: phones that accept no other address wait for it. Killed, we would leave nothing.
  flushCompileCache();
}

/** Calls go on when something unforeseen is thrown outside of every rim; again and again, it is better to be adopted. */
function survive(report: (code: string, problem: string, stack: string | undefined) => void): void {
  const faultsAtMs: number[] = [];
  const onFault = (error: unknown): void => {
    const { code, problem, stack } = describeFault(error);
    report(code, problem, stack);
    const nowMs = performance.now();
    faultsAtMs.push(nowMs);
    while (faultsAtMs[0] !== undefined && nowMs - faultsAtMs[0] > FAULT_WINDOW_MS) faultsAtMs.shift();
    if (faultsAtMs.length >= FAULT_LIMIT) process.exit(70);
  };
  process.on("uncaughtException", onFault);
  process.on("unhandledRejection", onFault);
}

function fail(error: unknown): never {
  const message =
    error instanceof ConfigError ? error.message : `the gateway cannot start: ${describeFault(error).problem}`;
  process.stderr.write(`${message}\n`);
  process.exit(error instanceof ConfigError ? 78 : 1);
}

try {
  await main(readGatewayConfig(process.env, (path) => readFileSync(path, "utf8")));
} catch (error) {
  fail(error);
}
