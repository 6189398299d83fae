/** The relays under test, each in this process alone: the media plane, with or without SRTP, and a bare forwarder of datagrams. */
import { createSocket } from "node:dgram";
import type { WebRtcLegMedia } from "#protocol/capsule";
import { parseGatewayId, parseGatewayInstanceId } from "#protocol/ids";
import { createMediaPlane } from "../../gateway-node/media/create-media-plane.ts";
import { sealWebRtcSecrets } from "../../gateway-node/media/key-seal.ts";
import type { MediaPlane } from "../../gateway-node/media/media-plane.ts";
import type { SrtpOptions } from "./relay-generator.ts";

export type SubjectCommand =
  /** Ports of the generator, two for each call; the first of each pair speaks SRTP where `srtp` is given. */
  | {
      readonly kind: "relay";
      readonly ports: readonly number[];
      readonly srtp?: SrtpOptions;
      readonly rtpPorts: readonly [number, number];
      readonly trunkPort: number;
    }
  /** One of the two gateways of each call: its phones, and the trunk to the other one. */
  | {
      readonly kind: "trunk";
      readonly side: TrunkSide;
      readonly ports: readonly number[];
      readonly rtpPorts: readonly [number, number];
      readonly trunkPort: number;
      readonly peerTrunkPort: number;
    }
  | { readonly kind: "bare"; readonly ports: readonly number[] }
  | { readonly kind: "cpu" };

export type SubjectAnswer =
  | { readonly kind: "ready"; readonly targets: readonly { readonly host: string; readonly port: number }[] }
  | { readonly kind: "cpu"; readonly microseconds: number; readonly counters: Readonly<Record<string, number>> };

/** The leg that a gateway has of each call. */
export type TrunkSide = "a" | "b1";

type Target = { readonly host: string; readonly port: number };

const HOST = "127.0.0.1";
const FLEET_KEY = Buffer.alloc(32, 7);
const AUDIO = { codec: "PCMU", payloadType: 0 } as const;
const CALL = "c".repeat(44);
const counters: Record<string, number> = {};

async function startPlane(rtpPorts: readonly [number, number], trunkPort: number, name = "bench"): Promise<MediaPlane> {
  const gateway = parseGatewayId(name);
  const instance = parseGatewayInstanceId("ab".repeat(16));
  if (gateway === undefined || instance === undefined) throw new Error("bad names");
  const ignore = (): void => undefined;
  return createMediaPlane({
    gateway,
    instance,
    host: HOST,
    mediaHosts: [HOST],
    rtpPorts,
    trunkPort,
    fleetKey: FLEET_KEY,
    clock: {
      nowMs: () => Date.now(),
      setTimer: (ms, run) => {
        const timer = setTimeout(run, ms);
        return { clear: () => clearTimeout(timer) };
      },
    },
    events: {
      onMediaFlowing: ignore,
      onMediaTimeout: ignore,
      onSecured: ignore,
      onWebRtcFailed: ignore,
      onLeaseWanted: ignore,
      onDigit: ignore,
      onNeighbourSilent: ignore,
    },
    count: (counter, by = 1) => (counters[counter] = (counters[counter] ?? 0) + by),
    log: ignore,
  });
}

async function relay(command: SubjectCommand & { kind: "relay" }): Promise<readonly Target[]> {
  const plane = await startPlane(command.rtpPorts, command.trunkPort);
  const targets: Target[] = [];
  for (let index = 0; index < command.ports.length; index += 2) {
    const call = `${CALL}${index}`;
    const [first, second] = [command.ports[index] ?? 0, command.ports[index + 1] ?? 0];
    targets.push(
      command.srtp === undefined
        ? await openPhone(plane, `${call}.a`, first)
        : await openBrowser(plane, `${call}.a`, first, command.srtp),
    );
    targets.push(await openPhone(plane, `${call}.b1`, second));
    plane.join(`${call}.a`, { kind: "local", leg: "b1" }, 1);
    plane.join(`${call}.b1`, { kind: "local", leg: "a" }, 1);
  }
  return targets;
}

async function relayByTrunk(command: SubjectCommand & { kind: "trunk" }): Promise<readonly Target[]> {
  const { side, ports, rtpPorts, trunkPort, peerTrunkPort } = command;
  const plane = await startPlane(rtpPorts, trunkPort, `bench-${side}`);
  const targets: Target[] = [];
  for (const [index, port] of ports.entries()) {
    const key = `${CALL}${index}.${side}`;
    targets.push(await openPhone(plane, key, port));
    const stream = index.toString(16).padStart(16, "0");
    const gateway = `bench-${side === "a" ? "b1" : "a"}`;
    plane.join(key, { kind: "trunk", gateway, host: HOST, port: peerTrunkPort, stream }, 1);
  }
  return targets;
}

async function openPhone(plane: MediaPlane, key: string, port: number): Promise<Target> {
  const address = await plane.openRtpLeg(key, { epoch: 1, allowedHosts: [HOST] });
  if (address === undefined) throw new Error("no port");
  plane.setRtpPeer(key, { host: HOST, port, audio: AUDIO, allowedHosts: [HOST], sending: true });
  return address;
}

/** A leg that is adopted with known keys: SRTP on both sides without a browser and its handshake. */
async function openBrowser(plane: MediaPlane, key: string, port: number, srtp: SrtpOptions): Promise<Target> {
  const master = (text: { readonly key: string; readonly salt: string }): { key: Buffer; salt: Buffer } => ({
    key: Buffer.from(text.key, "base64"),
    salt: Buffer.from(text.salt, "base64"),
  });
  const ice = { ufrag: "benchmark", password: "b".repeat(24) };
  const sdp = [
    "v=0",
    "o=- 1 1 IN IP4 127.0.0.1",
    "s=-",
    "t=0 0",
    "m=audio 9 UDP/TLS/RTP/SAVPF 0",
    "c=IN IP4 127.0.0.1",
    `a=ice-ufrag:${ice.ufrag}`,
    `a=ice-pwd:${ice.password}`,
    `a=fingerprint:sha-256 ${Array.from({ length: 32 }, () => "AB").join(":")}`,
    "a=setup:passive",
    "a=mid:0",
    "a=sendrecv",
    "a=rtcp-mux",
    "a=rtpmap:0 PCMU/8000",
    "",
  ].join("\r\n");
  const sealed = sealWebRtcSecrets(FLEET_KEY, key, {
    profile: srtp.profile,
    local: master(srtp.receive),
    remote: master(srtp.send),
    localIce: ice,
    remoteIce: ice,
  });
  const media: WebRtcLegMedia = {
    kind: "webrtc",
    localSdp: sdp,
    remoteSdp: sdp,
    audio: AUDIO,
    sealed,
    peer: { host: HOST, port },
    outgoing: { ssrc: 5, indexLimit: 100, timestamp: 0, atMs: Date.now() },
  };
  const opening = await plane.adoptWebRtcLeg(key, { epoch: 1, media, sdpVersion: 1 });
  const candidate = opening.ok ? /^m=audio (\d+) /m.exec(opening.localSdp)?.[1] : undefined;
  if (candidate === undefined) throw new Error("adoption refused");
  return { host: HOST, port: Number(candidate) };
}

/** What any relay on node:dgram must pay: one receive and one send for each packet, nothing looked at. */
async function bare(ports: readonly number[]): Promise<readonly Target[]> {
  const sockets = await Promise.all(
    ports.map(() => {
      const socket = createSocket("udp4");
      return new Promise<typeof socket>((resolve) => socket.bind(0, HOST, () => resolve(socket)));
    }),
  );
  sockets.forEach((socket, index) => {
    const other = index ^ 1;
    socket.on("message", (packet) => sockets[other]?.send(packet, ports[other], HOST));
  });
  return sockets.map((socket) => ({ host: HOST, port: socket.address().port }));
}

function start(command: Exclude<SubjectCommand, { kind: "cpu" }>): Promise<readonly Target[]> {
  switch (command.kind) {
    case "relay":
      return relay(command);
    case "trunk":
      return relayByTrunk(command);
    case "bare":
      return bare(command.ports);
  }
}

if (process.send !== undefined && import.meta.main) {
  const answer = (message: SubjectAnswer): void => void process.send?.(message);
  process.on("message", (command: SubjectCommand) => {
    if (command.kind === "cpu") {
      const { user, system } = process.cpuUsage();
      answer({ kind: "cpu", microseconds: user + system, counters });
    } else {
      void start(command).then((targets) => answer({ kind: "ready", targets }));
    }
  });
}
