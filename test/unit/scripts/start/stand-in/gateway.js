// Holds its SIP ports, says that it is ready, and ends when it is told to or when its parent is gone.
import { createSocket } from "node:dgram";
import { createServer } from "node:net";

const { GATEWAY_ID, GATEWAY_HOST, GATEWAY_SIP_UDP_PORT, GATEWAY_SIP_TCP_PORT } = process.env;
const udp = createSocket("udp4").bind(Number(GATEWAY_SIP_UDP_PORT), GATEWAY_HOST);
createServer().listen(Number(GATEWAY_SIP_TCP_PORT), GATEWAY_HOST, () => {
  console.log(JSON.stringify({ event: "gateway.ready", gateway: GATEWAY_ID }));
});
process.on("SIGTERM", () => process.exit(0));
process.stdin.on("end", () => process.exit(0)).resume();
udp.on("error", () => process.exit(1));
