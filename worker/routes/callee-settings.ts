import * as z from "zod";
import type { SipDomain } from "#protocol/ids";
import { FORWARD_CONDITIONS, parseForwardTarget, RING_TIMEOUT_SECONDS } from "../domain/accounts/callee-plan.ts";
import type { EndpointSettings } from "../domain/accounts/callee-plan.ts";

/** Settings of one endpoint as its account or its owner writes them; whatever is left out has its default. */
export function settingsBody(ownDomain: SipDomain): z.ZodType<EndpointSettings> {
  const target = z
    .string()
    .max(256)
    .transform((text, context) => {
      const parsed = parseForwardTarget(text, ownDomain);
      if (parsed.ok) return parsed.target;
      context.addIssue({ code: "custom", message: `forward-${parsed.code}` });
      return z.NEVER;
    });
  return z.strictObject({
    ring: z.enum(["all", "nearest"]).default("all"),
    ringTimeoutSeconds: z
      .int()
      .min(RING_TIMEOUT_SECONDS.min)
      .max(RING_TIMEOUT_SECONDS.max)
      .default(RING_TIMEOUT_SECONDS.fallback),
    doNotDisturb: z.boolean().default(false),
    forward: z
      .strictObject(Object.fromEntries(FORWARD_CONDITIONS.map((condition) => [condition, target.optional()])))
      .default({}),
  });
}
