/** Answers voice webhooks in TwiML and prints status callbacks: node examples/application-server/server.mjs */
import { createHmac, timingSafeEqual } from "node:crypto";
import { createServer } from "node:http";

const { PORT = "3000", AUTH_TOKEN = "" } = process.env;
/** The address that the webhook is configured with: it is what the signature covers. */
const { PUBLIC_URL = `http://127.0.0.1:${PORT}` } = process.env;
const MAX_BODY = 65_536;

if (AUTH_TOKEN === "") {
  console.error("set AUTH_TOKEN to the account's authToken");
  process.exit(1);
}

const twiml = (/** @type {string} */ verbs) =>
  `<?xml version="1.0" encoding="UTF-8"?>\n<Response>${verbs}</Response>\n`;

/** What to do by path; `undefined` when nothing is asked for. @type {Record<string, (form: URLSearchParams) => string | undefined>} */
const ROUTES = {
  "/voice": (form) => {
    console.log(`${form.get("CallSid")}: ${form.get("From")} calls ${form.get("To")}`);
    return twiml('<Dial timeout="20" action="/after"><Client>alice</Client><Client>bob</Client></Dial>');
  },
  "/after": (form) =>
    twiml(form.get("DialCallStatus") === "completed" ? "<Hangup/>" : '<Play loop="0">nearside:music</Play>'),
  "/status": (form) => {
    console.log(`${form.get("CallSid")}: ${form.get("CallStatus")}`);
    return undefined;
  },
};

/** HMAC-SHA1 over the URL and every parameter, sorted by name. @param {URLSearchParams} form @param {string} url */
function signatureOf(url, form) {
  const names = [...new Set(form.keys())].sort();
  const text = names
    .map((name) =>
      [...new Set(form.getAll(name))]
        .sort()
        .map((value) => name + value)
        .join(""),
    )
    .join("");
  return createHmac("sha1", AUTH_TOKEN)
    .update(url + text)
    .digest();
}

createServer(async (request, response) => {
  let body = "";
  for await (const part of request.setEncoding("utf8")) if ((body += part).length > MAX_BODY) return request.destroy();
  const answer = ROUTES[new URL(request.url ?? "/", PUBLIC_URL).pathname];
  if (answer === undefined || request.method !== "POST") return response.writeHead(404).end();
  const form = new URLSearchParams(body);
  const expected = signatureOf(PUBLIC_URL + request.url, form);
  const given = Buffer.from(String(request.headers["x-twilio-signature"] ?? ""), "base64");
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) return response.writeHead(403).end();
  const document = answer(form);
  if (document === undefined) return response.writeHead(204).end();
  return response.writeHead(200, { "content-type": "text/xml" }).end(document);
}).listen(Number(PORT), "127.0.0.1", () => console.log(`listening at ${PUBLIC_URL}`));
