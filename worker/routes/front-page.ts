import { Hono } from "hono";
import type { AppTypes } from "../middleware/app-types.ts";

/** `/`: what this is and where things are, for whoever comes with a browser. */
export const frontPage = new Hono<AppTypes>().get("/", (c) => {
  const { origin, host, protocol } = new URL(c.req.url);
  const socket = `${protocol === "https:" ? "wss" : "ws"}://${host}/sip`;
  c.header("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'");
  return c.html(`<!doctype html>
<html lang="en">
<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Nearside</title>
<style>body{font:1rem/1.6 system-ui,sans-serif;max-width:40rem;margin:3rem auto;padding:0 1rem}code{background:#8882;padding:.1em .3em}</style>
<h1>Nearside</h1>
<p>A SIP and WebRTC gateway at the edge: a call outlives any gateway.</p>
<ul>
<li>SIP over WebSocket (RFC 7118): <code>${escapeHtml(socket)}</code></li>
<li>Calls, as Twilio lists them: <code>${escapeHtml(origin)}/2010-04-01/Accounts/{AccountSid}/Calls.json</code></li>
<li>Routes, calls and gateways: <code>${escapeHtml(origin)}/v1</code></li>
<li>Health: <code>${escapeHtml(origin)}/health</code></li>
</ul>
</html>`);
});

function escapeHtml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}
