import { createServer } from "node:net";
import { describe, expect, it } from "vitest";
import { checkPorts, describePort, portsOf } from "../../../../scripts/start/ports.ts";
import type { NeededPort } from "../../../../scripts/start/ports.ts";
import { readRegionConfig } from "../../../../scripts/start/region-map.ts";

const local = new URL("../../../../region-config/local.json", import.meta.url).pathname;
const base = { httpPort: 8787, httpsPort: 8788 };

describe("portsOf", () => {
  it("lists HTTP and five ports of each gateway", () => {
    const ports = portsOf(readRegionConfig(local, undefined), base);
    expect(ports).toHaveLength(1 + 3 * 5);
    expect(ports).toContainEqual({ protocol: "udp", host: "127.0.0.1", port: 5070, use: "SIP of gateway eu-west" });
  });

  it("adds HTTPS for a host beyond loopback, and puts the gateways there", () => {
    const ports = portsOf(readRegionConfig(local, "192.0.2.7"), { ...base, host: "192.0.2.7" });
    expect(ports).toContainEqual({ protocol: "tcp", host: "192.0.2.7", port: 8788, use: "HTTPS" });
    expect(ports).toContainEqual({ protocol: "tcp", host: "127.0.0.1", port: 8787, use: "HTTP" });
    expect(ports.filter(({ port }) => port === 5061)[0]?.host).toBe("192.0.2.7");
  });
});

describe("describePort", () => {
  const http: NeededPort = { protocol: "tcp", host: "127.0.0.1", port: 8787, use: "HTTP" };
  const sip: NeededPort = { protocol: "udp", host: "127.0.0.1", port: 5060, use: "SIP of gateway us-east" };
  it.each([
    [
      http,
      "EADDRINUSE",
      "port 8787/tcp on 127.0.0.1 (HTTP) is in use: end the program that holds it (ss -tlnp shows it), or give another with --http-port",
    ],
    [
      sip,
      "EADDRINUSE",
      "port 5060/udp on 127.0.0.1 (SIP of gateway us-east) is in use: end the program that holds it (ss -ulnp shows it), or change it in the region file",
    ],
    [
      http,
      "EACCES",
      "port 8787/tcp on 127.0.0.1 (HTTP) is forbidden to this user: give a port of 1024 or more, or give another with --http-port",
    ],
    [sip, "EADDRNOTAVAIL", "127.0.0.1 is not an address of this machine: give one that is with --host"],
    [
      sip,
      "EMFILE",
      "port 5060/udp on 127.0.0.1 (SIP of gateway us-east) cannot be opened (EMFILE), or change it in the region file",
    ],
  ])("says in one line what is wrong with %o after %s and how to mend it", (port, error, line) => {
    expect(describePort(port, error)).toBe(line);
  });
});

describe("checkPorts", () => {
  it("names a port that is in use, and none of those that are free", async () => {
    const holder = createServer();
    await new Promise<void>((resolve) => holder.listen(0, "127.0.0.1", resolve));
    const address = holder.address();
    if (address === null || typeof address === "string") throw new Error("a TCP server has a port");
    const needed = { protocol: "tcp", host: "127.0.0.1", port: address.port, use: "HTTP" } as const;
    await expect(checkPorts([needed, { ...needed, protocol: "udp" }])).rejects.toMatchObject({
      code: "port-busy",
      lines: [expect.stringContaining(`port ${address.port}/tcp`)],
    });
    await new Promise((resolve) => holder.close(resolve));
    await expect(checkPorts([needed])).resolves.toBeUndefined();
  });
});
