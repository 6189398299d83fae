import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";

/** A program of the system that some tests drive, and the Debian package that brings it. */
export interface SystemTool {
  readonly package: string;
  /** Any of these files shows that it is there, from wherever it came. */
  readonly files: readonly string[];
  /** What cannot be tested without it. */
  readonly tests: string;
}

const bin = (...names: readonly string[]): readonly string[] =>
  names.flatMap((name) =>
    ["/usr/bin", "/usr/sbin", "/usr/local/bin", "/sbin", "/bin"].map((folder) => `${folder}/${name}`),
  );

export const SYSTEM_TOOLS: readonly SystemTool[] = [
  { package: "chromium", files: bin("chromium", "chromium-browser"), tests: "calls from Chromium" },
  { package: "firefox-esr", files: bin("firefox-esr", "firefox"), tests: "calls from Firefox" },
  { package: "pulseaudio", files: bin("pulseaudio"), tests: "audio of linphone" },
  { package: "baresip-core", files: bin("baresip"), tests: "calls with baresip" },
  { package: "sip-tester", files: bin("sipp"), tests: "SIP scenarios of sipp" },
  { package: "linphone-cli", files: bin("linphonec", "linphonecsh"), tests: "calls with linphone" },
  { package: "sox", files: bin("sox"), tests: "audio generated and measured by sox" },
  { package: "iproute2", files: bin("ip"), tests: "impaired networks" },
  { package: "iptables", files: bin("iptables"), tests: "blocked networks" },
];

export function missingTools(exists: (file: string) => boolean = existsSync): readonly SystemTool[] {
  return SYSTEM_TOOLS.filter(({ files }) => !files.some(exists));
}

/** Why nothing can be installed here; undefined when it can. */
export function installObstacle(
  uid: number | undefined = process.getuid?.(),
  exists: (file: string) => boolean = existsSync,
): string | undefined {
  if (!exists("/usr/bin/apt-get")) return "this system has no apt-get";
  return uid === 0 ? undefined : "installing needs root";
}

/** Installs what is missing; returns what is missing still. */
export function installTools(missing: readonly SystemTool[], say: (line: string) => void): readonly SystemTool[] {
  if (missing.length === 0 || installObstacle() !== undefined) return missing;
  const names = missing.map((tool) => tool.package);
  say(`installing Debian packages: ${names.join(" ")} ...`);
  const apt = (args: readonly string[]) =>
    spawnSync("apt-get", ["-qq", "-o", "Dpkg::Use-Pty=0", "-o", "DPkg::Lock::Timeout=120", ...args], {
      stdio: ["ignore", "ignore", "inherit"],
      env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
    }).status === 0;
  if (!apt(["update"])) say("apt-get update failed; trying with the package lists that are here");
  const install = ["install", "--yes", "--no-install-recommends"];
  // One package that cannot be had must not keep the others out.
  if (!apt([...install, ...names])) for (const name of names) apt([...install, name]);
  return missingTools();
}

/** One line for each part of the tests that cannot run, and why. */
export function describeMissing(missing: readonly SystemTool[], obstacle: string | undefined): readonly string[] {
  const why = obstacle ?? "apt-get could not install it";
  return missing.map((tool) => `left out: ${tool.tests}, because ${tool.package} is missing and ${why}`);
}
