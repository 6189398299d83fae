import { Command } from "commander";
import { describe, expect, it } from "vitest";
import { isLoopback, parseStartOptions } from "../../../../scripts/start/options.ts";

/** Complaints come back as the error's text instead of ending the process. */
function parse(...argv: readonly string[]) {
  const command = new Command().exitOverride().configureOutput({ writeErr: () => {}, writeOut: () => {} });
  return parseStartOptions(argv, "/clone", command);
}

describe("parseStartOptions", () => {
  it("has a default for everything but the host", () => {
    expect(parse()).toEqual({
      host: undefined,
      restart: true,
      regionConfig: "/clone/region-config/local.json",
      httpPort: 8787,
      httpsPort: 8788,
      logLevel: "info",
      reset: false,
      localFolder: "/clone/.local",
    });
  });

  it("takes every option", () => {
    const argv =
      "--host 192.0.2.7 --no-restart --region-config /etc/map.json --http-port 80 --https-port 443 --log-level debug --reset --local-dir other";
    expect(parse(...argv.split(" "))).toEqual({
      host: "192.0.2.7",
      restart: false,
      regionConfig: "/etc/map.json",
      httpPort: 80,
      httpsPort: 443,
      logLevel: "debug",
      reset: true,
      localFolder: "/clone/other",
    });
  });

  it.each([
    [["--http-port", "0"], "Give a port from 1 to 65535."],
    [["--http-port", "65536"], "Give a port from 1 to 65535."],
    [["--http-port", "8o80"], "Give a port from 1 to 65535."],
    [["--host", "gateway.example.com"], "Give an IP address, not a name."],
    [["--host", "0.0.0.0"], "Give the one address that clients reach."],
    [["--host", "::"], "Give the one address that clients reach."],
    [["--log-level", "loud"], "Allowed choices are error, warn, info, debug."],
    [["--fast"], "unknown option '--fast'"],
    [["now"], "too many arguments"],
  ])("refuses %j and says why", (argv, why) => {
    expect(() => parse(...argv)).toThrow(why);
  });
});

it.each([
  ["127.0.0.1", true],
  ["127.9.9.9", true],
  ["::1", true],
  ["192.0.2.127", false],
  ["2001:db8::1", false],
])("knows whether %s is loopback: %s", (host, expected) => {
  expect(isLoopback(host)).toBe(expected);
});
