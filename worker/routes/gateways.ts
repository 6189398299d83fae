import { Hono } from "hono";
import { fleetDetails } from "../adapters/gateway-fleet.ts";
import { accountAuth, refuseAccount } from "../middleware/account-auth.ts";
import type { AccountTypes } from "../middleware/app-types.ts";

/** `/v1/gateways`: state, load and counters of every gateway. */
export const gateways = new Hono<AccountTypes>().use(accountAuth(refuseAccount)).get("/", async (c) => {
  const fleet = await fleetDetails(c.env);
  return c.json({
    gateways: fleet.gateways.map(({ status, enrolled, bindings, counters }) => ({
      gateway: status.gateway,
      region: status.region,
      state: status.state,
      enrolled,
      instance: status.instance ?? null,
      channels: status.channels,
      load: { legs: status.legs, bindings, cpu: status.cpu },
      counters,
      updatedAt: status.updatedAtMs === 0 ? null : new Date(status.updatedAtMs).toISOString(),
    })),
    unreachable: fleet.unreachable,
  });
});
