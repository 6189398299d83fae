import { accessSync, constants } from "node:fs";
import { join } from "node:path";
import type { GatewayEntry } from "#region-config";
import type { LocalFolder } from "./local-folder.ts";
import type { StartOptions } from "./options.ts";
import type { GatewayKey } from "./secrets.ts";
import type { ProgramPlan } from "./supervised-process.ts";

/** Media of browsers' open sockets keeps workerd draining for ever; what it acknowledged is on disk, so it need not drain. */
const WORKERD_GRACE_MS = 500;
const GATEWAY_GRACE_MS = 3_000;

/** workerd on the bundle itself: the proxies of wrangler dev would cost 3.5 times the speed. */
export function workerProgram(root: string, folder: LocalFolder): ProgramPlan {
  const workerd = join(root, "node_modules/workerd/bin/workerd");
  return {
    name: "worker",
    ...diesWithUs("KILL", workerd, ["serve", folder.workerdConfig]),
    cwd: folder.root,
    env: cleanEnvironment(process.env),
    logFile: join(folder.logs, "worker.log"),
    graceMs: WORKERD_GRACE_MS,
  };
}

export interface GatewayFiles {
  readonly key: GatewayKey;
  readonly fleetKeyFile: string;
}

export function gatewayProgram(
  root: string,
  folder: LocalFolder,
  options: Pick<StartOptions, "httpPort" | "logLevel">,
  gateway: GatewayEntry,
  files: GatewayFiles,
): ProgramPlan {
  return {
    name: gateway.id,
    ...diesWithUs("TERM", process.execPath, [join(root, "gateway-node/main.ts")]),
    cwd: root,
    env: {
      ...cleanEnvironment(process.env),
      ...gatewayEnvironment(folder, options, gateway, files),
      NODE_COMPILE_CACHE: join(root, ".cache/node-compile"),
    },
    logFile: join(folder.logs, `${gateway.id}.log`),
    graceMs: GATEWAY_GRACE_MS,
  };
}

/** All that gateway-node/config.ts reads. */
export function gatewayEnvironment(
  folder: LocalFolder,
  { httpPort, logLevel }: Pick<StartOptions, "httpPort" | "logLevel">,
  gateway: GatewayEntry,
  { key, fleetKeyFile }: GatewayFiles,
): Readonly<Record<string, string>> {
  return {
    GATEWAY_ID: gateway.id,
    GATEWAY_REGION: gateway.region,
    GATEWAY_HOST: gateway.host,
    GATEWAY_SIP_UDP_PORT: String(gateway.sip.udp),
    GATEWAY_SIP_TCP_PORT: String(gateway.sip.tcp),
    GATEWAY_SIP_TLS_PORT: String(gateway.sip.tls),
    GATEWAY_TRUNK_PORT: String(gateway.trunkPort),
    GATEWAY_RTP_PORTS: gateway.rtpPorts.join("-"),
    GATEWAY_METRICS_PORT: String(gateway.metricsPort),
    GATEWAY_CHANNELS: String(gateway.channels),
    ...(gateway.mediaHosts === undefined ? {} : { GATEWAY_MEDIA_HOSTS: gateway.mediaHosts.join(",") }),
    GATEWAY_WORKER_URL: `ws://127.0.0.1:${httpPort}`,
    GATEWAY_KEY_FILE: key.file,
    GATEWAY_FLEET_KEY_FILE: fleetKeyFile,
    GATEWAY_TLS_KEY_FILE: folder.tlsKey,
    GATEWAY_TLS_CERT_FILE: folder.tlsCertificate,
    GATEWAY_LOG_LEVEL: logLevel,
    GATEWAY_EXIT_ON_STDIN_END: "1",
  };
}

/** npm's own variables would travel on into every process. */
export function cleanEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(env).filter(([name]) => !/^(npm_|NODE_CHANNEL_)|^(INIT_CWD|NODE_OPTIONS)$/.test(name)),
  );
}

const SETPRIV = "/usr/bin/setpriv";

/**
 * Has the kernel end the program when this process is gone, even by SIGKILL (PR_SET_PDEATHSIG); setpriv replaces
 * itself, so the pid is the program's. Where it is missing, the next start ends what was left over (run-file.ts).
 */
function diesWithUs(
  signal: "KILL" | "TERM",
  command: string,
  args: readonly string[],
): Pick<ProgramPlan, "command" | "args"> {
  try {
    accessSync(SETPRIV, constants.X_OK);
  } catch {
    return { command, args };
  }
  return { command: SETPRIV, args: ["--pdeathsig", signal, "--", command, ...args] };
}
