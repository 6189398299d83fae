/**
 * A real SIP phone without sound devices: Debian's baresip-core, its microphone a tone, its recordings WAV files.
 * It is steered through its control port, and dies by SIGKILL (politely ended it would wait for a dead gateway).
 */
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { readdirSync, statSync } from "node:fs";
import { connect } from "node:net";
import type { Socket } from "node:net";
import { join } from "node:path";
import { createCertificate } from "../../scripts/start/certificate.ts";
import { ArrivalTimeline } from "./arrival-timeline.ts";
import { freePort } from "./free-port.ts";
import { temporaryFolder } from "./lab.ts";
import { encodeNetstring, NetstringDecoder } from "./netstring.ts";
import { PeerProcess } from "./peer-process.ts";
import { waitUntil } from "./wait-until.ts";
import { readWav, writeToneWav } from "./wav.ts";
import type { Recording } from "./wav.ts";

export interface BaresipOptions {
  readonly identity: string;
  readonly domain: string;
  readonly password?: string;
  /** Where it registers, as its outbound proxy. Without one it only takes and makes direct calls. */
  readonly gateway?: { readonly host: string; readonly port: number };
  readonly transport?: "udp" | "tcp" | "tls";
  /** Its own address; its SIP port is chosen unless given. */
  readonly host?: string;
  readonly port?: number;
  readonly toneFrequency?: number;
  readonly autoAnswer?: boolean;
  readonly registerSeconds?: number;
  readonly codecs?: readonly ("PCMU" | "PCMA")[];
  /** A folder with `config` and `accounts` of its own, used as they are but for its sound devices. */
  readonly configuration?: string;
  /** Further parameters of its account line, such as `sipnat=outbound`. */
  readonly accountParameters?: readonly string[];
}

/** What the control port reports; `type` is such as `CALL_ESTABLISHED`. */
export interface BaresipEvent {
  readonly type: string;
  readonly id?: string;
  readonly param?: string;
  readonly peeruri?: string;
  readonly direction?: string;
  readonly atMs: number;
}

export const PHONE_RATE = 8_000;
const LOOK_EVERY_MS = 10;
const RECORDINGS_THAT_GROW = 3;
const MODULES = "/usr/lib/baresip/modules";

export async function startBaresip(options: BaresipOptions): Promise<Baresip> {
  const { host = "127.0.0.1", toneFrequency = 700 } = options;
  const folder = await temporaryFolder();
  // Its TLS listener is on the port after its SIP port, so the control port comes third.
  const port = options.port ?? (await freePort(host, 3));
  const controlPort = await freePort("127.0.0.1");
  const microphone = await writeToneWav(join(folder.path, "microphone.wav"), { frequency: toneFrequency, seconds: 60 });
  const recordings = join(folder.path, "recordings");
  await mkdir(recordings);
  const values = { host, port, controlPort, microphone, recordings, certificate: join(folder.path, "certificate.pem") };
  const { config, accounts } =
    options.configuration === undefined
      ? { config: configText(values), accounts: `${accountLine(options)}\n` }
      : await givenConfiguration(options.configuration, values);
  await writeFile(join(folder.path, "config"), config);
  await writeFile(join(folder.path, "accounts"), accounts);
  await writeFile(join(folder.path, "contacts"), "");
  // Without one it cannot be called over TLS by anybody that it has no connection to.
  const { keyPem, certificatePem } = await createCertificate([host], Date.now());
  await writeFile(join(folder.path, "certificate.pem"), `${keyPem}\n${certificatePem}\n`);
  const process = await PeerProcess.start({
    name: `baresip ${options.identity}`,
    command: "baresip",
    args: ["-4", "-s", "-f", folder.path],
  });
  const phone = new Baresip(process, {
    uri: `sip:${options.identity}@${options.domain}`,
    host,
    port,
    recordings,
    removeFolder: folder.close,
  });
  try {
    await process.waitForLine(/baresip is ready/);
    await phone.connectControl(controlPort);
  } catch (failure) {
    await phone.close();
    throw failure;
  }
  return phone;
}

interface ConfigValues {
  readonly host: string;
  readonly port: number;
  readonly controlPort: number;
  readonly microphone: string;
  readonly recordings: string;
  readonly certificate: string;
}

function configText(values: ConfigValues): string {
  return [
    "poll_method epoll",
    "call_max_calls 8",
    "audio_channels 1",
    "jitter_buffer_type fixed",
    "jitter_buffer_delay 1-5",
    "rtcp_mux no",
    `module_path ${MODULES}`,
    "module g711.so",
    // As module and as application it would be loaded twice, and register twice.
    "module_app account.so",
    "module_app menu.so",
    "statmode_default off",
    ...driverLines(values),
    "",
  ].join("\n");
}

/** What every phone here needs: ports of its own, a microphone, a recorder, and a way to steer it. */
function driverLines({
  host,
  port,
  controlPort,
  microphone,
  recordings,
  certificate,
}: ConfigValues): readonly string[] {
  return [
    `sip_listen ${host}:${port}`,
    `sip_certificate ${certificate}`,
    "call_local_timeout 120",
    // Outside the ports of the gateways and of the operating system's own choice.
    "rtp_ports 28000-31998",
    `audio_source aufile,${microphone}`,
    "module aufile.so",
    `snd_path ${recordings}`,
    "module sndfile.so",
    "module ctrl_tcp.so",
    `ctrl_tcp_listen 127.0.0.1:${controlPort}`,
  ];
}

async function givenConfiguration(
  folder: string,
  values: ConfigValues,
): Promise<{ readonly config: string; readonly accounts: string }> {
  const given = (await readFile(join(folder, "config"), "utf8")).split("\n");
  const kept = given.filter((line) => !/^(audio_(source|player|alert)|module\s+alsa\.so)/.test(line));
  return {
    config: [...kept, ...driverLines(values), ""].join("\n"),
    accounts: await readFile(join(folder, "accounts"), "utf8"),
  };
}

function accountLine(options: BaresipOptions): string {
  const {
    identity,
    domain,
    password = "unused",
    gateway,
    transport = "udp",
    autoAnswer = false,
    registerSeconds = 60,
  } = options;
  const codecs = (options.codecs ?? ["PCMU", "PCMA"]).map((codec) => `${codec}/8000/1`).join(",");
  const where = gateway === undefined ? [] : [`outbound="sip:${gateway.host}:${gateway.port};transport=${transport}"`];
  return [
    `<sip:${identity}@${domain}>`,
    `auth_user=${identity}`,
    // An empty one makes it ask for a password at its terminal, and wait.
    `auth_pass=${password}`,
    `regint=${gateway === undefined ? 0 : registerSeconds}`,
    `answermode=${autoAnswer ? "auto" : "manual"}`,
    `audio_codecs=${codecs}`,
    ...where,
    ...(options.accountParameters ?? []),
  ].join(";");
}

interface BaresipPlace {
  readonly uri: string;
  readonly host: string;
  readonly port: number;
  readonly recordings: string;
  readonly removeFolder: () => Promise<void>;
}

export class Baresip {
  /** Its address of record. */
  readonly uri: string;
  /** Where its SIP listens. */
  readonly host: string;
  readonly port: number;
  readonly process: PeerProcess;
  readonly events: BaresipEvent[] = [];
  readonly #place: BaresipPlace;
  readonly #decoder = new NetstringDecoder();
  readonly #timelines = new Map<string, ArrivalTimeline>();
  readonly #looking: NodeJS.Timeout;
  readonly #waiting = new Map<string, (response: { readonly ok: boolean; readonly data: string }) => void>();
  #control: Socket | undefined;
  #commands = 0;

  constructor(process: PeerProcess, place: BaresipPlace) {
    this.process = process;
    this.uri = place.uri;
    this.host = place.host;
    this.port = place.port;
    this.#place = place;
    this.#looking = setInterval(() => this.#look(), LOOK_EVERY_MS);
    this.#looking.unref();
  }

  get pid(): number {
    return this.process.pid;
  }

  /** Waits for the registrar's 200; `from` skips earlier lines, to see a refresh. */
  async waitRegistered({ timeoutMs = 10_000, from = 0 } = {}): Promise<void> {
    await this.process.waitForLine(/\[\d+ bindings?\]/, { timeoutMs, from });
  }

  /** The next event of these types at or after place `from` in `events`. */
  async waitEvent(types: string | readonly string[], { timeoutMs = 10_000, from = 0 } = {}): Promise<BaresipEvent> {
    const wanted = [types].flat();
    try {
      return await waitUntil(
        wanted.join(" or "),
        () => this.events.slice(from).find(({ type }) => wanted.includes(type)),
        { timeoutMs },
      );
    } catch (cause) {
      const seen = this.events.map(({ type, param }) => `${type} ${param ?? ""}`).join("\n");
      throw new Error(
        `${this.process.name}: no ${wanted.join(" or ")}; events:\n${seen}\noutput:\n${this.process.output.slice(-6_000)}`,
        { cause },
      );
    }
  }

  /** Calls and returns when the INVITE is under way, not when it is answered. */
  async dial(uri: string): Promise<void> {
    await this.command("dial", uri);
  }

  async waitEstablished(options: { timeoutMs?: number; from?: number } = {}): Promise<BaresipEvent> {
    return await this.waitEvent("CALL_ESTABLISHED", options);
  }

  async waitIncoming(options: { timeoutMs?: number; from?: number } = {}): Promise<BaresipEvent> {
    return await this.waitEvent("CALL_INCOMING", options);
  }

  /** The end of a call; its `param` says why, such as `486 Busy Here`. */
  async waitClosed(options: { timeoutMs?: number; from?: number } = {}): Promise<BaresipEvent> {
    return await this.waitEvent("CALL_CLOSED", options);
  }

  async answer(): Promise<void> {
    await this.command("accept");
  }

  async hangup(): Promise<void> {
    await this.command("hangup");
  }

  async hold(): Promise<void> {
    await this.command("hold");
  }

  async resume(): Promise<void> {
    await this.command("resume");
  }

  /** Makes the call on a line the present one: the first call has line 1, one beside it line 2. */
  async selectLine(line: number): Promise<void> {
    await this.command("line", String(line));
  }

  /** Sends digits as RFC 4733 events. */
  async sendDigits(digits: string): Promise<void> {
    for (const digit of digits) await this.command("sndcode", digit);
  }

  /** Any command of its menu; `params` as after the command's word. */
  async command(command: string, params = ""): Promise<string> {
    const control = this.#control;
    if (control === undefined || control.destroyed) throw new Error(`${this.process.name}: its control port is closed`);
    const token = `t${++this.#commands}`;
    const answered = new Promise<{ readonly ok: boolean; readonly data: string }>((resolve) =>
      this.#waiting.set(token, resolve),
    );
    control.write(encodeNetstring(JSON.stringify({ command, params, token })));
    const response = await answered;
    if (!response.ok) throw new Error(`${this.process.name}: ${command} ${params} was refused: ${response.data}`);
    return response.data;
  }

  /** What the phone heard in its last call, packet after packet: pauses of the network do not show in it. */
  async received(): Promise<Recording> {
    return await this.#lastRecording("dec");
  }

  /** What the phone said in its last call. */
  async sent(): Promise<Recording> {
    return await this.#lastRecording("enc");
  }

  /**
   * What the phone heard in its last call, with pauses of the network as silence. `startedAtMs` is the wall time of its first
   * sample, to look at the time around a fault: `from: killedAtMs - startedAtMs`.
   */
  async receivedInRealTime(untilMs?: number): Promise<Recording & { readonly startedAtMs: number }> {
    this.#look();
    const path = (await this.#recordingPaths("dec")).at(-1);
    const timeline = path === undefined ? undefined : this.#timelines.get(path);
    if (path === undefined || timeline?.startedAtMs === undefined)
      throw new Error(`${this.process.name} heard nothing yet`);
    const { samples } = await readWav(path);
    return { rate: PHONE_RATE, samples: timeline.inRealTime(samples, untilMs), startedAtMs: timeline.startedAtMs };
  }

  /**
   * All that its ear heard since then, of whichever calls, as one recording in real time. It begins a file with each call and
   * with each change of one, and names files by the second: changes within one second of each other spoil the earlier file.
   */
  async heardSince(sinceMs: number, untilMs = Date.now()): Promise<Recording & { readonly startedAtMs: number }> {
    this.#look();
    const mixed = new Int16Array(Math.max(0, Math.round(((untilMs - sinceMs) * PHONE_RATE) / 1_000)));
    for (const [path, timeline] of this.#timelines) {
      const { startedAtMs, lastArrivalAtMs } = timeline;
      if (startedAtMs === undefined || lastArrivalAtMs === undefined || lastArrivalAtMs < sinceMs) continue;
      const samples = timeline.inRealTime((await readWav(path)).samples);
      const at = Math.round(((startedAtMs - sinceMs) * PHONE_RATE) / 1_000);
      for (let index = Math.max(0, -at); index < samples.length && at + index < mixed.length; index += 1)
        mixed[at + index] = (mixed[at + index] ?? 0) + (samples[index] ?? 0);
    }
    return { rate: PHONE_RATE, samples: mixed, startedAtMs: sinceMs };
  }

  /** Gone at once, without a word to anybody. */
  kill(): void {
    this.process.kill();
  }

  async close(): Promise<void> {
    clearInterval(this.#looking);
    this.#control?.destroy();
    await this.process.close();
    await this.#place.removeFolder();
  }

  async connectControl(port: number): Promise<void> {
    const control = connect({ host: "127.0.0.1", port });
    this.#control = control;
    control.on("data", (bytes) => {
      for (const text of this.#decoder.push(bytes)) this.#take(JSON.parse(text) as Record<string, string>);
    });
    control.on("close", () => this.#refuseWaiting());
    await new Promise<void>((resolve, reject) => {
      control.once("connect", resolve);
      control.once("error", reject);
    });
    control.on("error", () => {});
  }

  #take(message: Readonly<Record<string, unknown>>): void {
    if (message["event"] === true) {
      this.events.push({ ...message, type: String(message["type"]), atMs: Date.now() });
      return;
    }
    const token = String(message["token"]);
    this.#waiting.get(token)?.({ ok: message["ok"] === true, data: String(message["data"]) });
    this.#waiting.delete(token);
  }

  #refuseWaiting(): void {
    for (const answer of this.#waiting.values()) answer({ ok: false, data: "the phone is gone" });
    this.#waiting.clear();
  }

  /** Its recorder writes every packet through at once, so the file's length tells when audio came. */
  #look(): void {
    const now = Date.now();
    const names = readdirSync(this.#place.recordings, { encoding: "utf8" }).filter((name) => name.endsWith("-dec.wav"));
    // Their names begin with the time. A phone that has been in many calls is in two of them at most.
    for (const name of names.sort().slice(-RECORDINGS_THAT_GROW)) {
      const path = join(this.#place.recordings, name);
      const timeline = this.#timelines.get(path) ?? new ArrivalTimeline(PHONE_RATE);
      this.#timelines.set(path, timeline);
      timeline.look(now, Math.max(0, Math.floor((statSync(path).size - 44) / 2)));
    }
  }

  async #recordingPaths(direction: "dec" | "enc"): Promise<readonly string[]> {
    const names = await readdir(this.#place.recordings);
    return names
      .filter((name) => name.endsWith(`-${direction}.wav`))
      .sort()
      .map((name) => join(this.#place.recordings, name));
  }

  async #lastRecording(direction: "dec" | "enc"): Promise<Recording> {
    const path = (await this.#recordingPaths(direction)).at(-1);
    if (path === undefined) throw new Error(`${this.process.name} has not been in a call`);
    return await readWav(path);
  }
}
