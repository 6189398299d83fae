import { rmSync } from "node:fs";
import type { RegionConfig, SipPorts } from "#region-config";
import { writePrivateFile } from "./local-folder.ts";
import type { LocalAccount } from "./secrets.ts";

/** What `.local/stack.json` tells to tests and tools; its shape is fixed. A pid is null while its process is dead. */
export interface StackDescription {
  readonly http: string;
  readonly worker: { readonly pid: number | null };
  readonly gateways: Readonly<Record<string, GatewayDescription>>;
  readonly accounts: readonly LocalAccount[];
}

export interface GatewayDescription {
  readonly host: string;
  readonly sip: SipPorts;
  readonly pid: number | null;
}

export function describeStack(
  http: string,
  config: RegionConfig,
  accounts: readonly LocalAccount[],
  pidOf: (program: string) => number | undefined,
): StackDescription {
  return {
    http,
    worker: { pid: pidOf("worker") ?? null },
    gateways: Object.fromEntries(
      config.gateways.map(({ id, host, sip }) => [id, { host, sip, pid: pidOf(id) ?? null }] as const),
    ),
    accounts,
  };
}

export function writeStackFile(file: string, description: StackDescription): void {
  writePrivateFile(file, `${JSON.stringify(description, undefined, 2)}\n`);
}

export function removeStackFile(file: string): void {
  rmSync(file, { force: true });
}
