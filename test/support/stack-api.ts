/** What the stack tells about itself over HTTP, with the types that tests read. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { CallRecord, CallSummary } from "../../worker/domain/calls/call-object-api.ts";
import type { Ladder } from "../../worker/domain/ladder/ladder.ts";
import type { RoutingDecision } from "../../worker/domain/routing/routing-decision.ts";
import type { Stack } from "./stack.ts";
import { waitUntil } from "./wait-until.ts";

/** One entry of `GET /v1/endpoints/{identity}/routes`. */
export interface RouteDescription {
  readonly routeId: string;
  readonly device: string;
  readonly kind: string;
  readonly region: string;
  readonly gateway: string | null;
  readonly transport: string;
  readonly contact: string;
  readonly reachability: string;
  readonly userAgent: string | null;
  readonly registeredAt: string;
  readonly expiresAt: string;
  readonly lease: string;
}

export type CallDescription = Omit<CallRecord, "routing"> & { readonly routing?: RoutingDecision };

export async function routesOf(stack: Stack, identity: string, account = "demo"): Promise<readonly RouteDescription[]> {
  const response = await stack.request(`/v1/endpoints/${identity}/routes`, {}, account);
  if (!response.ok) throw new Error(`routes of ${identity}: ${response.status} ${await response.text()}`);
  const { routes } = (await response.json()) as { readonly routes: readonly RouteDescription[] };
  return routes;
}

/** Calls of an account, newest first, parents and children alike. */
export async function listCalls(
  stack: Stack,
  account = "demo",
): Promise<readonly Pick<CallSummary, "sid" | "to" | "from" | "status">[]> {
  const { sid } = stack.account(account);
  const response = await stack.request(`/2010-04-01/Accounts/${sid}/Calls.json?PageSize=100`, {}, account);
  if (!response.ok) throw new Error(`calls of ${account}: ${response.status} ${await response.text()}`);
  const { calls } = (await response.json()) as { readonly calls: readonly CallSummary[] };
  return calls;
}

export async function readCall(stack: Stack, sid: string, account = "demo"): Promise<CallDescription> {
  const response = await stack.request(`/v1/calls/${sid}`, {}, account);
  if (!response.ok) throw new Error(`call ${sid}: ${response.status} ${await response.text()}`);
  return (await response.json()) as CallDescription;
}

/** A call told in order. */
export async function readLadder(stack: Stack, sid: string, account = "demo"): Promise<Ladder> {
  const response = await stack.request(`/v1/calls/${sid}/ladder`, {}, account);
  if (!response.ok) throw new Error(`ladder of ${sid}: ${response.status} ${await response.text()}`);
  return (await response.json()) as Ladder;
}

/** The newest call from one identity to another; lists are written after the call's own steps, so it may take a moment. */
export async function findCall(
  stack: Stack,
  from: string,
  to: string,
  { account = "demo", notBeforeMs = 0 } = {},
): Promise<CallDescription> {
  return await waitUntil(`a call of ${from} to ${to} in the list`, async () => {
    for (const { sid, from: caller } of await listCalls(stack, account)) {
      if (caller !== `client:${from}`) continue;
      const call = await readCall(stack, sid, account).catch(() => undefined);
      if (call?.sid === sid && call.to === to && call.createdAtMs >= notBeforeMs) return call;
    }
    return undefined;
  });
}

/** A counter or gauge of a gateway, by its name in the code, such as `register.absorbed`; 0 when it never counted. */
export async function gatewayFigure(stack: Stack, gateway: string, name: string): Promise<number> {
  const regions = JSON.parse(await readFile(join(stack.localFolder, "regions.json"), "utf8")) as {
    readonly gateways: readonly { readonly id: string; readonly metricsPort: number }[];
  };
  const port = regions.gateways.find(({ id }) => id === gateway)?.metricsPort;
  const text = await (await fetch(`http://127.0.0.1:${String(port)}/metrics`)).text();
  const metric = `nearside_gateway_${name.replaceAll(/[^a-zA-Z0-9]/g, "_")}`;
  const line = text.split("\n").find((one) => one.startsWith(`${metric}_total{`) || one.startsWith(`${metric}{`));
  return line === undefined ? 0 : Number(line.slice(line.lastIndexOf(" ") + 1));
}
