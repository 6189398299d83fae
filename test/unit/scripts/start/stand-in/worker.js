// Answers what a start asks of the Worker, and counts each object's puts in its storage.
import { DurableObject } from "cloudflare:workers";

export class BridgeObject extends DurableObject {}
export class EndpointObject extends DurableObject {}
export class CallObject extends DurableObject {}
export class GatewayObject extends DurableObject {}
export class RegionObject extends DurableObject {}
export class CallIndexObject extends DurableObject {}
export class RoomObject extends DurableObject {}
export class AccountObject extends DurableObject {
  async put(path) {
    const puts = (await this.ctx.storage.get(path)) ?? 0;
    await this.ctx.storage.put(path, puts + 1);
  }
  async list() {
    return Object.fromEntries(await this.ctx.storage.list());
  }
}

export default {
  async fetch(request, env) {
    const { pathname } = new URL(request.url);
    if (pathname === "/health") return Response.json({ regions: JSON.parse(env.REGION_CONFIG).regions.length });
    if (request.headers.get("authorization") !== `Bearer ${env.OPERATOR_TOKEN}`)
      return new Response("", { status: 401 });
    const account = env.ACCOUNT.get(env.ACCOUNT.idFromName("all"));
    if (request.method === "PUT") await account.put(pathname);
    return Response.json(await account.list());
  },
};
