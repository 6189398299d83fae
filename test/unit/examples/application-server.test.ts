import { once } from "node:events";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import twilio from "twilio";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { PeerProcess } from "../../support/peer-process.ts";
import { parseTwiml } from "../../../worker/domain/instructions/parse-twiml.ts";

const SERVER = fileURLToPath(new URL("../../../examples/application-server/server.mjs", import.meta.url));
const AUTH_TOKEN = "0123456789abcdef0123456789abcdef";
const CALL = {
  CallSid: "CA0123456789abcdef0123456789abcdef",
  From: "client:carol",
  To: "+15550001111",
  CallStatus: "ringing",
};

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}

describe("the example of an application server", () => {
  let server: PeerProcess;
  let origin: string;
  beforeEach(async () => {
    const port = await freePort();
    origin = `http://127.0.0.1:${String(port)}`;
    server = await PeerProcess.start({
      name: "application server",
      command: process.execPath,
      args: [SERVER],
      env: { PORT: String(port), AUTH_TOKEN },
    });
    await server.waitForLine(/^listening at /);
  });
  afterEach(() => server.close());

  const post = async (path: string, form: Readonly<Record<string, string>>, signature?: string): Promise<Response> =>
    await fetch(origin + path, {
      method: "POST",
      body: new URLSearchParams(form),
      headers: {
        "x-twilio-signature": signature ?? twilio.getExpectedTwilioSignature(AUTH_TOKEN, origin + path, form),
      },
    });

  it.each([
    ["/voice", {}, ["dial"]],
    ["/after", { DialCallStatus: "completed" }, ["hangup"]],
    ["/after?from=dial", { DialCallStatus: "no-answer" }, ["play"]],
  ] as const)("answers %s %j in TwiML that Nearside reads without a complaint", async (path, more, verbs) => {
    const response = await post(path, { ...CALL, ...more });
    expect(response.headers.get("content-type")).toBe("text/xml");
    const parsed = parseTwiml(await response.text());
    expect(parsed).toMatchObject({ ok: true, warnings: [], document: { verbs: verbs.map((kind) => ({ kind })) } });
  });

  it("prints what becomes of a call", async () => {
    const response = await post("/status", { ...CALL, CallStatus: "completed" });
    expect(response.status).toBe(204);
    await server.waitForLine(/^CA0123456789abcdef0123456789abcdef: completed$/);
  });

  it.each([
    ["none", ""],
    ["one of another account", twilio.getExpectedTwilioSignature("another", "http://127.0.0.1/voice", CALL)],
    ["a long one", "A".repeat(1_000)],
  ])("refuses a request with a wrong signature: %s", async (_which, signature) => {
    const response = await post("/voice", CALL, signature);
    expect([response.status, await response.text()]).toEqual([403, ""]);
  });

  it("knows no other address or method", async () => {
    expect((await post("/nowhere", CALL)).status).toBe(404);
    expect((await fetch(`${origin}/voice`)).status).toBe(404);
  });
});

it("the example of an application server does not start without the token that it needs", async () => {
  const server = await PeerProcess.start({
    name: "application server",
    command: process.execPath,
    args: [SERVER],
    env: { AUTH_TOKEN: "" },
  });
  expect(await server.ended).toBe(1);
  await server.waitForLine(/^set AUTH_TOKEN/);
});
