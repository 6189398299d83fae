/** One of each client at each place, registered for as long as a file's tests run; each with an identity of its own. */
import { randomBytes } from "node:crypto";
import { startBaresip } from "../../support/baresip.ts";
import { launchChromiumTabs } from "../../support/browser/chromium.ts";
import type { Lab } from "../../support/lab.ts";
import { startLinphone } from "../../support/linphone.ts";
import { askOperator } from "../../support/stack-watch.ts";
import type { Stack } from "../../support/stack.ts";
import { CLIENTS, isBrowser } from "./call-table.ts";
import type { ClientKind } from "./call-table.ts";
import { waitHeard } from "./hearing.ts";
import { LinphoneTalker } from "./linphone-talker.ts";
import { BrowserTalker, PhoneTalker } from "./talker.ts";
import type { Talker } from "./talker.ts";

/** Callers and those that they call in their region; and those across. Each group speaks its own tone. */
export const GROUPS = {
  caller: { region: "us-east", frequency: 700 },
  near: { region: "us-east", frequency: 1_100 },
  far: { region: "eu-west", frequency: 1_500 },
} as const;
export type GroupName = keyof typeof GROUPS;

/** Longer than a file's tests: a refresh would be a transaction, and those are counted. */
const REGISTER_SECONDS = 3_600;

const FIRST_SOUND_MS = 15_000;

export interface User {
  readonly identity: string;
  readonly domain: string;
  readonly password: string;
}

export interface Peer {
  readonly group: GroupName;
  readonly kind: ClientKind;
  readonly user: User;
  readonly talker: Talker;
}

export function identityOf(group: GroupName, kind: ClientKind): string {
  return `${group}-${kind}`;
}

/** Adds users to the demo account, which keeps what it has. */
export async function addUsers(stack: Stack, identities: readonly string[]): Promise<ReadonlyMap<string, User>> {
  const { sid, name, sipDomain, authToken, apiKey, users } = stack.account();
  const added = identities.map((identity) => ({ identity, password: randomBytes(12).toString("hex") }));
  const known = Object.entries(users).map(([identity, { password }]) => ({ identity, password }));
  const body = JSON.stringify({ name, sipDomain, authToken, apiKeys: [apiKey], users: [...known, ...added] });
  const response = await askOperator(stack, `/v1/operator/accounts/${sid}`, { method: "PUT", body });
  if (!response.ok) throw new Error(`users: ${response.status} ${await response.text()}`);
  return new Map(added.map((user) => [user.identity, { ...user, domain: sipDomain }]));
}

export class Peers {
  readonly #byIdentity: ReadonlyMap<string, Peer>;

  constructor(peers: readonly Peer[]) {
    this.#byIdentity = new Map(peers.map((peer) => [peer.user.identity, peer]));
  }

  of(group: GroupName, kind: ClientKind): Peer {
    const peer = this.#byIdentity.get(identityOf(group, kind));
    if (peer === undefined) throw new Error(`no ${kind} among ${group}`);
    return peer;
  }
}

export async function startPeers(lab: Lab, stack: Stack, users: ReadonlyMap<string, User>): Promise<Peers> {
  const groups = Object.keys(GROUPS) as GroupName[];
  const started = await Promise.all(groups.map((group) => startGroup(lab, stack, group, users)));
  const peers = started.flat();
  for (const peer of peers) if (isBrowser(peer.kind)) await warmUp(peer);
  return new Peers(peers);
}

/** A browser starts its sound with its first call, and takes the whole machine for it: one after the other, before anything is heard. */
async function warmUp({ talker }: Peer): Promise<void> {
  await talker.mark();
  await talker.dial("echo");
  await talker.waitEstablished();
  await waitHeard(talker, talker.frequency, FIRST_SOUND_MS);
  await talker.hangup();
  await talker.waitEnded();
}

async function startGroup(
  lab: Lab,
  stack: Stack,
  group: GroupName,
  users: ReadonlyMap<string, User>,
): Promise<readonly Peer[]> {
  const userOf = (kind: ClientKind): User => {
    const user = users.get(identityOf(group, kind));
    if (user === undefined) throw new Error(`no user for the ${kind} of ${group}`);
    return user;
  };
  const peer = (kind: ClientKind, talker: Talker): Peer => ({ group, kind, user: userOf(kind), talker });
  const phones = CLIENTS.flatMap((kind) =>
    kind === "sip.js" || kind === "jssip"
      ? []
      : [startPhone(lab, stack, group, kind, userOf(kind)).then((talker) => peer(kind, talker))],
  );
  const browsers = startBrowsers(lab, stack, group, userOf).then((talkers) =>
    talkers.map(([kind, talker]) => peer(kind, talker)),
  );
  return [...(await browsers), ...(await Promise.all(phones))];
}

async function startPhone(
  lab: Lab,
  stack: Stack,
  group: GroupName,
  kind: "phone-udp" | "phone-tcp" | "phone-tls" | "linphone",
  user: User,
): Promise<Talker> {
  const { region, frequency } = GROUPS[group];
  const transport = kind === "linphone" ? "udp" : TRANSPORTS[kind];
  const options = {
    ...user,
    gateway: stack.sip(region, transport),
    transport,
    toneFrequency: frequency,
    registerSeconds: REGISTER_SECONDS,
  };
  if (kind === "linphone") {
    const phone = await lab.own(startLinphone(options));
    await phone.waitRegistered();
    return await lab.own(LinphoneTalker.create(phone, { ...user, frequency }));
  }
  const phone = await lab.own(startBaresip(options));
  await phone.waitRegistered();
  return new PhoneTalker(phone, user.identity, user.domain, frequency);
}

const TRANSPORTS = { "phone-udp": "udp", "phone-tcp": "tcp", "phone-tls": "tls" } as const;

async function startBrowsers(
  lab: Lab,
  stack: Stack,
  group: GroupName,
  userOf: (kind: ClientKind) => User,
): Promise<readonly (readonly ["sip.js" | "jssip", Talker])[]> {
  const { region, frequency } = GROUPS[group];
  const tabs = await launchChromiumTabs(2, { toneFrequency: frequency });
  await lab.own(tabs[0]);
  const started = (["sip.js", "jssip"] as const).map(async (library, index) => {
    const phone = tabs[index] ?? tabs[0];
    const user = userOf(library);
    await phone.start({ library, server: stack.webSocket(region), registerSeconds: REGISTER_SECONDS, ...user });
    await phone.register();
    return [library, new BrowserTalker(phone, user.identity, frequency)] as const;
  });
  return await Promise.all(started);
}
