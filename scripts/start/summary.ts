import { relative } from "node:path";
import type { RegionConfig } from "#region-config";
import type { LocalFolder } from "./local-folder.ts";
import type { LocalAccount } from "./secrets.ts";

export interface Addresses {
  readonly http: string;
  readonly https?: string;
}

/** The block that a start ends with: where everything is, who may call, and how to stop. */
export function encodeSummary(
  addresses: Addresses,
  config: RegionConfig,
  accounts: readonly LocalAccount[],
  folder: LocalFolder,
): string {
  const rows: (readonly [string, string])[] = [["console and API", addresses.https ?? addresses.http]];
  if (addresses.https !== undefined) rows.push(["", `${addresses.http} (this machine only)`]);
  rows.push(["SIP over WebSocket", `${(addresses.https ?? addresses.http).replace(/^http/, "ws")}/sip`]);
  for (const { id, host, sip } of config.gateways) {
    const udp = sip.udp === sip.tcp ? `${host}:${sip.udp} udp and tcp` : `${host}:${sip.udp} udp, :${sip.tcp} tcp`;
    rows.push([`gateway ${id}`, `${udp}, ${host}:${sip.tls} tls`]);
  }
  for (const { name, sipDomain, users } of accounts) {
    const list = Object.keys(users).join(", ");
    rows.push([`account ${name}`, `${list} at ${sipDomain} (a gateway above is the outbound proxy)`]);
  }
  const stackFile = relative(process.cwd(), folder.stackFile);
  rows.push(
    ["passwords and keys", `${stackFile} (while it runs)`],
    ["logs", relative(process.cwd(), folder.logs)],
    ["stop", "Ctrl-C"],
  );
  const width = Math.max(...rows.map(([label]) => label.length));
  return ["", ...rows.map(([label, text]) => `  ${label.padEnd(width)}  ${text}`), ""].join("\n");
}
