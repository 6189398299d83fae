import { afterEach, beforeEach, expect, test } from "vitest";
import { RtpPortPool } from "../../../../gateway-node/media/rtp-port-pool.ts";
import { IcePath, type IceSource } from "../../../../gateway-node/webrtc/ice-path.ts";
import { freeUdpPort } from "../media/media-plane-fixture.ts";

let path: IcePath;
let source: (port: number, host?: string) => IceSource;

beforeEach(async () => {
  const first = (await freeUdpPort()) & ~1;
  const pool = new RtpPortPool([first, first + 1]);
  const bound = ["127.0.0.1", "127.0.0.2"];
  const ports = await pool.bind(bound, false);
  path = new IcePath(ports!, { offered: ["192.0.2.77", ...bound], bound }, pool);
  source = (port, host = "127.0.0.1") => ({ socket: ports!.sockets[0]!, host, port });
});

afterEach(() => path.release());

test("every offered address is a candidate, bound or not", () => {
  expect(path.candidates.map(({ host }) => host)).toEqual(["192.0.2.77", "127.0.0.1", "127.0.0.2"]);
  expect(new Set(path.candidates.map(({ port }) => port)).size).toBe(1);
});

test("the first proved source is used until one is nominated, then the newest nomination", () => {
  const selected: (number | undefined)[] = [];
  for (const [port, nominated] of [
    [1, false],
    [2, false],
    [3, true],
    [4, false],
    [5, true],
  ] as const) {
    path.onCheck(source(port), nominated);
    selected.push(path.selected?.port);
  }
  expect(selected).toEqual([1, 1, 3, 3, 5]);
});

test("an assumed address gives way to the first proved one", () => {
  path.assume("127.0.0.1", 9);
  expect(path.selected?.port).toBe(9);
  expect(path.isProved(source(9))).toBe(false);
  path.onCheck(source(1), false);
  path.assume("127.0.0.1", 9);
  expect(path.selected?.port).toBe(1);
});

test("whoever sent a valid check stays proved, others never are", () => {
  path.onCheck(source(1), false);
  path.onCheck(source(2), true);
  expect([1, 2, 3].map((port) => path.isProved(source(port)))).toEqual([true, true, false]);
  expect(path.isProved(source(1, "127.0.0.9"))).toBe(false);
  for (let port = 10; port < 40; port += 1) path.onCheck(source(port), false);
  expect([1, 39].map((port) => path.isProved(source(port)))).toEqual([false, true]);
});
