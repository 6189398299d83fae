import { createSocket } from "node:dgram";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { closeAll, openStack, requestText, tcpPhone, tlsPhone, tuRequest, udpPhone } from "./stack-fixture.ts";

afterEach(closeAll);

async function takenTcpPort(): Promise<{ port: number; close(): Promise<void> }> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

async function takenUdpPort(): Promise<{ port: number; close(): Promise<void> }> {
  const socket = createSocket("udp4");
  await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
  return { port: socket.address().port, close: () => new Promise((resolve) => socket.close(() => resolve())) };
}

describe("opening and closing", () => {
  it.each([
    { transport: "udp", take: takenUdpPort },
    { transport: "tcp", take: takenTcpPort },
    { transport: "tls", take: takenTcpPort },
  ])("refuses to start when its $transport port is taken, names it, and opens nothing", async ({ transport, take }) => {
    const taken = await take();
    const others = { udp: await takenUdpPort(), tcp: await takenTcpPort() };
    await Promise.all([others.udp.close(), others.tcp.close()]); // Free again, so that we know two numbers.
    const ports = { udp: others.udp.port, tcp: others.tcp.port, tls: 0, [transport]: taken.port };
    await expect(openStack({ ports })).rejects.toThrow(
      new RegExp(`${transport} 127\\.0\\.0\\.1:${taken.port}.*in use`),
    );
    await taken.close();
    const { stack } = await openStack({ ports });
    expect(stack.localAddress(transport as "udp").port).toBe(taken.port);
  });

  it("frees its ports and ends every timer, once and for all", async () => {
    const { stack, clock, requests } = await openStack();
    const ports = {
      udp: stack.localAddress("udp").port,
      tcp: stack.localAddress("tcp").port,
      tls: stack.localAddress("tls").port,
    };
    const phones = [await udpPhone(ports.udp), await tcpPhone(ports.tcp), await tlsPhone(ports.tls)];
    for (const phone of phones) {
      phone.send(requestText("INVITE", { branch: `z9hG4bK-${phone.port}` }));
      await requests.next();
    }
    const silent = {
      onResponse() {},
      onTimeout() {},
      onTransportError: () => expect.unreachable("closing reports nothing"),
    };
    stack.sendRequest(tuRequest("INVITE"), { transport: "udp", host: "127.0.0.1", port: phones[0]?.port ?? 0 }, silent);
    stack.sendRequest(tuRequest("INVITE"), { transport: "tcp", host: "127.0.0.1", port: phones[1]?.port ?? 0 }, silent);
    const closing = stack.close();
    expect(stack.close()).toBe(closing);
    await closing;
    expect(clock.running).toBe(0);

    const again = await openStack({ ports });
    expect(again.stack.localAddress("tls").port).toBe(ports.tls);
  });

  it("lets late answers and requests of the TU fall into the void", async () => {
    const { stack, requests, clock } = await openStack();
    const phone = await udpPhone(stack.localAddress("udp").port);
    phone.send(requestText("INVITE"));
    const transaction = await requests.next();
    await stack.close();
    transaction.respond({
      kind: "response",
      status: 200,
      reason: "OK",
      headers: transaction.request.headers,
      body: new Uint8Array(0),
    });
    stack.sendOnce(tuRequest("ACK"), transaction.flow);
    stack
      .sendRequest(tuRequest("BYE"), transaction.flow, { onResponse() {}, onTimeout() {}, onTransportError() {} })
      .cancel();
    expect(clock.running).toBe(0);
  });
});
