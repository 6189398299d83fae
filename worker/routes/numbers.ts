import { Hono } from "hono";
import * as z from "zod";
import { regionLinkOf } from "../adapters/object-region-link.ts";
import type { NumberSettings } from "../domain/accounts/callee-plan.ts";
import type { DialledAddress } from "../domain/location/dialled-address.ts";
import { parseDialledAddress } from "../domain/location/dialled-address.ts";
import { accountAuth, refuseAccount } from "../middleware/account-auth.ts";
import type { AccountTypes } from "../middleware/app-types.ts";
import { readJson } from "./json-body.ts";

const URL_LIMIT = 2_048;

const httpUrl = z
  .string()
  .max(URL_LIMIT)
  .refine((text) => ["http:", "https:"].includes(URL.canParse(text) ? new URL(text).protocol : ""), {
    message: "not a URL of http or https",
  });
const method = z.enum(["GET", "POST"]).default("POST");

/** The fields of Twilio's IncomingPhoneNumber, in our spelling. */
const NUMBER_BODY = z.strictObject({
  voiceUrl: httpUrl,
  voiceMethod: method,
  voiceFallbackUrl: httpUrl.optional(),
  voiceFallbackMethod: method,
});

/** `/v1/numbers`: numbers of the account whose calls an application answers with TwiML. */
export const numbers = new Hono<AccountTypes>()
  .use(accountAuth(refuseAccount))
  .get("/", async (c) => {
    const all = await regionLinkOf(c.env).accounts.numbers(c.var.account.sid);
    return c.json({ numbers: all.map(describe) });
  })
  .get("/:number", async (c) => {
    const dialled = parseNumber(c.req.param("number"));
    if (dialled === undefined) return c.json({ code: "number-invalid" }, 400);
    const settings = await regionLinkOf(c.env).accounts.number(c.var.account.sid, dialled.endpoint);
    return settings === undefined ? c.json({ code: "number-unknown" }, 404) : c.json(describe(settings));
  })
  .put("/:number", async (c) => {
    const dialled = parseNumber(c.req.param("number"));
    if (dialled === undefined) return c.json({ code: "number-invalid" }, 400);
    const body = await readJson(c.req.raw, NUMBER_BODY);
    if (!body.ok) return c.json(body.problem, 400);
    const settings = { number: dialled.number, ...body.value };
    const outcome = await regionLinkOf(c.env).accounts.storeNumber(c.var.account.sid, {
      endpoint: dialled.endpoint,
      settings,
    });
    return outcome.ok ? c.json(describe(settings)) : c.json({ code: outcome.code }, 409);
  })
  .delete("/:number", async (c) => {
    const dialled = parseNumber(c.req.param("number"));
    if (dialled === undefined) return c.json({ code: "number-invalid" }, 400);
    const removed = await regionLinkOf(c.env).accounts.removeNumber(c.var.account.sid, dialled.endpoint);
    return removed ? c.body(null, 204) : c.json({ code: "number-unknown" }, 404);
  });

function parseNumber(text: string): Required<DialledAddress> | undefined {
  const dialled = parseDialledAddress(text);
  return dialled?.number === undefined ? undefined : { endpoint: dialled.endpoint, number: dialled.number };
}

function describe(settings: NumberSettings): Readonly<Record<string, string | null>> {
  return {
    number: settings.number,
    voiceUrl: settings.voiceUrl,
    voiceMethod: settings.voiceMethod,
    voiceFallbackUrl: settings.voiceFallbackUrl ?? null,
    voiceFallbackMethod: settings.voiceFallbackMethod ?? "POST",
  };
}
