import { afterEach, expect, test } from "vitest";
import { type BoundPorts, RtpPortPool } from "../../../../gateway-node/media/rtp-port-pool.ts";
import { freeUdpPort, Phone } from "./media-plane-fixture.ts";

const bound: BoundPorts[] = [];
const pools: RtpPortPool[] = [];

afterEach(() => {
  for (const ports of bound.splice(0)) pools[0]?.release(ports);
  pools.splice(0);
});

async function poolOf(pairs: number): Promise<RtpPortPool> {
  const base = (await freeUdpPort()) & ~1;
  const pool = new RtpPortPool([base, base + pairs * 2 - 1]);
  pools.push(pool);
  return pool;
}

async function take(pool: RtpPortPool): Promise<number | undefined> {
  const ports = await pool.bind(["127.0.0.1"], true);
  if (ports !== undefined) bound.push(ports);
  return ports?.port;
}

test("an exhausted pool gives nothing, and a released port comes back", async () => {
  const pool = await poolOf(1);
  const port = await take(pool);
  expect(port! % 2).toBe(0);
  expect(await take(pool)).toBeUndefined();
  expect(pool.used).toBe(1);
  pool.release(bound.pop()!);
  expect(pool.used).toBe(0);
  expect(await take(pool)).toBe(port);
});

test("a port that another process holds is passed over", async () => {
  const phone = await Phone.open();
  const pool = new RtpPortPool([phone.port & ~1, (phone.port & ~1) + 1]);
  expect(await pool.bind(["127.0.0.1"], true)).toBeUndefined();
  expect(pool.free).toBe(1);
  phone.close();
});

test("a range without an even port is an empty pool", async () => {
  expect(await new RtpPortPool([40_001, 40_001]).bind(["127.0.0.1"], true)).toBeUndefined();
});
