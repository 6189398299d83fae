/** Peers come from Debian; a machine without one of them skips its rows and says what to install. */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";

const FOLDERS = [...(process.env["PATH"] ?? "").split(delimiter), "/usr/sbin", "/sbin"];

export interface DebianProgram {
  readonly command: string;
  readonly debianPackage: string;
}

export const KAMAILIO: DebianProgram = { command: "kamailio", debianPackage: "kamailio" };
export const RTPENGINE: DebianProgram = { command: "rtpengine", debianPackage: "rtpengine-daemon" };
export const REDIS: DebianProgram = { command: "redis-server", debianPackage: "redis-server" };

/** The program's full path, or undefined where it is not installed. */
export function findProgram({ command }: DebianProgram): string | undefined {
  return FOLDERS.map((folder) => join(folder, command)).find((path) => existsSync(path));
}

/** "kamailio 5.6.3", for the column of peers. */
export function nameOf({ debianPackage }: DebianProgram): string {
  const { stdout, status } = spawnSync("/usr/bin/dpkg-query", ["-W", "-f", "${Version}", debianPackage], {
    encoding: "utf8",
  });
  const name = debianPackage.replace(/-(?:daemon|server)$/, "");
  const version = /^(?:\d+:)?(\d+(?:\.\d+)*)/.exec(status === 0 ? stdout : "")?.[1];
  return version === undefined ? name : `${name} ${version}`;
}

/** What a row says in place of its peer's figure. */
export function missingNote(...programs: readonly DebianProgram[]): string | undefined {
  const missing = programs.filter((program) => findProgram(program) === undefined);
  if (missing.length === 0) return undefined;
  return `peer skipped: apt-get install ${missing.map(({ debianPackage }) => debianPackage).join(" ")}`;
}
