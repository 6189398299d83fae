import { generateKeyPairSync, createPrivateKey, createPublicKey, randomBytes } from "node:crypto";
import { join } from "node:path";
import { z } from "zod";
import type { LocalFolder } from "./local-folder.ts";
import { readIfPresent, writePrivateFile } from "./local-folder.ts";
import { StartProblem } from "./problem.ts";

const hex = (bytes: number) => z.string().regex(new RegExp(`^[0-9a-f]{${bytes * 2}}$`));

const accountSchema = z.object({
  name: z.string(),
  sid: z.string().regex(/^AC[0-9a-f]{32}$/),
  authToken: hex(16),
  sipDomain: z.string(),
  apiKey: z.object({ sid: z.string().regex(/^SK[0-9a-f]{32}$/), secret: z.string().min(32) }),
  users: z.record(z.string(), z.object({ password: z.string().min(16) })),
});

const secretsSchema = z.object({
  /** Bearer token of the operator API. */
  operatorToken: hex(32),
  /** Seals call tokens in tags and Contacts. */
  callTokenKey: hex(32),
  /** Shared by the gateways only: seals media keys in capsules. */
  fleetKey: hex(32),
  accounts: z.array(accountSchema).min(1),
});

export type LocalSecrets = z.infer<typeof secretsSchema>;
export type LocalAccount = z.infer<typeof accountSchema>;

/** Two accounts that use the same identities, so that a mix-up of accounts shows. */
const ACCOUNT_NAMES = ["demo", "other"] as const;
const IDENTITIES = ["alice", "bob", "carol"] as const;

/** Made on the first start and kept; a broken file is never replaced silently, because accounts hang on it. */
export function loadSecrets(folder: LocalFolder): LocalSecrets {
  const text = readIfPresent(folder.secrets);
  if (text === undefined) {
    const secrets = createSecrets(randomBytes);
    writePrivateFile(folder.secrets, `${JSON.stringify(secrets, undefined, 2)}\n`);
    return secrets;
  }
  const parsed = secretsSchema.safeParse(parseJson(text));
  if (!parsed.success) {
    throw new StartProblem(
      "secrets-broken",
      `${folder.secrets} is broken: restore it, or run npm start -- --reset to make new secrets and accounts`,
    );
  }
  return parsed.data;
}

export function createSecrets(random: (bytes: number) => Buffer): LocalSecrets {
  const hexText = (bytes: number) => random(bytes).toString("hex");
  return {
    operatorToken: hexText(32),
    callTokenKey: hexText(32),
    fleetKey: hexText(32),
    accounts: ACCOUNT_NAMES.map((name) => ({
      name,
      sid: `AC${hexText(16)}`,
      authToken: hexText(16),
      sipDomain: `${name}.nearside.test`,
      apiKey: { sid: `SK${hexText(16)}`, secret: passwordText(random, 32) },
      users: Object.fromEntries(IDENTITIES.map((identity) => [identity, { password: passwordText(random, 20) }])),
    })),
  };
}

/** Letters and digits only: phones' configuration files and SIP URIs give other characters a meaning. 64 signs keep it unbiased. */
const PASSWORD_SIGNS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

function passwordText(random: (bytes: number) => Buffer, length: number): string {
  let text = "";
  while (text.length < length) {
    for (const byte of random(length)) {
      const sign = PASSWORD_SIGNS[byte & 63];
      if (sign !== undefined && text.length < length) text += sign;
    }
  }
  return text;
}

/** Where a gateway's own key lies, and the public half that the Worker enrols. */
export interface GatewayKey {
  readonly file: string;
  /** Raw Ed25519 key, 32 bytes, base64url. */
  readonly publicKey: string;
}

export function loadGatewayKey(folder: LocalFolder, gatewayId: string): GatewayKey {
  const file = join(folder.keys, `${gatewayId}.pem`);
  const pem = readIfPresent(file);
  const privateKey = pem === undefined ? generateKeyPairSync("ed25519").privateKey : createPrivateKey(pem);
  if (pem === undefined) writePrivateFile(file, String(privateKey.export({ type: "pkcs8", format: "pem" })));
  const { x } = createPublicKey(privateKey).export({ format: "jwk" });
  if (x === undefined)
    throw new StartProblem("secrets-broken", `${file} is no Ed25519 key: delete it, and a new one is made`);
  return { file, publicKey: x };
}

export function writeFleetKey(folder: LocalFolder, secrets: LocalSecrets): string {
  const file = join(folder.keys, "fleet.key");
  writePrivateFile(file, `${secrets.fleetKey}\n`);
  return file;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
