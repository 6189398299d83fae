import { generateKeyPairSync } from "node:crypto";
import { describe, expect, it } from "vitest";
import { ConfigError, readGatewayConfig } from "../../../../gateway-node/config.ts";

const pem = (kind: "ed25519" | "x25519"): string =>
  (kind === "ed25519" ? generateKeyPairSync("ed25519") : generateKeyPairSync("x25519")).privateKey
    .export({ type: "pkcs8", format: "pem" })
    .toString();

const FILES: Readonly<Record<string, string>> = {
  "/key": pem("ed25519"),
  "/other-key": pem("x25519"),
  "/fleet": `${"0123456789abcdef".repeat(4)}\n`,
  "/short": "0123",
  "/tls.key": "-----BEGIN PRIVATE KEY-----\nx\n-----END PRIVATE KEY-----\n",
  "/tls.crt": "-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n",
};

const GOOD: Readonly<Record<string, string>> = {
  GATEWAY_ID: "us-east",
  GATEWAY_REGION: "us-east",
  GATEWAY_HOST: "127.0.0.1",
  GATEWAY_SIP_UDP_PORT: "5060",
  GATEWAY_SIP_TCP_PORT: "5060",
  GATEWAY_SIP_TLS_PORT: "5061",
  GATEWAY_TRUNK_PORT: "5062",
  GATEWAY_RTP_PORTS: "20000-21999",
  GATEWAY_METRICS_PORT: "9101",
  GATEWAY_CHANNELS: "2",
  GATEWAY_WORKER_URL: "ws://127.0.0.1:8787",
  GATEWAY_KEY_FILE: "/key",
  GATEWAY_FLEET_KEY_FILE: "/fleet",
  GATEWAY_TLS_KEY_FILE: "/tls.key",
  GATEWAY_TLS_CERT_FILE: "/tls.crt",
};

function readFile(path: string): string {
  const text = FILES[path];
  if (text === undefined) throw new Error("ENOENT");
  return text;
}

function problemsOf(env: Readonly<Record<string, string | undefined>>): readonly string[] {
  try {
    readGatewayConfig(env, readFile);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

describe("the configuration of a gateway", () => {
  it("is frozen, typed and complete", () => {
    const config = readGatewayConfig(GOOD, readFile);
    expect(config).toMatchObject({
      gateway: "us-east",
      sipPorts: { udp: 5060, tcp: 5060, tls: 5061 },
      rtpPorts: [20000, 21999],
      channels: 2,
      mediaHosts: [],
      exitOnStdinEnd: false,
      logLevel: "info",
    });
    expect(config.fleetKey).toHaveLength(32);
    expect(config.enrolmentKey.asymmetricKeyType).toBe("ed25519");
    expect(Object.isFrozen(config) && Object.isFrozen(config.sipPorts)).toBe(true);
  });

  it("reports every problem at once and starts with none", () => {
    const problems = problemsOf({});
    expect(problems).toHaveLength(14);
    expect(problems.every((problem) => /^GATEWAY_\w+ must be set: /.test(problem))).toBe(true);
  });

  it.each([
    ["GATEWAY_ID", "US East"],
    ["GATEWAY_REGION", ""],
    ["GATEWAY_HOST", "a b"],
    ["GATEWAY_SIP_UDP_PORT", "65536"],
    ["GATEWAY_SIP_TLS_PORT", "-1"],
    ["GATEWAY_TRUNK_PORT", "5e3"],
    ["GATEWAY_RTP_PORTS", "21999-20000"],
    ["GATEWAY_RTP_PORTS", "20000"],
    ["GATEWAY_RTP_PORTS", "20000-21999-3"],
    ["GATEWAY_CHANNELS", "0"],
    ["GATEWAY_WORKER_URL", "http://127.0.0.1:8787"],
    ["GATEWAY_WORKER_URL", "ws://127.0.0.1:8787/path"],
    ["GATEWAY_KEY_FILE", "/missing"],
    ["GATEWAY_KEY_FILE", "/other-key"],
    ["GATEWAY_KEY_FILE", "/short"],
    ["GATEWAY_FLEET_KEY_FILE", "/short"],
    ["GATEWAY_TLS_CERT_FILE", "/short"],
    ["GATEWAY_MEDIA_HOSTS", "127.0.0.1,,"],
    ["GATEWAY_EXIT_ON_STDIN_END", "yes"],
    ["GATEWAY_LOG_LEVEL", "loud"],
  ])("refuses %s=%j and names it", (name, value) => {
    const problems = problemsOf({ ...GOOD, [name]: value });
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(name);
  });

  it("takes several media hosts and the switch of a supervisor", () => {
    const config = readGatewayConfig(
      {
        ...GOOD,
        GATEWAY_MEDIA_HOSTS: "127.0.0.1, 192.0.2.9",
        GATEWAY_EXIT_ON_STDIN_END: "1",
        GATEWAY_LOG_LEVEL: "debug",
      },
      readFile,
    );
    expect(config).toMatchObject({ mediaHosts: ["127.0.0.1", "192.0.2.9"], exitOnStdinEnd: true, logLevel: "debug" });
  });

  it("never shows the content of a key file", () => {
    expect(problemsOf({ ...GOOD, GATEWAY_FLEET_KEY_FILE: "/short" }).join()).not.toContain("0123");
  });
});
