/**
 * Stock Firefox ESR over WebDriver BiDi. Its microphone is the browser's own test tone.
 * It gathers no loopback candidate (its preference for that does not reach the process that lists addresses), so a gateway on
 * 127.0.0.1 must list another address of the machine too; Nearside's do where there is one. `nonLoopbackAddress` tells which.
 * Page and signalling may stay on 127.0.0.1, which is a secure context.
 */
import { writeFile } from "node:fs/promises";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import { Lab } from "../lab.ts";
import { PeerProcess } from "../peer-process.ts";
import { BidiClient } from "./bidi-client.ts";
import { BrowserPhone } from "./browser-phone.ts";
import type { PageDriver } from "./browser-phone.ts";
import { startNullSound } from "./null-sound.ts";
import { servePhonePage } from "./page-server.ts";

export interface FirefoxOptions {
  readonly toneFrequency?: number;
  /** Address of the page; only loopback and HTTPS have a microphone. */
  readonly host?: string;
  readonly preferences?: Readonly<Record<string, string | number | boolean>>;
  readonly executable?: string;
}

const PREFERENCES: Readonly<Record<string, string | number | boolean>> = {
  "media.navigator.streams.fake": true,
  "media.navigator.permission.disabled": true,
  "media.peerconnection.ice.obfuscate_host_addresses": false,
  "media.autoplay.default": 0,
  "media.getusermedia.insecure.enabled": true,
  "media.devices.insecure.enabled": true,
  // No pings, updates or portals: a test machine has no network beyond itself.
  "app.update.enabled": false,
  "browser.shell.checkDefaultBrowser": false,
  "datareporting.policy.dataSubmissionEnabled": false,
  "network.captive-portal-service.enabled": false,
  "network.connectivity-service.enabled": false,
  "extensions.getAddons.cache.enabled": false,
  "services.settings.server": "data:,",
  "toolkit.telemetry.enabled": false,
};

/** An IPv4 address of this machine that Firefox talks to; `undefined` on a machine with loopback only. */
export function nonLoopbackAddress(): string | undefined {
  const addresses = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  return addresses.find(({ family, internal }) => family === "IPv4" && !internal)?.address;
}

export interface Firefox {
  readonly client: BidiClient;
  readonly process: PeerProcess;
  close(): Promise<void>;
}

/** The browser with an empty tab. */
export async function startFirefox(options: Omit<FirefoxOptions, "host"> = {}): Promise<Firefox> {
  const { toneFrequency = 800, preferences = {}, executable = "firefox-esr" } = options;
  const lab = new Lab();
  try {
    const sound = await lab.own(startNullSound());
    const folder = await lab.folder();
    const wanted = { ...PREFERENCES, "media.navigator.audio.fake_frequency": toneFrequency, ...preferences };
    const lines = Object.entries(wanted).map(
      ([name, value]) => `user_pref(${JSON.stringify(name)}, ${JSON.stringify(value)});`,
    );
    await writeFile(join(folder, "user.js"), `${lines.join("\n")}\n`);
    const process = await lab.own(
      PeerProcess.start({
        name: `firefox ${toneFrequency} Hz`,
        command: executable,
        args: ["--headless", "--no-remote", "--remote-debugging-port=0", "--profile", folder, "about:blank"],
        env: { ...sound.env, HOME: folder, MOZ_CRASHREPORTER_DISABLE: "1" },
      }),
    );
    const [, url = ""] = await process.waitForLine(/WebDriver BiDi listening on (ws:\S+)/, { timeoutMs: 30_000 });
    const client = await lab.own(BidiClient.connect(url));
    return { client, process, close: () => lab.close() };
  } catch (failure) {
    await lab.close();
    throw failure;
  }
}

export async function launchFirefox({ host = "127.0.0.1", ...options }: FirefoxOptions = {}): Promise<BrowserPhone> {
  const lab = new Lab();
  try {
    const page = await lab.own(servePhonePage(host));
    const { client, process } = await lab.own(startFirefox(options));
    await client.navigate(page.url);
    const driver: PageDriver = {
      name: process.name,
      pid: process.pid,
      console: client.console,
      invoke: (method, json) =>
        client.callFunction("(method, json) => window.invokePhonePage(method, json)", method, json),
      loadPage: () => client.navigate(page.url),
      closePage: () => client.navigate("about:blank"),
      close: () => lab.close(),
    };
    return new BrowserPhone(driver);
  } catch (failure) {
    await lab.close();
    throw failure;
  }
}
