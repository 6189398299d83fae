/** The page: one phone, its ear, and a log of what happened, behind `window.phonePage`. */
import type { PhoneEvent, PhoneEventKind, PhonePage, PhonePageOptions, PhoneStatistics } from "../phone-page.ts";
import { Ear } from "./ear.ts";
import { JsSipPhone } from "./jssip-phone.ts";
import type { LibraryPhone } from "./library-phone.ts";
import { SipJsPhone } from "./sip-js-phone.ts";

const events: PhoneEvent[] = [];
const watchers = new Set<() => void>();
const connections: RTCPeerConnection[] = [];
const ear = new Ear();
let getUserMediaCalls = 0;
let phone: LibraryPhone | undefined;
let options: PhonePageOptions | undefined;

function report(kind: PhoneEventKind, detail = ""): void {
  events.push({ kind, atMs: Date.now(), detail });
  for (const look of watchers) look();
}

/** Watches every PeerConnection that a library makes, whichever way it makes it; the libraries stay as they are. */
class WatchedPeerConnection extends RTCPeerConnection {
  constructor(configuration?: RTCConfiguration) {
    super(configuration);
    connections.push(this);
    this.addEventListener("iceconnectionstatechange", () => report("ice", this.iceConnectionState));
    this.addEventListener("track", ({ track }) => {
      report("track", track.kind);
      if (track.kind === "audio")
        ear.listen(track).catch((failure: unknown) => report("error", `ear: ${String(failure)}`));
    });
  }

  override addTrack(track: MediaStreamTrack, ...streams: MediaStream[]): RTCRtpSender {
    const sender = super.addTrack(track, ...streams);
    const transceiver = this.getTransceivers().find((one) => one.sender === sender);
    const wanted = options?.codecs;
    if (wanted !== undefined && transceiver !== undefined) {
      const known = RTCRtpReceiver.getCapabilities("audio")?.codecs ?? [];
      const chosen = [...wanted, "audio/telephone-event"].flatMap((type) =>
        known.filter(({ mimeType }) => mimeType === type),
      );
      transceiver.setCodecPreferences(chosen);
    }
    return sender;
  }
}
window.RTCPeerConnection = WatchedPeerConnection;

const { mediaDevices } = navigator;
const getUserMedia = mediaDevices.getUserMedia.bind(mediaDevices);
mediaDevices.getUserMedia = (constraints) => {
  getUserMediaCalls += 1;
  return getUserMedia(constraints);
};

window.addEventListener("unhandledrejection", ({ reason }) => report("error", String(reason)));
window.addEventListener("error", ({ message }) => report("error", message));

function current(): LibraryPhone {
  if (phone === undefined) throw new Error("start() comes first");
  return phone;
}

function addressOf(target: string): string {
  return target.startsWith("sip:") ? target : `sip:${target}@${options?.domain ?? ""}`;
}

type Figures = Readonly<Record<string, unknown>>;

async function statistics(): Promise<PhoneStatistics> {
  const connection = connections.at(-1);
  if (connection === undefined) throw new Error("there was no call yet");
  const reports = new Map<string, Figures>();
  (await connection.getStats()).forEach((value: Figures & { readonly id: string }) => reports.set(value.id, value));
  const ofType = (type: string): Figures =>
    [...reports.values()].find((one) => one["type"] === type && (one["kind"] ?? "audio") === "audio") ?? {};
  const named = (id: unknown): Figures => (typeof id === "string" ? reports.get(id) : undefined) ?? {};
  const pair =
    [...reports.values()].find(
      (one) => one["type"] === "candidate-pair" && one["nominated"] === true && one["state"] === "succeeded",
    ) ?? {};
  const remote = named(pair["remoteCandidateId"]);
  const inbound = ofType("inbound-rtp");
  const figure = (value: unknown): number => (typeof value === "number" ? value : 0);
  const text = (value: unknown): string => (typeof value === "string" ? value : "");
  return {
    connectionState: connection.connectionState,
    iceConnectionState: connection.iceConnectionState,
    codec: text(named(inbound["codecId"])["mimeType"]),
    packetsReceived: figure(inbound["packetsReceived"]),
    packetsLost: figure(inbound["packetsLost"]),
    packetsSent: figure(ofType("outbound-rtp")["packetsSent"]),
    concealedSamples: figure(inbound["concealedSamples"]),
    jitterSeconds: figure(inbound["jitter"]),
    roundTripSeconds: figure(pair["currentRoundTripTime"]),
    remoteAddress: `${text(remote["address"])}:${figure(remote["port"])}`,
    peerConnections: connections.length,
    getUserMediaCalls,
  };
}

function waitEvent(kinds: readonly PhoneEventKind[], from: number, timeoutMs: number): Promise<PhoneEvent> {
  return new Promise((resolve, reject) => {
    const finish = (settle: () => void): void => {
      clearTimeout(timer);
      watchers.delete(look);
      settle();
    };
    const look = (): void => {
      const found = events.slice(from).find(({ kind }) => kinds.includes(kind));
      if (found !== undefined) finish(() => resolve(found));
    };
    const timer = setTimeout(() => {
      const seen = events.map(({ kind, detail }) => `${kind} ${detail}`).join("\n");
      finish(() => reject(new Error(`no ${kinds.join(" or ")} within ${timeoutMs} ms; events:\n${seen}`)));
    }, timeoutMs);
    watchers.add(look);
    look();
  });
}

const page: PhonePage = {
  start: async (chosen) => {
    options = chosen;
    phone = chosen.library === "sip.js" ? new SipJsPhone(chosen, report) : new JsSipPhone(chosen, report);
    await phone.connect();
  },
  register: () => current().register(),
  unregister: () => current().unregister(),
  call: (target) => current().call(addressOf(target)),
  answer: () => current().answer(),
  reject: (status) => current().reject(status),
  hangup: () => current().hangup(),
  hold: () => current().hold(),
  resume: () => current().resume(),
  swap: () => current().swap(),
  sendDigits: async (digits, way = "rtp") => {
    for (const digit of digits) {
      await current().sendDigit(digit, way);
      // The libraries queue one digit at most.
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
  },
  transfer: (target) => current().transfer(addressOf(target)),
  transferToOther: () => current().transferToOther(),
  dialog: () => current().dialog(),
  takeUp: (target, replaced) => current().takeUp(addressOf(target), replaced),
  dropSocket: () => current().dropSocket(),
  stop: () => current().stop(),
  events: () => events,
  waitEvent,
  recording: (sinceMs) => ear.recording(sinceMs),
  statistics,
  descriptions: () => ({
    local: connections.at(-1)?.localDescription?.sdp ?? "",
    remote: connections.at(-1)?.remoteDescription?.sdp ?? "",
  }),
};

declare global {
  interface Window {
    /** Called by the driver: method name and arguments as JSON, answer as JSON. */
    invokePhonePage(method: string, args: string): Promise<string>;
  }
}

window.invokePhonePage = async (method, args) => {
  const call: unknown = Reflect.get(page, method);
  if (typeof call !== "function") throw new Error(`the page has no ${method}`);
  return JSON.stringify((await call(...(JSON.parse(args) as unknown[]))) ?? null);
};
document.title = "phone ready";
