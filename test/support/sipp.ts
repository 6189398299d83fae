/** SIPp as a scripted phone: built-in or own scenarios, its verdict as an exit code, its messages as text. */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { freePort, portIsHeld } from "./free-port.ts";
import { temporaryFolder } from "./lab.ts";
import { PeerProcess } from "./peer-process.ts";
import { waitUntil } from "./wait-until.ts";

export interface SippOptions {
  /** `uas` answers whatever comes; anything else is a scenario file's text. */
  readonly scenario: "uac" | "uas" | { readonly xml: string };
  /** Where requests go. Not needed by a scenario that only answers. */
  readonly target?: { readonly host: string; readonly port: number };
  readonly host?: string;
  readonly port?: number;
  readonly mediaPort?: number;
  readonly transport?: "udp" | "tcp" | "tls";
  /** Calls in all, and calls a second. */
  readonly calls?: number;
  readonly rate?: number;
  /** User part that the built-in `uac` calls. */
  readonly service?: string;
  /** Sends back the RTP that it gets. */
  readonly rtpEcho?: boolean;
  readonly timeoutSeconds?: number;
  readonly args?: readonly string[];
}

export interface SippOutcome {
  /** 0: all calls went as the scenario says. 1: at least one did not. 99: it ended without a call. Others: it could not run. */
  readonly exitCode: number | string;
  /** What deviated from the scenario. */
  readonly errors: string;
  /** Every message sent and received. */
  readonly messages: string;
}

const TRANSPORT_MODES = { udp: "u1", tcp: "t1", tls: "l1" } as const;

export async function startSipp(options: SippOptions): Promise<Sipp> {
  const {
    scenario,
    target,
    host = "127.0.0.1",
    calls,
    rate,
    service,
    transport = "udp",
    timeoutSeconds = 60,
  } = options;
  const folder = await temporaryFolder();
  const port = options.port ?? (await freePort(host));
  const files = { errors: join(folder.path, "errors.log"), messages: join(folder.path, "messages.log") };
  let script: readonly string[];
  if (typeof scenario === "string") script = ["-sn", scenario];
  else {
    const path = join(folder.path, "scenario.xml");
    await writeFile(path, scenario.xml);
    script = ["-sf", path];
  }
  const process = await PeerProcess.start({
    name: "sipp",
    command: "sipp",
    cwd: folder.path,
    // It repaints a screen several times a second.
    ignoreOutput: true,
    args: [
      ...script,
      "-i",
      host,
      "-mi",
      host,
      "-p",
      String(port),
      "-t",
      TRANSPORT_MODES[transport],
      "-nostdin",
      // Two ports for each scenario with media, away from the gateways' ranges.
      "-mp",
      String(options.mediaPort ?? (await freePort(host, 4))),
      "-timeout",
      String(timeoutSeconds),
      "-timeout_error",
      "-trace_err",
      "-error_file",
      files.errors,
      "-trace_msg",
      "-message_file",
      files.messages,
      ...(calls === undefined ? [] : ["-m", String(calls)]),
      ...(rate === undefined ? [] : ["-r", String(rate)]),
      ...(service === undefined ? [] : ["-s", service]),
      ...(options.rtpEcho === true ? ["-rtp_echo"] : []),
      ...(options.args ?? []),
      ...(target === undefined ? [] : [`${target.host}:${target.port}`]),
    ],
  });
  const sipp = new Sipp(process, { host, port, files, removeFolder: folder.close });
  const protocol = transport === "udp" ? "udp" : "tcp";
  // One that calls over a connection holds no port of its own to listen on.
  if (protocol === "udp" || target === undefined) {
    await waitUntil("sipp's port", async () => process.hasEnded || (await portIsHeld(protocol, port)));
  }
  return sipp;
}

/** Runs a scenario to its end. */
export async function runSipp(options: SippOptions): Promise<SippOutcome> {
  const sipp = await startSipp(options);
  try {
    return await sipp.outcome();
  } finally {
    await sipp.close();
  }
}

interface SippPlace {
  readonly host: string;
  readonly port: number;
  readonly files: { readonly errors: string; readonly messages: string };
  readonly removeFolder: () => Promise<void>;
}

export class Sipp {
  readonly process: PeerProcess;
  readonly host: string;
  readonly port: number;
  readonly #place: SippPlace;

  constructor(process: PeerProcess, place: SippPlace) {
    this.process = process;
    this.host = place.host;
    this.port = place.port;
    this.#place = place;
  }

  /** Waits until it has ended by itself. */
  async outcome(): Promise<SippOutcome> {
    const exitCode = await this.process.ended;
    return { exitCode, errors: await this.errors(), messages: await this.messages() };
  }

  async errors(): Promise<string> {
    return await textOf(this.#place.files.errors);
  }

  async messages(): Promise<string> {
    return await textOf(this.#place.files.messages);
  }

  async close(): Promise<void> {
    await this.process.close();
    await this.#place.removeFolder();
  }
}

/** SIPp makes its logs only when there is something to log. */
async function textOf(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch {
    return "";
  }
}

export interface SippUser {
  readonly identity: string;
  readonly domain: string;
  readonly password: string;
}

const AUTHENTICATION = ({ identity, password }: SippUser): string =>
  `[authentication username=${identity} password=${password}]`;

function scenario(name: string, ...steps: readonly string[]): { readonly xml: string } {
  return {
    xml: `<?xml version="1.0" encoding="ISO-8859-1" ?>\n<scenario name="${name}">\n${steps.join("\n")}\n</scenario>\n`,
  };
}

function send(message: readonly string[], attributes = ""): string {
  return `<send ${attributes}><![CDATA[\n\n${message.map((line) => `      ${line}`).join("\n")}\n\n]]></send>`;
}

function registerRequest(
  user: SippUser,
  cseq: number,
  expires: number,
  {
    authentication = [],
    instance,
  }: { readonly authentication?: readonly string[]; readonly instance?: string | undefined },
): readonly string[] {
  const device = instance === undefined ? "" : `;+sip.instance="<urn:uuid:${instance}>"`;
  return [
    `REGISTER sip:${user.domain} SIP/2.0`,
    "Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]",
    `From: <sip:${user.identity}@${user.domain}>;tag=[pid]SIPpTag00[call_number]`,
    `To: <sip:${user.identity}@${user.domain}>`,
    "Call-ID: [call_id]",
    `CSeq: ${cseq} REGISTER`,
    `Contact: <sip:${user.identity}@[local_ip]:[local_port];transport=[transport]>${device}`,
    "Max-Forwards: 70",
    `Expires: ${expires}`,
    ...authentication,
    "Content-Length: 0",
  ];
}

export interface RegisterOptions {
  readonly expires?: number;
  /** A UUID: tells devices of one user apart that are at one address (RFC 5626). */
  readonly instance?: string;
}

/** REGISTER, the challenge, REGISTER with its answer, 200. Then `uas` on the same port can be called. */
export function registerScenario(user: SippUser, options: RegisterOptions = {}): { readonly xml: string } {
  const { expires = 300, instance } = options;
  return scenario(
    "register",
    send(registerRequest(user, 1, expires, { instance }), 'retrans="500"'),
    '<recv response="401" auth="true"/>',
    send(registerRequest(user, 2, expires, { authentication: [AUTHENTICATION(user)], instance }), 'retrans="500"'),
    '<recv response="200"/>',
  );
}

interface InviteContent {
  readonly authentication?: readonly string[];
  readonly furtherMedia?: readonly string[];
}

function inviteRequest(
  user: SippUser,
  to: string,
  cseq: number,
  { authentication = [], furtherMedia = [] }: InviteContent,
): readonly string[] {
  return [
    `INVITE sip:${to}@${user.domain} SIP/2.0`,
    "Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]",
    `From: <sip:${user.identity}@${user.domain}>;tag=[pid]SIPpTag00[call_number]`,
    `To: <sip:${to}@${user.domain}>`,
    "Call-ID: [call_id]",
    `CSeq: ${cseq} INVITE`,
    `Contact: <sip:${user.identity}@[local_ip]:[local_port];transport=[transport]>`,
    "Max-Forwards: 70",
    ...authentication,
    "Content-Type: application/sdp",
    "Content-Length: [len]",
    "",
    "v=0",
    "o=sipp 1 1 IN IP[local_ip_type] [local_ip]",
    "s=-",
    "c=IN IP[media_ip_type] [media_ip]",
    "t=0 0",
    "m=audio [media_port] RTP/AVP 0 101",
    "a=rtpmap:0 PCMU/8000",
    "a=rtpmap:101 telephone-event/8000",
    ...furtherMedia,
  ];
}

function inDialog(user: SippUser, method: "ACK" | "BYE", to: string, cseq: number): readonly string[] {
  return [
    `${method} [next_url] SIP/2.0`,
    "Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]",
    "[routes]",
    `From: <sip:${user.identity}@${user.domain}>;tag=[pid]SIPpTag00[call_number]`,
    `To: <sip:${to}@${user.domain}>[peer_tag_param]`,
    "Call-ID: [call_id]",
    `CSeq: ${cseq} ${method}`,
    "Max-Forwards: 70",
    "Content-Length: 0",
  ];
}

/** ACK to a final refusal keeps the branch and the request-URI of its INVITE (RFC 3261 section 17.1.1.3). */
function ackRefusal(user: SippUser, to: string, cseq: number): readonly string[] {
  return [
    `ACK sip:${to}@${user.domain} SIP/2.0`,
    "[last_Via:]",
    `From: <sip:${user.identity}@${user.domain}>;tag=[pid]SIPpTag00[call_number]`,
    "[last_To:]",
    "Call-ID: [call_id]",
    `CSeq: ${cseq} ACK`,
    "Max-Forwards: 70",
    "Content-Length: 0",
  ];
}

export interface CallScenarioOptions {
  readonly holdMs?: number;
  /** What the gateway asks for credentials with. */
  readonly challenge?: 401 | 407;
  /** Lines of SDP after those of the audio. */
  readonly furtherMedia?: readonly string[];
}

/** Calls `to` with digest authentication, stays for `holdMs`, hangs up. */
export function callScenario(
  user: SippUser,
  to: string,
  { holdMs = 1_000, challenge = 407, furtherMedia = [] }: CallScenarioOptions = {},
): { readonly xml: string } {
  return scenario(
    "call",
    send(inviteRequest(user, to, 1, { furtherMedia }), 'retrans="500"'),
    '<recv response="100" optional="true"/>',
    `<recv response="${challenge}" auth="true"/>`,
    send(ackRefusal(user, to, 1)),
    send(inviteRequest(user, to, 2, { authentication: [AUTHENTICATION(user)], furtherMedia }), 'retrans="500"'),
    '<recv response="100" optional="true"/>',
    '<recv response="180" optional="true"/>',
    '<recv response="183" optional="true"/>',
    '<recv response="200" rrs="true" rtd="true"/>',
    send(inDialog(user, "ACK", to, 2)),
    `<pause milliseconds="${holdMs}"/>`,
    send(inDialog(user, "BYE", to, 3), 'retrans="500"'),
    '<recv response="200"/>',
  );
}

/** Answers one INVITE with a final refusal and takes its ACK. */
export function refuseScenario(status: number, reason: string): { readonly xml: string } {
  return scenario(
    "refuse",
    '<recv request="INVITE"/>',
    send([
      `SIP/2.0 ${status} ${reason}`,
      "[last_Via:]",
      "[last_From:]",
      "[last_To:];tag=[pid]SIPpTag01[call_number]",
      "[last_Call-ID:]",
      "[last_CSeq:]",
      "Content-Length: 0",
    ]),
    '<recv request="ACK"/>',
  );
}

export interface EarlyMediaOptions {
  /** G.711 as it goes into packets (PCMU), played from the provisional response on, again and again. */
  readonly audioFile: string;
  readonly status?: 180 | 183;
  /** From the provisional response to the answer. */
  readonly earlyMs: number;
}

/** `place`: whether the request has our tag in To already. */
function responseTo(place: "first" | "in-dialog", status: string, lines: readonly string[]): readonly string[] {
  return [
    `SIP/2.0 ${status}`,
    "[last_Via:]",
    "[last_From:]",
    place === "first" ? "[last_To:];tag=[pid]SIPpTag01[call_number]" : "[last_To:]",
    "[last_Call-ID:]",
    "[last_CSeq:]",
    ...lines,
  ];
}

const ANSWER = [
  "Contact: <sip:[local_ip]:[local_port];transport=[transport]>",
  "Content-Type: application/sdp",
  "Content-Length: [len]",
  "",
  "v=0",
  "o=sipp 1 1 IN IP[local_ip_type] [local_ip]",
  "s=-",
  "c=IN IP[media_ip_type] [media_ip]",
  "t=0 0",
  "m=audio [rtpstream_audio_port] RTP/AVP 0",
  "a=rtpmap:0 PCMU/8000",
];

/** Is called, plays before it answers, answers, and takes the BYE. */
export function earlyMediaScenario({ audioFile, status = 183, earlyMs }: EarlyMediaOptions): { readonly xml: string } {
  return scenario(
    "early media",
    '<recv request="INVITE"/>',
    send(responseTo("first", status === 183 ? "183 Session Progress" : "180 Ringing", ANSWER)),
    `<nop><action><exec rtp_stream="${audioFile},-1,0,PCMU/8000"/></action></nop>`,
    `<pause milliseconds="${earlyMs}"/>`,
    send(responseTo("first", "200 OK", ANSWER), 'retrans="500"'),
    '<recv request="ACK"/>',
    '<recv request="BYE" timeout="30000"/>',
    send(responseTo("in-dialog", "200 OK", ["Content-Length: 0"])),
  );
}

/** Is called without telephone-event, answers, and takes this many INFOs before the BYE. */
export function infoScenario(digits: number): { readonly xml: string } {
  const ok = send(responseTo("in-dialog", "200 OK", ["Content-Length: 0"]));
  const answer = ANSWER.map((line) => line.replace("[rtpstream_audio_port]", "[media_port]"));
  return scenario(
    "takes INFO",
    '<recv request="INVITE"/>',
    send(responseTo("first", "200 OK", ["Allow: INVITE, ACK, BYE, CANCEL, INFO", ...answer]), 'retrans="500"'),
    '<recv request="ACK"/>',
    ...Array.from({ length: digits }, () => ['<recv request="INFO"/>', ok]).flat(),
    '<recv request="BYE"/>',
    ok,
  );
}
