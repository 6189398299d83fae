/** What is kept of an account's secrets and how it is derived; hashing itself comes in from outside. */
import type { AccountInput } from "./account-object-api.ts";

/** Lower-case hex digest of a text. */
export type HexDigest = (algorithm: "md5" | "sha256", text: string) => string;

export interface UserSecrets {
  readonly identity: string;
  readonly ha1Md5: string;
  readonly ha1Sha256: string;
}

/** H(user:realm:password) of RFC 7616 section 3.4.2, for both algorithms; the password itself is kept nowhere. */
export function userSecrets(
  input: Pick<AccountInput, "sipDomain" | "users">,
  digest: HexDigest,
): readonly UserSecrets[] {
  return input.users.map(({ identity, password }) => {
    const secret = `${identity}:${input.sipDomain}:${password}`;
    return { identity, ha1Md5: digest("md5", secret), ha1Sha256: digest("sha256", secret) };
  });
}

/** Auth tokens are random, so one hash with its owner in front is enough: there is nothing to guess. */
export function authTokenHash(accountSid: string, authToken: string, digest: HexDigest): string {
  return digest("sha256", `${accountSid}:${authToken}`);
}
