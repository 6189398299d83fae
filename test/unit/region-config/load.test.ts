import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parseRegionConfig, REGION_CONFIG_KEYS } from "#region-config";

type JsonValue = string | number | boolean | null | undefined | JsonValue[] | { [key: string]: JsonValue };

const folder = new URL("../../../region-config/", import.meta.url);
const readJson = (name: string): JsonValue => JSON.parse(readFileSync(new URL(name, folder), "utf8")) as JsonValue;
const local = (): JsonValue => readJson("local.json");

/** Any member of any value, for walking JSON. */
function at(value: JsonValue, path: string): JsonValue {
  return path
    .split(/[.[\]]+/)
    .filter((step) => step !== "")
    .reduce<JsonValue>((inner, step) => (inner as Record<string, JsonValue>)[step], value);
}

/** `local.json` with values put at paths; `undefined` takes one away. */
function changed(changes: Readonly<Record<string, JsonValue>>): JsonValue {
  const config = local();
  for (const [path, value] of Object.entries(changes)) {
    const steps = path.split(/[.[\]]+/).filter((step) => step !== "");
    const last = steps.pop() ?? "";
    const owner = at(config, steps.join(".")) as Record<string, JsonValue>;
    owner[last] = value;
  }
  return JSON.parse(JSON.stringify(config), (_key, value) => value as JsonValue) as JsonValue;
}

function problemsOf(value: unknown): readonly string[] {
  const outcome = parseRegionConfig(value);
  return outcome.ok ? [] : outcome.problems.map((problem) => `${problem.path} ${problem.code}`);
}

it("reads the local file and keeps every value of it", () => {
  const { $schema, ...rest } = local() as Record<string, JsonValue>;
  expect($schema).toBe("./region-config.schema.json");
  expect(parseRegionConfig(local())).toEqual({ ok: true, config: rest });
});

it("keeps the optional fields", () => {
  const mediaHosts = ["192.0.2.1", "gw.example.com", "2001:db8::1"];
  expect(
    parseRegionConfig(changed({ allowDevelopmentRegionQuery: true, "gateways[1].mediaHosts": mediaHosts })),
  ).toMatchObject({
    ok: true,
    config: { allowDevelopmentRegionQuery: true, gateways: [{}, { mediaHosts }, {}] },
  });
});

describe("refuses, naming the place and the rule:", () => {
  const mistakes: readonly (readonly [name: string, path: string, value: JsonValue, problem: string])[] = [
    ["a missing central region", "central", undefined, "central value-missing"],
    ["a central region that is not listed", "central", "mars", "central region-unknown"],
    ["a default region that is not listed", "defaultRegion", "mars", "defaultRegion region-unknown"],
    ["no regions", "regions", [], "regions list-empty"],
    ["no gateways", "gateways", [], "gateways list-empty"],
    ["regions that are no list", "regions", {}, "regions type-wrong"],
    ["a region that is no object", "regions[3]", 7, "regions[3] type-wrong"],
    ["a region without a name", "regions[2].name", undefined, "regions[2].name value-missing"],
    ["a region name in capitals", "regions[2].name", "AP", "regions[2].name name-invalid"],
    ["a region twice", "regions[3]", at(local(), "regions[1]"), "regions[3].name region-duplicate"],
    ["a latitude beyond the pole", "regions[0].latitude", 90.1, "regions[0].latitude number-out-of-range"],
    ["a longitude beyond the date line", "regions[0].longitude", -181, "regions[0].longitude number-out-of-range"],
    ["a latitude that is text", "regions[0].latitude", "39", "regions[0].latitude type-wrong"],
    ["a latitude of null", "regions[0].latitude", null, "regions[0].latitude type-wrong"],
    ["an unknown location hint", "regions[0].locationHint", "moon", "regions[0].locationHint location-hint-unknown"],
    ["a gateway in an unknown region", "gateways[0].region", "mars", "gateways[0].region region-unknown"],
    ["a gateway twice", "gateways[2].id", "us-east", "gateways[2].id gateway-duplicate"],
    ["an address with an octet over 255", "gateways[0].host", "127.0.0.256", "gateways[0].host host-invalid"],
    ["an empty host", "gateways[0].host", "", "gateways[0].host host-invalid"],
    ["a host with a space", "gateways[0].host", "a b", "gateways[0].host host-invalid"],
    ["port 0", "gateways[0].sip.udp", 0, "gateways[0].sip.udp number-out-of-range"],
    ["port 65536", "gateways[0].sip.tls", 65_536, "gateways[0].sip.tls number-out-of-range"],
    ["half a port", "gateways[0].metricsPort", 9101.5, "gateways[0].metricsPort number-out-of-range"],
    ["a missing port", "gateways[0].sip.tcp", undefined, "gateways[0].sip.tcp value-missing"],
    ["a SIP port used twice on one host", "gateways[1].sip.udp", 5060, "gateways[1].sip.udp port-duplicate"],
    ["a trunk on its own SIP port", "gateways[1].trunkPort", 5070, "gateways[1].trunkPort port-duplicate"],
    ["TLS on a metrics port", "gateways[2].sip.tls", 9101, "gateways[2].sip.tls port-duplicate"],
    ["a trunk inside an RTP range", "gateways[2].trunkPort", 20_500, "gateways[2].trunkPort port-inside-rtp-range"],
    ["RTP ranges that overlap", "gateways[1].rtpPorts[0]", 21_999, "gateways[1].rtpPorts rtp-ranges-overlap"],
    ["an RTP range upside down", "gateways[1].rtpPorts", [23_999, 22_000], "gateways[1].rtpPorts range-reversed"],
    ["an RTP range of one number", "gateways[1].rtpPorts", [22_000], "gateways[1].rtpPorts type-wrong"],
    ["no channels", "gateways[1].channels", 0, "gateways[1].channels number-out-of-range"],
    ["an empty list of media hosts", "gateways[1].mediaHosts", [], "gateways[1].mediaHosts list-empty"],
    ["a wrong media host", "gateways[1].mediaHosts", ["ok", "-"], "gateways[1].mediaHosts[1] host-invalid"],
    ["a round trip to an unknown region", "roundTripMs[1][1]", "mars", "roundTripMs[1][1] region-unknown"],
    ["a round trip to itself", "roundTripMs[1][1]", "us-east", "roundTripMs[1] round-trip-same-region"],
    ["a round trip twice", "roundTripMs[3]", ["eu-west", "us-east", 68], "roundTripMs[3] round-trip-duplicate"],
    ["two answers for one pair", "roundTripMs[3]", ["eu-west", "us-east", 69], "roundTripMs[3] round-trip-asymmetric"],
    ["a round trip in no time", "roundTripMs[0][2]", 0, "roundTripMs[0][2] number-out-of-range"],
    ["a round trip with two members", "roundTripMs[0]", ["us-east", "eu-west"], "roundTripMs[0] type-wrong"],
    ["an unknown key at the top", "gateway", [], "gateway key-unknown"],
    ["an unknown key in a gateway", "gateways[0].weight", 1, "gateways[0].weight key-unknown"],
    ["an unknown key in sip", "gateways[0].sip.ws", 80, "gateways[0].sip.ws key-unknown"],
    ["a switch that is text", "allowDevelopmentRegionQuery", "yes", "allowDevelopmentRegionQuery type-wrong"],
  ];
  it.each(mistakes)("%s", (_name, path, value, problem) => {
    expect(problemsOf(changed({ [path]: value }))).toContain(problem);
  });

  it.each([null, undefined, 7, "text", [], true])("%j in place of the file", (value) => {
    expect(problemsOf(value)).toEqual([" type-wrong"]);
  });
});

it("reports all mistakes of a file at once, each once", () => {
  const problems = problemsOf(
    changed({
      central: "mars",
      "regions[0].latitude": 100,
      "gateways[0].sip.udp": 70_000,
      "gateways[1].id": "us-east",
      "gateways[1].trunkPort": 5061,
      "gateways[2].trunkPort": 5061,
      "gateways[2].colour": "red",
    }),
  );
  expect([...problems].sort()).toEqual([
    "central region-unknown",
    "gateways[0].sip.udp number-out-of-range",
    "gateways[1].id gateway-duplicate",
    "gateways[2].colour key-unknown",
    "gateways[2].trunkPort port-duplicate",
    "regions[0].latitude number-out-of-range",
  ]);
});

it("lets gateways on different hosts use the same ports, and UDP and TCP the same number", () => {
  const ports = {
    sip: { udp: 5060, tcp: 5060, tls: 5061 },
    trunkPort: 5061,
    rtpPorts: [20_000, 21_999],
    metricsPort: 9100,
  };
  const gateways = at(local(), "gateways") as Record<string, JsonValue>[];
  const moved = gateways.map((gateway, index) => ({ ...gateway, host: `10.0.0.${index + 1}`, ...ports }));
  expect(problemsOf(changed({ gateways: moved }))).toEqual([]);
});

it("counts a wildcard host as every host", () => {
  const hosts = { "gateways[0].host": "0.0.0.0", "gateways[1].host": "10.0.0.1", "gateways[1].sip.tcp": 5060 };
  expect(problemsOf(changed(hosts))).toEqual(["gateways[1].sip.tcp port-duplicate"]);
});

it("does not take keys of the prototype for fields", () => {
  expect(problemsOf(JSON.parse('{"__proto__": {"central": "us-east"}, "constructor": 1}'))).toEqual(
    expect.arrayContaining(["__proto__ key-unknown", "constructor key-unknown", "central value-missing"]),
  );
});

describe("the JSON Schema for editors", () => {
  const schema = readJson("region-config.schema.json");
  const keysAt = (path: string): string[] => Object.keys(at(schema, path) as object);

  it("knows the same keys as the loader", () => {
    expect(new Set(keysAt("properties"))).toEqual(new Set(["$schema", ...REGION_CONFIG_KEYS.config]));
    expect(new Set(keysAt("definitions.region.properties"))).toEqual(new Set(REGION_CONFIG_KEYS.region));
    expect(new Set(keysAt("definitions.gateway.properties"))).toEqual(new Set(REGION_CONFIG_KEYS.gateway));
  });

  interface Rule {
    readonly $ref?: string;
    readonly type?: string;
    readonly items?: Rule | readonly Rule[];
    readonly required?: readonly string[];
    readonly properties?: Readonly<Record<string, Rule>>;
  }

  /** Only the keywords that the schema uses for objects and lists. */
  function refusals(rule: Rule, value: JsonValue, path: string): readonly string[] {
    const target =
      rule.$ref === undefined ? rule : (at(schema, rule.$ref.replace("#/", "").replace("/", ".")) as unknown as Rule);
    if (target.type === "array") {
      const { items = [] } = target;
      const ruleOf = (index: number): Rule => ("length" in items ? (items[index] ?? {}) : items);
      return (value as JsonValue[]).flatMap((member, index) => refusals(ruleOf(index), member, `${path}[${index}]`));
    }
    if (target.type !== "object") return [];
    const { required = [], properties = {} } = target;
    const fields = value as Record<string, JsonValue>;
    return [
      ...required.filter((key) => !(key in fields)).map((key) => `${path}.${key} missing`),
      ...Object.entries(fields).flatMap(([key, member]) => {
        const inner = properties[key];
        return inner === undefined ? [`${path}.${key} unknown`] : refusals(inner, member, `${path}.${key}`);
      }),
    ];
  }
  it("accepts the keys of the local file, and would refuse others", () => {
    expect(refusals(schema as unknown as Rule, local(), "")).toEqual([]);
    expect(refusals(schema as unknown as Rule, changed({ "gateways[0].sip.ws": 80, central: undefined }), "")).toEqual([
      ".central missing",
      ".gateways[0].sip.ws unknown",
    ]);
  });
});
