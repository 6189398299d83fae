import { describe, expect, it } from "vitest";
import local from "../../../../../region-config/local.json" with { type: "json" };
import { parseRegionConfig } from "../../../../../region-config/index.ts";
import { parseGatewayId } from "../../../../../protocol/ids.ts";
import {
  chooseProbers,
  answersMissing,
  concludeSuspicion,
  judgeProbes,
  neighboursOf,
} from "../../../../../worker/domain/gateways/suspicion.ts";
import type { GatewayState, GatewayStatus } from "../../../../../worker/domain/routing/gateway-status.ts";

const parsed = parseRegionConfig(local);
if (!parsed.ok) throw new Error("local.json must be valid");
const { config } = parsed;

function fleet(states: Readonly<Record<string, GatewayState>>): readonly GatewayStatus[] {
  return config.gateways.map(({ id, region, host, trunkPort, channels }) => ({
    gateway: id,
    region,
    host,
    trunkPort,
    channels,
    state: states[id] ?? "down",
    legs: 0,
    cpu: 0,
    updatedAtMs: 0,
  }));
}

describe("neighbours", () => {
  it.each([
    { gateway: "us-east", nearest: ["eu-west", "ap-south"] },
    { gateway: "ap-south", nearest: ["eu-west", "us-east"] },
  ])("of $gateway are the two nearest others, nearest first", ({ gateway, nearest }) => {
    expect(neighboursOf(config, parseGatewayId(gateway)!).map((peer) => peer.gateway)).toEqual(nearest);
  });

  it("of an unknown gateway are none", () => {
    expect(neighboursOf(config, parseGatewayId("nowhere")!)).toEqual([]);
  });
});

describe("probers", () => {
  it("are connected gateways other than the suspect, nearest first", () => {
    const statuses = fleet({ "us-east": "suspect", "eu-west": "up", "ap-south": "draining" });
    expect(chooseProbers(config, statuses[0]!, statuses).map(({ gateway }) => gateway)).toEqual([
      "eu-west",
      "ap-south",
    ]);
  });

  it("are never gateways that are themselves under suspicion", () => {
    const statuses = fleet({ "us-east": "suspect", "eu-west": "suspect", "ap-south": "down" });
    expect(chooseProbers(config, statuses[0]!, statuses)).toEqual([]);
  });
});

describe("a proof", () => {
  it.each([
    { answers: [], missing: 2 },
    { answers: [false], missing: 1 },
    { answers: [false, undefined], missing: 1 },
    { answers: [undefined, undefined], missing: 2 },
    { answers: [false, false], missing: 0 },
    { answers: [true], missing: 0 },
    { answers: [undefined, true], missing: 0 },
  ])("wants $missing more probers after $answers", ({ answers, missing }) => {
    expect(answersMissing(answers)).toBe(missing);
  });
});

describe("the verdict", () => {
  it.each([
    { answers: [true, false], probes: "alive" },
    { answers: [false, undefined], probes: "dead" },
    { answers: [undefined, undefined], probes: "unasked" },
    { answers: [], probes: "unasked" },
  ])("takes $answers for $probes", ({ answers, probes }) => {
    expect(judgeProbes(answers)).toBe(probes);
  });

  const CASES = [
    { probes: "alive", reason: "channel-closed", heardAgain: false, verdict: "grace" },
    { probes: "alive", reason: "channel-closed", heardAgain: true, verdict: "alive" },
    { probes: "alive", reason: "trunk-silent", heardAgain: false, verdict: "alive" },
    { probes: "dead", reason: "channel-closed", heardAgain: false, verdict: "dead" },
    { probes: "dead", reason: "channel-closed", heardAgain: true, verdict: "alive" },
    // A frozen process keeps its sockets: what was heard of them says nothing about its trunk.
    { probes: "dead", reason: "trunk-silent", heardAgain: true, verdict: "dead" },
    { probes: "dead", reason: "trunk-silent", heardAgain: false, verdict: "dead" },
    { probes: "unasked", reason: "channel-closed", heardAgain: false, verdict: "dead" },
    { probes: "unasked", reason: "channel-closed", heardAgain: true, verdict: "alive" },
    { probes: "unasked", reason: "trunk-silent", heardAgain: false, verdict: "alive" },
    { probes: "unasked", reason: "heartbeat-missing", heardAgain: false, verdict: "dead" },
  ] as const;

  it.each(CASES)(
    "is $verdict when probes say $probes after $reason (heard again: $heardAgain)",
    ({ verdict, ...input }) => {
      expect(concludeSuspicion(input)).toBe(verdict);
    },
  );
});
