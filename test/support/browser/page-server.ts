/** Serves the phone page: bundled when a test starts, from the libraries as npm delivers them. */
import { once } from "node:events";
import { createServer } from "node:http";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

export interface PageServer {
  readonly url: string;
  close(): Promise<void>;
}

let bundle: Promise<string> | undefined;

async function bundlePage(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL("page/main.ts", import.meta.url))],
    bundle: true,
    write: false,
    format: "iife",
    platform: "browser",
    target: "es2022",
    logLevel: "error",
    // JsSIP still speaks of Node's `global`.
    define: { global: "globalThis" },
  });
  return outputFiles.map(({ text }) => text).join("\n");
}

const HTML = '<!doctype html><meta charset="utf-8"><title>phone</title><script src="/page.js" defer></script>';

export async function servePhonePage(host = "127.0.0.1"): Promise<PageServer> {
  const script = await (bundle ??= bundlePage());
  const server = createServer((request, response) => {
    const isScript = request.url === "/page.js";
    response.writeHead(200, {
      "content-type": isScript ? "text/javascript; charset=utf-8" : "text/html; charset=utf-8",
      "cache-control": "no-store",
    });
    response.end(isScript ? script : HTML);
  });
  server.listen(0, host);
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("a server on a port has an address with a port");
  return {
    url: `http://${host}:${address.port}/`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
