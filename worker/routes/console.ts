import { createHash } from "node:crypto";
import { Hono } from "hono";
import type { Context } from "hono";
import icon from "../../dist/console/icon.svg.txt";
import callScript from "../../dist/console/call.js.txt";
import callStyle from "../../dist/console/call.css.txt";
import script from "../../dist/console/console.js.txt";
import style from "../../dist/console/console.css.txt";
import { settingsOf } from "../env.ts";
import type { AppTypes } from "../middleware/app-types.ts";

interface Asset {
  readonly path: string;
  readonly type: string;
  readonly text: string;
  readonly etag: string;
}

interface Page {
  readonly title: string;
  readonly script: Asset;
  readonly style: Asset;
}

/** A name with the hash of its content never means anything else: it is kept for ever. */
const IMMUTABLE = "public, max-age=31536000, immutable";

const SOFTPHONE: Page = {
  title: "Nearside",
  script: asset("console", "js", "text/javascript", script),
  style: asset("console", "css", "text/css", style),
};
const CALL: Page = {
  title: "A call · Nearside",
  script: asset("call", "js", "text/javascript", callScript),
  style: asset("call", "css", "text/css", callStyle),
};
const ICON = asset("icon", "svg", "image/svg+xml", icon);

/** `/`: the softphone; `/calls/SID`: what happened in a call (docs/design/console.md). Who may know it the API decides. */
export const consolePage = [SOFTPHONE.script, SOFTPHONE.style, CALL.script, CALL.style, ICON].reduce(
  (routes, { path, type, text, etag }) =>
    routes.get(path, (c) => {
      c.header("Cache-Control", IMMUTABLE);
      return answer(c, { type, text, etag });
    }),
  new Hono<AppTypes>().get("/", (c) => answerPage(c, SOFTPHONE)).get("/calls/:sid", (c) => answerPage(c, CALL)),
);

function answerPage(c: Context<AppTypes>, page: Page): Response {
  const text = pageText(c, page);
  const { host } = new URL(c.req.url);
  c.header("Cache-Control", "no-cache");
  c.header("Content-Security-Policy", contentSecurityPolicy(host));
  c.header("Permissions-Policy", "microphone=(self), speaker-selection=(self), camera=(), geolocation=()");
  c.header("Referrer-Policy", "no-referrer");
  c.header("Cross-Origin-Opener-Policy", "same-origin");
  return answer(c, { type: "text/html", text, etag: etagOf(text) });
}

function answer(c: Context<AppTypes>, { type, text, etag }: Pick<Asset, "type" | "text" | "etag">): Response {
  c.header("ETag", etag);
  c.header("X-Content-Type-Options", "nosniff");
  const known = (c.req.header("If-None-Match") ?? "").split(",").map((one) => one.trim().replace(/^W\//, ""));
  if (known.includes(etag)) return c.body(null, 304);
  return c.body(text, 200, { "Content-Type": `${type}; charset=utf-8` });
}

function pageText(c: Context<AppTypes>, page: Page): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover">
<meta name="color-scheme" content="light dark">
<meta name="description" content="Calls in the browser, through the nearest gateway.">
<title>${page.title}</title>
<link rel="icon" type="image/svg+xml" href="${ICON.path}">
<link rel="stylesheet" href="${page.style.path}">
<script type="module" src="${page.script.path}"></script>
<script type="application/json" id="settings">${pageSettings(c)}</script>
</head>
<body>
<div id="console"></div>
<noscript>This page needs JavaScript.</noscript>
</body>
</html>
`;
}

/** What the page needs before anybody has signed in. */
function pageSettings(c: Context<AppTypes>): string {
  const { development, developmentSipDomains, regions } = settingsOf(c.env);
  const settings = development
    ? { development, sipDomains: developmentSipDomains, regions: regions.regions.map(({ name }) => name) }
    : { development };
  // Inside a script element only "<" could end it.
  return JSON.stringify(settings).replaceAll("<", "\\u003c");
}

/** Scripts and styles come from files of ours alone. Not every browser counts WebSockets to 'self'. */
function contentSecurityPolicy(host: string): string {
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "media-src 'self' blob:",
    `connect-src 'self' wss://${host} ws://${host}`,
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
  ].join("; ");
}

function asset(name: string, extension: string, type: string, text: string): Asset {
  const hash = createHash("sha256").update(text).digest("hex").slice(0, 16);
  return { path: `/assets/${name}-${hash}.${extension}`, type, text, etag: `"${hash}"` };
}

function etagOf(text: string): string {
  return `"${createHash("sha256").update(text).digest("hex").slice(0, 16)}"`;
}
