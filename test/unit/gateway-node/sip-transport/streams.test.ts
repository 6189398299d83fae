import { createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { createResponse } from "#sip/message/build";
import { topVia } from "#sip/message/typed-headers";
import type { ServerTransaction } from "../../../../gateway-node/sip-transport/sip-stack.ts";
import {
  closeAll,
  Inbox,
  openStack,
  requestText,
  responseText,
  streamPhoneOn,
  tcpPhone,
  tlsPhone,
  tuRequest,
} from "./stack-fixture.ts";
import type { StreamPhone } from "./stack-fixture.ts";

afterEach(closeAll);

function answer(transaction: ServerTransaction, status = 200): void {
  transaction.respond(createResponse(transaction.request, status, { toTag: "gw" }));
}

const quiet = { onResponse() {}, onTimeout() {}, onTransportError() {} };

/** A phone that listens: its address, and the connections that it gets. */
async function listeningPhone(): Promise<{ port: number; connections: Inbox<StreamPhone>; close(): Promise<void> }> {
  const connections = new Inbox<StreamPhone>();
  const server = createServer((socket: Socket) => connections.put(streamPhoneOn(socket)));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return { port, connections, close: () => new Promise((resolve) => server.close(() => resolve())) };
}

describe.each([
  { transport: "tcp" as const, via: "TCP" as const, dial: tcpPhone },
  { transport: "tls" as const, via: "TLS" as const, dial: tlsPhone },
])("$transport", ({ transport, via, dial }) => {
  it("answers on the connection that the request came over and reports it as the flow", async () => {
    const { stack, requests } = await openStack();
    const phone = await dial(stack.localAddress(transport).port);
    phone.send(requestText("REGISTER", { transport: via }));
    const transaction = await requests.next();
    expect(transaction.flow).toEqual({ transport, host: "127.0.0.1", port: phone.port });
    answer(transaction);
    const response = await phone.response();
    expect(response.status).toBe(200);
    expect(topVia(response)?.rport).toBe(phone.port);
  });

  it("sends requests to a flow over the connection that the phone opened", async () => {
    const { stack, requests } = await openStack();
    const phone = await dial(stack.localAddress(transport).port);
    phone.send(requestText("REGISTER", { transport: via }));
    const { flow } = await requests.next();
    const heard = new Inbox<number>();
    stack.sendRequest(tuRequest("OPTIONS"), flow, { ...quiet, onResponse: ({ status }) => heard.put(status) });
    const request = await phone.request();
    expect(topVia(request)).toMatchObject({ transport: via, ...stack.localAddress(transport) });
    phone.send(responseText(request, 200));
    expect(await heard.next()).toBe(200);
  });

  it("reads messages split at any octet, and several at once", async () => {
    const { stack, requests } = await openStack();
    const phone = await dial(stack.localAddress(transport).port);
    const texts = [1, 2, 3].map((n) => requestText("OPTIONS", { transport: via, branch: `z9hG4bK-${n}` }));
    const bytes = texts.join("");
    for (let at = 0; at < bytes.length; at += 37) phone.send(bytes.slice(at, at + 37));
    phone.send(texts.map((text) => text.replace("z9hG4bK", "z9hG4bKtwo")).join(""));
    for (let n = 0; n < 6; n++) expect((await requests.next()).request.method).toBe("OPTIONS");
  });

  it("answers a keep-alive ping with CRLF", async () => {
    const { stack, requests } = await openStack();
    const phone = await dial(stack.localAddress(transport).port);
    phone.send(`\r\n\r\n${requestText("OPTIONS", { transport: via })}`);
    answer(await requests.next());
    await phone.response();
    expect(phone.received().startsWith("\r\nSIP/2.0 200")).toBe(true);
  });

  it("answers a malformed request and keeps the connection", async () => {
    const { stack, requests, counters } = await openStack();
    const phone = await dial(stack.localAddress(transport).port);
    phone.send(requestText("OPTIONS", { transport: via }).replace("CSeq: 1 OPTIONS", "CSeq: 1 BYE"));
    expect((await phone.response()).status).toBe(400);
    phone.send(requestText("OPTIONS", { transport: via }));
    answer(await requests.next());
    expect((await phone.response()).status).toBe(200);
    expect(counters.get("sip.malformed.cseq-mismatch")).toBe(1);
  });

  it("answers 400 and closes when the stream cannot be followed any more", async () => {
    const { stack } = await openStack();
    const phone = await dial(stack.localAddress(transport).port);
    phone.send(
      requestText("OPTIONS", { transport: via }).replace("Content-Length: 0", "Content-Length: zero") +
        requestText("BYE"),
    );
    expect((await phone.response()).status).toBe(400);
    phone.socket.end();
    await phone.closed;
    expect(phone.inbox.length).toBe(0);
  });

  it("answers a message beyond 64 kB with 513 or 413 and closes", async () => {
    const { stack, requests } = await openStack();
    const phone = await dial(stack.localAddress(transport).port);
    phone.send(
      requestText("MESSAGE", { transport: via, extra: "" }).replace("Content-Length: 0", "Content-Length: 70000"),
    );
    expect([413, 513]).toContain((await phone.response()).status);
    phone.socket.end();
    await phone.closed;
    expect(requests.length).toBe(0);
  });

  it("survives bytes that are no SIP at all", async () => {
    const { stack, requests, counters } = await openStack();
    const port = stack.localAddress(transport).port;
    const scanner = await dial(port);
    scanner.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    scanner.socket.end();
    await scanner.closed;
    const phone = await dial(port);
    phone.send(requestText("OPTIONS", { transport: via }));
    answer(await requests.next());
    expect((await phone.response()).status).toBe(200);
    expect([...counters.keys()].some((name) => name.startsWith("sip.malformed."))).toBe(true);
  });

  it("still answers a peer that ended its half of the connection", async () => {
    const { stack, requests } = await openStack();
    const phone = await dial(stack.localAddress(transport).port);
    phone.send(requestText("OPTIONS", { transport: via }));
    const transaction = await requests.next();
    if (transport === "tcp") phone.socket.end();
    answer(transaction);
    expect((await phone.response()).status).toBe(200);
  });

  it("waits for the ACK to a 2xx on a reliable transport too", async () => {
    const { stack, clock, requests } = await openStack();
    const phone = await dial(stack.localAddress(transport).port);
    phone.send(requestText("INVITE", { transport: via }));
    const invite = await requests.next();
    const timedOut = new Inbox<true>();
    invite.onAckTimeout = () => timedOut.put(true);
    answer(invite);
    clock.advance(32_000);
    expect(await timedOut.next()).toBe(true);
  });

  it("closes a connection that sends no message within the limit", async () => {
    const { stack, clock, counters } = await openStack();
    const phone = await dial(stack.localAddress(transport).port);
    phone.send("\r\n\r\n");
    while (!phone.received().includes("\r\n")) await new Promise((resolve) => phone.socket.once("data", resolve));
    clock.advance(10_000);
    phone.socket.end();
    await phone.closed;
    expect(counters.get("sip.connection.silent")).toBe(1);
  });
});

describe("connections", () => {
  it("are opened to a flow that has none, and used again", async () => {
    const { stack } = await openStack();
    const phone = await listeningPhone();
    const flow = { transport: "tcp" as const, host: "127.0.0.1", port: phone.port };
    stack.sendRequest(tuRequest("OPTIONS"), flow, quiet);
    stack.sendRequest(tuRequest("OPTIONS"), flow, quiet);
    const connection = await phone.connections.next();
    expect((await connection.request()).method).toBe("OPTIONS");
    expect((await connection.request()).method).toBe("OPTIONS");
    stack.sendOnce(tuRequest("ACK"), flow);
    expect((await connection.request()).method).toBe("ACK");
    expect(phone.connections.length).toBe(0);
    await stack.close();
    await phone.close();
  });

  it("that cannot be opened end their requests with a transport error", async () => {
    const { stack, clock } = await openStack();
    const phone = await listeningPhone();
    await phone.close();
    const heard = new Inbox<string>();
    const handlers = { ...quiet, onTransportError: (reason: string) => heard.put(reason) };
    stack.sendRequest(tuRequest("INVITE"), { transport: "tcp", host: "127.0.0.1", port: phone.port }, handlers);
    expect(await heard.next()).toContain("ECONNREFUSED");
    expect(clock.running).toBe(0);
  });

  it("that are not open in 2 s end their requests with a transport error", async () => {
    const { stack, clock } = await openStack();
    const heard = new Inbox<string>();
    const handlers = { ...quiet, onTransportError: (reason: string) => heard.put(reason) };
    // TLS to a port that accepts and then stays silent: the handshake never ends.
    const phone = await listeningPhone();
    stack.sendRequest(tuRequest("INVITE"), { transport: "tls", host: "127.0.0.1", port: phone.port }, handlers);
    await phone.connections.next();
    clock.advance(2_000);
    expect(await heard.next()).toBe("no connection in time");
    await closeAll();
    await phone.close();
  });

  it("over TLS carry a whole exchange with a peer that signed its certificate itself", async () => {
    const callee = await openStack();
    const caller = await openStack();
    const heard = new Inbox<number>();
    const flow = { transport: "tls" as const, host: "127.0.0.1", port: callee.stack.localAddress("tls").port };
    caller.stack.sendRequest(tuRequest("INVITE"), flow, { ...quiet, onResponse: ({ status }) => heard.put(status) });
    const invite = await callee.requests.next();
    answer(invite, 486);
    expect([await heard.next(), await heard.next()]).toEqual([100, 486]);
  });

  it("that the phone closes end its unanswered requests, but not a ringing INVITE", async () => {
    const { stack, requests } = await openStack();
    const phone = await tcpPhone(stack.localAddress("tcp").port);
    phone.send(requestText("REGISTER", { transport: "TCP" }));
    const { flow } = await requests.next();
    const heard = new Inbox<string>();
    const listen = (name: string) => ({
      onResponse: ({ status }: { status: number }) => heard.put(`${name} ${status}`),
      onTimeout: () => heard.put(`${name} timeout`),
      onTransportError: () => heard.put(`${name} transport-error`),
    });
    stack.sendRequest(tuRequest("INVITE"), flow, listen("invite"));
    phone.send(responseText(await phone.request(), 180));
    expect(await heard.next()).toBe("invite 180");
    stack.sendRequest(tuRequest("OPTIONS"), flow, listen("options"));
    await phone.request();
    phone.socket.destroy();
    expect(await heard.next()).toBe("options transport-error");
    expect(heard.length).toBe(0);
  });

  it("that are gone when the answer is due are opened again to the sent-by port", async () => {
    const { stack, requests } = await openStack();
    const listening = await listeningPhone();
    const phone = await tcpPhone(stack.localAddress("tcp").port);
    phone.send(requestText("OPTIONS", { transport: "TCP", sentBy: `127.0.0.1:${listening.port}` }));
    const transaction = await requests.next();
    const { flow } = transaction;
    phone.socket.resetAndDestroy();
    // The stack knows that the connection is gone when a request over it fails.
    const failed = new Inbox<string>();
    stack.sendRequest(tuRequest("OPTIONS"), flow, { ...quiet, onTransportError: (reason) => failed.put(reason) });
    await failed.next();
    answer(transaction);
    const back = await listening.connections.next();
    expect((await back.response()).status).toBe(200);
    await stack.close();
    await closeAll();
    await listening.close();
  });

  it("that never begin TLS on the TLS port are closed", async () => {
    const { stack, counters } = await openStack({ limits: { firstMessageMs: 50 } });
    const port = stack.localAddress("tls").port;
    const talker = await tcpPhone(port);
    talker.send(requestText("OPTIONS", { transport: "TLS" }));
    const silent = await tcpPhone(port);
    for (const phone of [talker, silent]) {
      await new Promise((resolve) => phone.socket.once("end", resolve));
      phone.socket.end();
      await phone.closed;
    }
    expect(counters.get("sip.tls.handshake-failed")).toBe(2);
  });

  it("beyond the limit are closed at once, and earlier ones stay", async () => {
    const { stack, requests, counters } = await openStack({ limits: { connections: 1 } });
    const port = stack.localAddress("tcp").port;
    const phone = await tcpPhone(port);
    const refused = await tcpPhone(port);
    refused.socket.end();
    await refused.closed;
    phone.send(requestText("OPTIONS", { transport: "TCP" }));
    answer(await requests.next());
    expect((await phone.response()).status).toBe(200);
    expect(counters.get("sip.connection.refused")).toBe(1);
  });

  it("whose message drips in too slowly are closed", async () => {
    const { stack, clock, counters, requests } = await openStack();
    const phone = await tcpPhone(stack.localAddress("tcp").port);
    phone.send(requestText("OPTIONS", { transport: "TCP" }));
    answer(await requests.next());
    await phone.response();
    phone.send("\r\n\r\nOPTIONS sip:bob@127.0.0.1 SIP/2.0\r\nVia");
    // The pong shows that the bytes arrived.
    while (!phone.received().endsWith("\r\n\r\n\r\n"))
      await new Promise((resolve) => phone.socket.once("data", resolve));
    phone.send(": SIP");
    await drained(phone, stack);
    clock.advance(5_000);
    phone.send("/2.0");
    await drained(phone, stack);
    clock.advance(5_001);
    phone.socket.end();
    await phone.closed;
    expect(counters.get("sip.connection.slow")).toBe(1);
  });

  it("whose peer does not read are closed once too much waits for it", async () => {
    const { stack, counters, requests } = await openStack({ limits: { unsentBytes: 100_000 } });
    const phone = await tcpPhone(stack.localAddress("tcp").port);
    phone.send(requestText("OPTIONS", { transport: "TCP" }));
    const { flow } = await requests.next();
    const failed = new Inbox<string>();
    stack.sendRequest(tuRequest("OPTIONS"), flow, { ...quiet, onTransportError: (reason) => failed.put(reason) });
    phone.socket.pause();
    const large = { ...tuRequest("MESSAGE"), body: new Uint8Array(60_000) };
    for (let sent = 0; sent < 1_000 && !counters.has("sip.connection.unread"); sent++) stack.sendOnce(large, flow);
    expect(await failed.next()).toBe("the peer does not read");
  });

  it("without any traffic are closed after the idle limit", async () => {
    const { stack, clock, counters, requests } = await openStack({ limits: { idleMs: 60_000 } });
    const phone = await tcpPhone(stack.localAddress("tcp").port);
    phone.send(requestText("OPTIONS", { transport: "TCP" }));
    answer(await requests.next());
    await phone.response();
    clock.advance(59_999);
    expect(counters.get("sip.connection.idle")).toBeUndefined();
    clock.advance(1);
    phone.socket.end();
    await phone.closed;
    expect(counters.get("sip.connection.idle")).toBe(1);
  });
});

/** Bytes of one connection arrive before a later exchange on another one is over: both are read by the same loop. */
async function drained(phone: StreamPhone, stack: { localAddress(transport: "tcp"): { port: number } }): Promise<void> {
  await new Promise<void>((resolve) => phone.socket.write("", () => resolve()));
  const other = await tcpPhone(stack.localAddress("tcp").port);
  other.send("\r\n\r\n");
  await new Promise((resolve) => other.socket.once("data", resolve));
  other.socket.destroy();
  await other.closed;
}
