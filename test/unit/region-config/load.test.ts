import { readFileSync } from "node:fs";
import { expect, it, describe } from "vitest";
import { parseRegionConfig, REGION_CONFIG_KEYS } from "#region-config";

const path = new URL("../../../region-config/", import.meta.url);
const readJson = (name: string): any => JSON.parse(readFileSync(new URL(name, path), "utf8"));
const local = (): any => readJson("local.json");

/** `local.json` with one change. */
function changed(change: (config: any) => void): unknown {
  const config = local();
  change(config);
  return config;
}

function problemsOf(value: unknown): readonly string[] {
  const outcome = parseRegionConfig(value);
  return outcome.ok ? [] : outcome.problems.map((problem) => `${problem.path} ${problem.code}`);
}

it("reads the local file and keeps every value of it", () => {
  const { $schema, ...rest } = local();
  expect($schema).toBe("./region-config.schema.json");
  expect(parseRegionConfig(local())).toEqual({ ok: true, config: rest });
});

it("keeps the optional fields", () => {
  const outcome = parseRegionConfig(changed((c) => { c.allowDevelopmentRegionQuery = true; c.gateways[1].mediaHosts = ["192.0.2.1", "gw.example.com", "2001:db8::1"]; }));
  expect(outcome).toMatchObject({ ok: true, config: { allowDevelopmentRegionQuery: true, gateways: [{}, { mediaHosts: ["192.0.2.1", "gw.example.com", "2001:db8::1"] }, {}] } });
});

describe("refuses, naming the place and the rule:", () => {
  const mistakes: readonly (readonly [name: string, change: (config: any) => void, problem: string])[] = [
    ["a missing central region", (c) => delete c.central, "central value-missing"],
    ["a central region that is not listed", (c) => (c.central = "mars"), "central region-unknown"],
    ["a default region that is not listed", (c) => (c.defaultRegion = "mars"), "defaultRegion region-unknown"],
    ["no regions", (c) => (c.regions = []), "regions list-empty"],
    ["no gateways", (c) => (c.gateways = []), "gateways list-empty"],
    ["regions that are no list", (c) => (c.regions = {}), "regions type-wrong"],
    ["a region that is no object", (c) => (c.regions[3] = 7), "regions[3] type-wrong"],
    ["a region without a name", (c) => delete c.regions[2].name, "regions[2].name value-missing"],
    ["a region name in capitals", (c) => (c.regions[2].name = "AP"), "regions[2].name name-invalid"],
    ["a region twice", (c) => c.regions.push(c.regions[1]), "regions[3].name region-duplicate"],
    ["a latitude beyond the pole", (c) => (c.regions[0].latitude = 90.1), "regions[0].latitude number-out-of-range"],
    ["a longitude beyond the date line", (c) => (c.regions[0].longitude = -181), "regions[0].longitude number-out-of-range"],
    ["a latitude that is text", (c) => (c.regions[0].latitude = "39"), "regions[0].latitude type-wrong"],
    ["a latitude that is not a number", (c) => (c.regions[0].latitude = Number.NaN), "regions[0].latitude number-out-of-range"],
    ["an unknown location hint", (c) => (c.regions[0].locationHint = "moon"), "regions[0].locationHint location-hint-unknown"],
    ["a gateway in an unknown region", (c) => (c.gateways[0].region = "mars"), "gateways[0].region region-unknown"],
    ["a gateway twice", (c) => (c.gateways[2].id = "us-east"), "gateways[2].id gateway-duplicate"],
    ["an address with an octet over 255", (c) => (c.gateways[0].host = "127.0.0.256"), "gateways[0].host host-invalid"],
    ["an empty host", (c) => (c.gateways[0].host = ""), "gateways[0].host host-invalid"],
    ["a host with a space", (c) => (c.gateways[0].host = "a b"), "gateways[0].host host-invalid"],
    ["port 0", (c) => (c.gateways[0].sip.udp = 0), "gateways[0].sip.udp number-out-of-range"],
    ["port 65536", (c) => (c.gateways[0].sip.tls = 65_536), "gateways[0].sip.tls number-out-of-range"],
    ["half a port", (c) => (c.gateways[0].metricsPort = 9101.5), "gateways[0].metricsPort number-out-of-range"],
    ["a missing port", (c) => delete c.gateways[0].sip.tcp, "gateways[0].sip.tcp value-missing"],
    ["a SIP port used twice on one host", (c) => (c.gateways[1].sip.udp = 5060), "gateways[1].sip.udp port-duplicate"],
    ["a trunk on a SIP port of the same gateway", (c) => (c.gateways[1].trunkPort = 5070), "gateways[1].trunkPort port-duplicate"],
    ["TLS on a metrics port", (c) => (c.gateways[2].sip.tls = 9101), "gateways[2].sip.tls port-duplicate"],
    ["a trunk inside an RTP range", (c) => (c.gateways[2].trunkPort = 20_500), "gateways[2].trunkPort port-inside-rtp-range"],
    ["RTP ranges that overlap", (c) => (c.gateways[1].rtpPorts = [21_999, 23_999]), "gateways[1].rtpPorts rtp-ranges-overlap"],
    ["an RTP range upside down", (c) => (c.gateways[1].rtpPorts = [23_999, 22_000]), "gateways[1].rtpPorts range-reversed"],
    ["an RTP range of one number", (c) => (c.gateways[1].rtpPorts = [22_000]), "gateways[1].rtpPorts type-wrong"],
    ["no channels", (c) => (c.gateways[1].channels = 0), "gateways[1].channels number-out-of-range"],
    ["an empty list of media hosts", (c) => (c.gateways[1].mediaHosts = []), "gateways[1].mediaHosts list-empty"],
    ["a wrong media host", (c) => (c.gateways[1].mediaHosts = ["ok", "-"]), "gateways[1].mediaHosts[1] host-invalid"],
    ["a round trip to an unknown region", (c) => (c.roundTripMs[1][1] = "mars"), "roundTripMs[1][1] region-unknown"],
    ["a round trip to itself", (c) => (c.roundTripMs[1][1] = "us-east"), "roundTripMs[1] round-trip-same-region"],
    ["a round trip twice", (c) => c.roundTripMs.push(["eu-west", "us-east", 68]), "roundTripMs[3] round-trip-duplicate"],
    ["two answers for one round trip", (c) => c.roundTripMs.push(["eu-west", "us-east", 69]), "roundTripMs[3] round-trip-asymmetric"],
    ["a round trip in no time", (c) => (c.roundTripMs[0][2] = 0), "roundTripMs[0][2] number-out-of-range"],
    ["a round trip with two members", (c) => c.roundTripMs[0].pop(), "roundTripMs[0] type-wrong"],
    ["an unknown key at the top", (c) => (c.gateway = []), "gateway key-unknown"],
    ["an unknown key in a gateway", (c) => (c.gateways[0].weight = 1), "gateways[0].weight key-unknown"],
    ["an unknown key in sip", (c) => (c.gateways[0].sip.ws = 80), "gateways[0].sip.ws key-unknown"],
    ["a switch that is text", (c) => (c.allowDevelopmentRegionQuery = "yes"), "allowDevelopmentRegionQuery type-wrong"],
  ];
  it.each(mistakes)("%s", (_name, change, problem) => {
    expect(problemsOf(changed(change))).toContain(problem);
  });

  it.each([null, undefined, 7, "text", [], true])("%j in place of the file", (value) => {
    expect(problemsOf(value)).toEqual([" type-wrong"]);
  });
});

it("reports all mistakes of a file at once, each once", () => {
  const problems = problemsOf(changed((c) => {
    c.central = "mars";
    c.regions[0].latitude = 100;
    c.gateways[0].sip.udp = 70_000;
    c.gateways[1].id = "us-east";
    c.gateways[1].trunkPort = 5061;
    c.gateways[2].trunkPort = 5061;
    c.gateways[2].colour = "red";
  }));
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
  expect(problemsOf(changed((c) => {
    for (const [index, gateway] of c.gateways.entries()) Object.assign(gateway, { host: `10.0.0.${index + 1}`, sip: { udp: 5060, tcp: 5060, tls: 5061 }, trunkPort: 5061, rtpPorts: [20_000, 21_999], metricsPort: 9100 });
  }))).toEqual([]);
});

it("counts a wildcard host as every host", () => {
  expect(problemsOf(changed((c) => { c.gateways[0].host = "0.0.0.0"; c.gateways[1].host = "10.0.0.1"; c.gateways[1].sip.tcp = 5060; }))).toEqual(["gateways[1].sip.tcp port-duplicate"]);
});

it("does not take keys of the prototype for fields", () => {
  expect(problemsOf(JSON.parse('{"__proto__": {"central": "us-east"}, "constructor": 1}'))).toEqual(expect.arrayContaining(["__proto__ key-unknown", "constructor key-unknown", "central value-missing"]));
});

describe("the JSON Schema for editors", () => {
  const schema = readJson("region-config.schema.json");
  it("knows the same keys as the loader", () => {
    expect(Object.keys(schema.properties).filter((key) => !key.startsWith("$")).sort()).toEqual([...REGION_CONFIG_KEYS.config].sort());
    expect(Object.keys(schema.definitions.region.properties).sort()).toEqual([...REGION_CONFIG_KEYS.region].sort());
    expect(Object.keys(schema.definitions.gateway.properties).sort()).toEqual([...REGION_CONFIG_KEYS.gateway].sort());
  });

  /** Only the keywords that the schema uses for objects and lists. */
  function refusals(rule: any, value: any, at: string): string[] {
    const target = rule.$ref === undefined ? rule : schema.definitions[rule.$ref.replace("#/definitions/", "")];
    if (target.type === "array") return value.flatMap((member: any, i: number) => refusals(Array.isArray(target.items) ? target.items[i] : target.items, member, `${at}[${i}]`));
    if (target.type !== "object") return [];
    return [
      ...target.required.filter((key: string) => !(key in value)).map((key: string) => `${at}.${key} missing`),
      ...Object.keys(value).flatMap((key) => (target.properties[key] === undefined ? [`${at}.${key} unknown`] : refusals(target.properties[key], value[key], `${at}.${key}`))),
    ];
  }
  it("accepts the keys of the local file", () => {
    expect(refusals(schema, local(), "")).toEqual([]);
  });
});
