/** Every region's gateways with their figures, for people: a region that does not answer is simply missing. */
import type { GatewayDetails } from "../domain/gateways/region-object-api.ts";
import { settingsOf } from "../env.ts";
import type { Env } from "../env.ts";
import { regionLinkOf } from "./object-region-link.ts";

export async function fleetDetails(
  env: Env,
): Promise<{ readonly gateways: readonly GatewayDetails[]; readonly unreachable: readonly string[] }> {
  const { regions } = settingsOf(env).regions;
  const answers = await Promise.allSettled(regions.map(({ name }) => regionLinkOf(env).region(name).details()));
  return {
    gateways: answers.flatMap((answer) => (answer.status === "fulfilled" ? answer.value.gateways : [])),
    unreachable: regions.filter((_, index) => answers[index]?.status === "rejected").map(({ name }) => name),
  };
}
