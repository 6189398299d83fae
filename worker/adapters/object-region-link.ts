/** `RegionLink` over object stubs: one edge network that reaches every region. */
import type { AccountSid } from "#protocol/ids";
import { parseBridgeName } from "../domain/bridging/bridge-object-api.ts";
import { parseCallSidParts } from "../domain/call-sid.ts";
import type { CallObjectApi } from "../domain/calls/call-object-api.ts";
import type { RoomObjectApi } from "../domain/rooms/room-object-api.ts";
import { settingsOf } from "../env.ts";
import type { Env } from "../env.ts";
import { stubFor } from "../objects/stub-for.ts";
import type { CallName } from "../call-token.ts";
import { withDeadline } from "./deadline.ts";
import type {
  AccountLink,
  EndpointLink,
  GatewayLink,
  RegionalEndpoint,
  RegionLink,
  RegionObjectLink,
} from "./region-link.ts";

/** A proof waits for probes, and a second for the channel; telling many calls of a death takes longer still. */
const PROOF_DEADLINE_MS = 4_000;
const DEATH_DEADLINE_MS = 10_000;

const links = new WeakMap<Env, RegionLink>();

/** The link of this isolate; cheap to ask for again. */
export function regionLinkOf(env: Env): RegionLink {
  const known = links.get(env);
  if (known !== undefined) return known;
  const link: RegionLink = {
    endpoints: endpointLink(env),
    gateways: gatewayLink(env),
    accounts: accountLink(env),
    region: (name) => regionObjectLink(env, name),
    call: (name) => callLink(env, name),
    room: (account, room) => roomLink(env, account, room),
    async sendToBridge(bridge, message) {
      const name = parseBridgeName(bridge);
      if (name === undefined) return { ok: false };
      return await withDeadline("bridge.send", stubFor<"bridge">(env, { kind: "bridge", ...name }).send(message));
    },
    async recordCall(account, entry) {
      const { regionIndex, day } = parseCallSidParts(entry.sid);
      const region = settingsOf(env).regions.regions[regionIndex]?.name;
      if (region === undefined) throw new RangeError("the call's SID names no region of this configuration");
      await withDeadline(
        "call-index.record",
        stubFor<"call-index">(env, { kind: "call-index", account, region, day }).record(entry),
      );
    },
  };
  links.set(env, link);
  return link;
}

function endpointLink(env: Env): EndpointLink {
  const at = ({ account, identity, region }: RegionalEndpoint) =>
    stubFor<"endpoint">(env, { kind: "endpoint", account, identity, region });
  const central = () => settingsOf(env).regions.central;
  return {
    addRoute: (endpoint, route) => withDeadline("endpoint.addRoute", at(endpoint).addRoute(route)),
    removeRoute: (endpoint, input) => withDeadline("endpoint.removeRoute", at(endpoint).removeRoute(input)),
    listRoutes: (endpoint) => withDeadline("endpoint.listRoutes", at(endpoint).listRoutes()),
    routesForInvitation: (endpoint, deadlineMs) =>
      withDeadline("endpoint.routesForInvitation", at(endpoint).routesForInvitation(), deadlineMs),
    noteRoutes: (endpoint, input) =>
      withDeadline("endpoint.noteRoutes", at({ ...endpoint, region: central() }).noteRoutes(input)),
    notePlan: (endpoint, plan) =>
      withDeadline("endpoint.notePlan", at({ ...endpoint, region: central() }).notePlan(plan)),
  };
}

function gatewayLink(env: Env): GatewayLink {
  const at = (target: Parameters<GatewayLink["withdrawKeys"]>[0]) =>
    stubFor<"gateway">(env, {
      kind: "gateway",
      region: target.region,
      gateway: target.gateway,
      channel: target.channel,
    });
  return {
    deliver: (target, delivery) => withDeadline("gateway.deliver", at(target).deliver(delivery)),
    probe: (target, peer, roundTripMs) => withDeadline("gateway.probe", at(target).probe(peer, roundTripMs)),
    declareDead: (target, instance) =>
      withDeadline("gateway.declareDead", at(target).declareDead(instance), DEATH_DEADLINE_MS),
    withdrawKeys: (target, standing) =>
      withDeadline("gateway.withdraw-keys", at(target).withdrawKeys(standing), DEATH_DEADLINE_MS),
  };
}

function regionObjectLink(env: Env, region: Parameters<RegionLink["region"]>[0]): RegionObjectLink {
  const stub = stubFor<"region">(env, { kind: "region", region });
  return {
    enrol: (input) => withDeadline("region.enrol", stub.enrol(input), DEATH_DEADLINE_MS),
    revoke: (gateway) => withDeadline("region.revoke", stub.revoke(gateway), DEATH_DEADLINE_MS),
    publicKeyOf: (gateway) => withDeadline("region.publicKeyOf", stub.publicKeyOf(gateway)),
    gatewayUp: (input) => withDeadline("region.gatewayUp", stub.gatewayUp(input)),
    report: (report) => withDeadline("region.report", stub.report(report)),
    suspect: (input) => withDeadline("region.suspect", stub.suspect(input), PROOF_DEADLINE_MS),
    noteFarGateway: (status) => withDeadline("region.noteFarGateway", stub.noteFarGateway(status)),
    snapshot: () => withDeadline("region.snapshot", stub.snapshot()),
    fleetSnapshot: () => withDeadline("region.fleetSnapshot", stub.fleetSnapshot()),
    details: () => withDeadline("region.details", stub.details()),
  };
}

function accountLink(env: Env): AccountLink {
  const at = (account: AccountSid) => stubFor<"account">(env, { kind: "account", account });
  return {
    ofDomain: (sipDomain) =>
      withDeadline("account.ofDomain", stubFor<"account-domain">(env, { kind: "account-domain", sipDomain }).owner()),
    ofApiKey: (keySid) =>
      withDeadline("account.ofApiKey", stubFor<"account-key">(env, { kind: "account-key", keySid }).owner()),
    profile: (account) => withDeadline("account.profile", at(account).profile()),
    credentials: (account, identity) => withDeadline("account.credentials", at(account).credentials(identity)),
    hasUser: (account, identity) => withDeadline("account.hasUser", at(account).hasUser(identity)),
    authenticate: (account, basic) => withDeadline("account.authenticate", at(account).authenticate(basic)),
    verifyAccessToken: (account, token) =>
      withDeadline("account.verifyAccessToken", at(account).verifyAccessToken(token)),
    signIn: (account, input) => withDeadline("account.signIn", at(account).signIn(input)),
    renewAccessToken: (account, token) => withDeadline("account.renewAccessToken", at(account).renewAccessToken(token)),
    identities: (account, query) => withDeadline("account.identities", at(account).identities(query)),
    sign: (account, text) => withDeadline("account.sign", at(account).sign(text)),
    endpointSettings: (account, identity) =>
      withDeadline("account.endpointSettings", at(account).endpointSettings(identity)),
    storeEndpointSettings: (account, input) =>
      withDeadline("account.storeEndpointSettings", at(account).storeEndpointSettings(input)),
    numbers: (account) => withDeadline("account.numbers", at(account).numbers()),
    number: (account, endpoint) => withDeadline("account.number", at(account).number(endpoint)),
    storeNumber: (account, input) => withDeadline("account.storeNumber", at(account).storeNumber(input)),
    removeNumber: (account, endpoint) => withDeadline("account.removeNumber", at(account).removeNumber(endpoint)),
    callDays: (account) => withDeadline("account.callDays", at(account).callDays()),
    noteCallDay: (account, day) => withDeadline("account.noteCallDay", at(account).noteCallDay(day)),
  };
}

function callLink(env: Env, name: CallName): CallObjectApi {
  const stub = stubFor<"call">(env, { kind: "call", ...name });
  return {
    gatewayEvents: (input) => withDeadline("call.gatewayEvents", stub.gatewayEvents(input)),
    resume: (input) => withDeadline("call.resume", stub.resume(input)),
    gatewayLost: (input) => withDeadline("call.gatewayLost", stub.gatewayLost(input)),
    browserSip: (input) => withDeadline("call.browserSip", stub.browserSip(input)),
    browserGone: (input) => withDeadline("call.browserGone", stub.browserGone(input)),
    link: (input) => withDeadline("call.link", stub.link(input)),
    partnerChanged: (input) => withDeadline("call.partnerChanged", stub.partnerChanged(input)),
    describe: () => withDeadline("call.describe", stub.describe()),
    summaries: () => withDeadline("call.summaries", stub.summaries()),
    ladder: () => withDeadline("call.ladder", stub.ladder()),
  };
}

function roomLink(env: Env, account: AccountSid, room: string): RoomObjectApi {
  const stub = stubFor<"room">(env, { kind: "room", account, room });
  return {
    enter: (input) => withDeadline("room.enter", stub.enter(input)),
    leave: (input) => withDeadline("room.leave", stub.leave(input)),
  };
}
