import type { AccountSid, CallSid } from "#protocol/ids";
import { openCallToken } from "../call-token.ts";
import type { CallObjectApi } from "../domain/calls/call-object-api.ts";
import { settingsOf } from "../env.ts";
import type { Env } from "../env.ts";
import { findCall } from "./call-list.ts";
import { regionLinkOf } from "./object-region-link.ts";

/** Asks the object of a call that the account's index names; `undefined` when there is none. */
export async function readCall<Answer>(
  env: Env,
  account: AccountSid,
  sid: CallSid,
  question: (call: CallObjectApi) => Promise<Answer | undefined>,
): Promise<Answer | undefined> {
  const entry = await findCall(env, account, sid);
  const name = entry === undefined ? undefined : openCallToken(settingsOf(env).callTokenKey, entry.token);
  return name === undefined ? undefined : await question(regionLinkOf(env).call(name));
}
