/** Linphone's console phone (belle-sip and mediastreamer2): a second SIP and media stack beside baresip's, steered by its stdin. */
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { freePort } from "./free-port.ts";
import { temporaryFolder } from "./lab.ts";
import { PeerProcess } from "./peer-process.ts";
import { waitUntil } from "./wait-until.ts";
import { readWav, writeToneWav } from "./wav.ts";
import type { Recording } from "./wav.ts";

export interface LinphoneOptions {
  readonly identity: string;
  readonly domain: string;
  readonly password?: string;
  readonly gateway?: { readonly host: string; readonly port: number };
  readonly transport?: "udp" | "tcp" | "tls";
  readonly host?: string;
  readonly port?: number;
  readonly toneFrequency?: number;
  readonly autoAnswer?: boolean;
  readonly registerSeconds?: number;
  /** A file of settings of its own, used as it is. */
  readonly configuration?: string;
}

/** The level from which on it logs the messages that it sends and gets. */
const LOG_LEVEL = "5";

export async function startLinphone(options: LinphoneOptions): Promise<Linphone> {
  const { identity, host = "127.0.0.1", toneFrequency = 900, autoAnswer = false } = options;
  const folder = await temporaryFolder();
  const port = options.port ?? (await freePort(host));
  const mediaPort = await freePort(host, 2);
  const microphone = await writeToneWav(join(folder.path, "microphone.wav"), { frequency: toneFrequency, seconds: 60 });
  // It does not start its database when this folder is missing.
  await mkdir(join(folder.path, ".local/share/linphone"), { recursive: true });
  const { configuration } = options;
  const settings =
    configuration === undefined
      ? configText(options, { host, port, mediaPort })
      : await readFile(configuration, "utf8");
  // A copy: it writes into it.
  await writeFile(join(folder.path, "rc"), settings);
  const log = join(folder.path, "log");
  const process = await PeerProcess.start({
    name: `linphonec ${identity}`,
    command: "linphonec",
    args: ["-c", join(folder.path, "rc"), "-S", "-d", LOG_LEVEL, "-l", log, ...(autoAnswer ? ["-a"] : [])],
    env: {
      HOME: folder.path,
      XDG_DATA_HOME: join(folder.path, ".local/share"),
      XDG_CONFIG_HOME: join(folder.path, ".config"),
    },
  });
  const recording = join(folder.path, "recording.wav");
  const phone = new Linphone(process, {
    uri: `sip:${identity}@${options.domain}`,
    host,
    port,
    recording,
    log,
    removeFolder: folder.close,
  });
  try {
    process.writeLine("soundcard use files");
    await process.waitForLine(/Using wav files instead of soundcard/);
    process.writeLine(`play ${microphone}`);
    process.writeLine(`record ${recording}`);
  } catch (failure) {
    await phone.close();
    throw failure;
  }
  return phone;
}

function configText(
  options: LinphoneOptions,
  place: { readonly host: string; readonly port: number; readonly mediaPort: number },
): string {
  const { identity, domain, password = "", gateway, transport = "udp", registerSeconds = 60 } = options;
  const account =
    gateway === undefined
      ? []
      : [
          "[auth_info_0]",
          `username=${identity}`,
          `passwd=${password}`,
          `realm=${domain}`,
          `domain=${domain}`,
          "[proxy_0]",
          `reg_proxy=<sip:${gateway.host}:${gateway.port};transport=${transport}>`,
          `reg_route=<sip:${gateway.host}:${gateway.port};transport=${transport};lr>`,
          `reg_identity=sip:${identity}@${domain}`,
          `reg_expires=${registerSeconds}`,
          "reg_sendregister=1",
          "publish=0",
        ];
  return [
    "[sip]",
    // The UDP port; there is no key that names TCP's and is obeyed, so that one is left to chance.
    `sip_port=${place.port}`,
    "sip_tcp_port=-1",
    "sip_tls_port=-1",
    `bind_address=${place.host}`,
    `contact=<sip:${identity}@${place.host}>`,
    "guess_hostname=0",
    "use_ipv6=0",
    // Otherwise it "migrates" the line above away and offers IPv6.
    "ipv6_migration_done=1",
    "register_only_when_network_is_up=0",
    // It would decline by itself after 30 s.
    "inc_timeout=120",
    "verify_server_certs=0",
    "verify_server_cn=0",
    "media_encryption=none",
    ...(gateway === undefined ? [] : ["default_proxy=0"]),
    "[rtp]",
    `audio_rtp_port=${place.mediaPort}`,
    "[sound]",
    "echocancellation=0",
    "[video]",
    "enabled=0",
    "capture=0",
    "display=0",
    ...account,
    "",
  ].join("\n");
}

interface LinphonePlace {
  readonly uri: string;
  readonly host: string;
  readonly port: number;
  readonly recording: string;
  readonly log: string;
  readonly removeFolder: () => Promise<void>;
}

interface WaitOptions {
  readonly timeoutMs?: number;
  /** Place in the output to look from, see `mark`. */
  readonly from?: number;
}

export class Linphone {
  readonly uri: string;
  readonly host: string;
  readonly port: number;
  readonly process: PeerProcess;
  readonly #place: LinphonePlace;
  #recording: string;

  constructor(process: PeerProcess, place: LinphonePlace) {
    this.process = process;
    this.uri = place.uri;
    this.host = place.host;
    this.port = place.port;
    this.#place = place;
    this.#recording = place.recording;
  }

  /** The end of the output now, to wait only for what comes later. */
  mark(): number {
    return this.process.lineCount;
  }

  /** It says nothing by itself when it has registered, so it is asked. */
  async waitRegistered({ timeoutMs = 10_000 }: WaitOptions = {}): Promise<void> {
    await waitUntil(
      `${this.process.name} is registered`,
      async () => {
        const from = this.mark();
        this.process.writeLine("status register");
        const [, state] = await this.process.waitForLine(/^registered(=-?\d|, identity)/, { from });
        return state === ", identity";
      },
      { timeoutMs, everyMs: 100 },
    );
  }

  dial(uri: string): void {
    this.process.writeLine(`call ${uri}`);
  }

  async waitIncoming(options: WaitOptions = {}): Promise<void> {
    await this.process.waitForLine(/Receiving new incoming call/, options);
  }

  async waitRinging(options: WaitOptions = {}): Promise<void> {
    await this.process.waitForLine(/Call \d+ .*ringing/, options);
  }

  /** Answers with the call's id. */
  async waitEstablished(options: WaitOptions = {}): Promise<string> {
    const [, call = ""] = await this.process.waitForLine(/Media streams established with .* for call (\d+)/, options);
    return call;
  }

  /** The reason that it prints, such as `No error` or `User is busy.` */
  async waitEnded(options: WaitOptions = {}): Promise<string> {
    const [line] = await this.process.waitForLine(/Call \d+ with .* (ended|error).*/, options);
    return line;
  }

  answer(): void {
    this.process.writeLine("answer");
  }

  hangup(): void {
    this.process.writeLine("terminate");
  }

  hold(): void {
    this.process.writeLine("pause");
  }

  /** With an id, the one of several calls. */
  resume(call = ""): void {
    this.process.writeLine(`resume ${call}`.trim());
  }

  /** Where it writes what it hears in the calls that come. */
  record(path: string): void {
    this.#recording = path;
    this.process.writeLine(`record ${path}`);
  }

  /** What it heard, paced by its own clock: pauses of the network are silences in it. It writes the file when the call ends. */
  async received(): Promise<Recording> {
    return await waitUntil("linphone's recording", () => readWav(this.#recording).catch(() => undefined));
  }

  /** The end of its log now, to look only at what comes later. */
  async logLength(): Promise<number> {
    return (await readFile(this.#place.log, "utf8")).length;
  }

  /** The last line of its log that matches, which comes a moment after what it tells of; empty without one. */
  async logged(pattern: RegExp, from = 0): Promise<string> {
    const look = async (): Promise<string | undefined> => {
      const lines = (await readFile(this.#place.log, "utf8")).slice(from).split(/\r?\n/);
      return lines.flatMap((line) => pattern.exec(line)?.[1] ?? []).at(-1);
    };
    return await waitUntil("a line in linphone's log", look, { timeoutMs: 1_000, everyMs: 50 }).catch(() => "");
  }

  kill(): void {
    this.process.kill();
  }

  async close(): Promise<void> {
    await this.process.close();
    await this.#place.removeFolder();
  }
}
