import { freePort } from "../../test/support/free-port.ts";
import { temporaryFolder } from "../../test/support/lab.ts";
import { PeerProcess } from "../../test/support/peer-process.ts";
import { findProgram, REDIS } from "./debian-package.ts";
import type { Address } from "./sip-fields.ts";

/** A Redis of our own, in memory only. Undefined where it is not installed. */
export async function startRedis(): Promise<{ readonly address: Address; close(): Promise<void> } | undefined> {
  const command = findProgram(REDIS);
  if (command === undefined) return undefined;
  const folder = await temporaryFolder();
  const port = await freePort();
  const args = [
    "--port",
    String(port),
    "--bind",
    "127.0.0.1",
    "--save",
    "",
    "--appendonly",
    "no",
    "--dir",
    folder.path,
  ];
  const process = await PeerProcess.start({ name: "redis", command, args });
  await process.waitForLine(/Ready to accept connections/);
  return {
    address: { host: "127.0.0.1", port },
    close: async () => {
      await process.close();
      await folder.close();
    },
  };
}
