/** The Worker: its HTTP door and its Durable Object classes. */
import { app } from "./app.ts";

export { AccountObject } from "./objects/account-object.ts";
export { BridgeObject } from "./objects/bridge-object.ts";
export { CallIndexObject } from "./objects/call-index-object.ts";
export { CallObject } from "./objects/call-object.ts";
export { EndpointObject } from "./objects/endpoint-object.ts";
export { GatewayObject } from "./objects/gateway-object.ts";
export { RegionObject } from "./objects/region-object.ts";
export { RoomObject } from "./objects/room-object.ts";

export default app;
