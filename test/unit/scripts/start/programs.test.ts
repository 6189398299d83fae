import { describe, expect, it } from "vitest";
import { localFolderAt } from "../../../../scripts/start/local-folder.ts";
import { cleanEnvironment, gatewayEnvironment } from "../../../../scripts/start/programs.ts";
import { readRegionConfig } from "../../../../scripts/start/region-map.ts";
import { isReadyLine } from "../../../../scripts/start/stack.ts";

const local = new URL("../../../../region-config/local.json", import.meta.url).pathname;

describe("gatewayEnvironment", () => {
  it("tells a gateway its place, its ports, its keys and where the Worker is", () => {
    const [gateway] = readRegionConfig(local, undefined).gateways;
    if (gateway === undefined) throw new Error("the local map has gateways");
    const files = { key: { file: "/k/us-east.pem", publicKey: "x" }, fleetKeyFile: "/k/fleet.key" };
    const options = { httpPort: 9000, logLevel: "warn" } as const;
    expect(gatewayEnvironment(localFolderAt("/l"), options, gateway, files)).toEqual({
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
      GATEWAY_WORKER_URL: "ws://127.0.0.1:9000",
      GATEWAY_KEY_FILE: "/k/us-east.pem",
      GATEWAY_FLEET_KEY_FILE: "/k/fleet.key",
      GATEWAY_TLS_KEY_FILE: "/l/tls/key.pem",
      GATEWAY_TLS_CERT_FILE: "/l/tls/certificate.pem",
      GATEWAY_LOG_LEVEL: "warn",
      GATEWAY_EXIT_ON_STDIN_END: "1",
    });
  });
});

it("keeps npm's variables from the processes of the stack", () => {
  expect(
    cleanEnvironment({ PATH: "/bin", npm_lifecycle_event: "start", INIT_CWD: "/", NODE_OPTIONS: "--inspect" }),
  ).toEqual({
    PATH: "/bin",
  });
});

it.each([
  ['{"event":"gateway.ready","gateway":"us-east"}', true],
  ['{"level":30,"event":"gateway.ready"}', true],
  ['{"event":"gateway.starting"}', false],
  ["gateway.ready", false],
  ['"gateway.ready"', false],
  ["", false],
])("knows whether the line %j says that a gateway is ready: %s", (line, expected) => {
  expect(isReadyLine(line)).toBe(expected);
});
