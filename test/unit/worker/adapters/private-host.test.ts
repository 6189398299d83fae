import { expect, it } from "vitest";
import { isPrivateHost } from "../../../../worker/adapters/private-host.ts";

const hostOf = (authority: string): string => new URL(`http://${authority}/`).hostname;

it.each([
  "localhost",
  "LOCALHOST",
  "api.localhost",
  "printer.local",
  "db.internal",
  "intranet",
  "127.0.0.1",
  "127.1",
  "2130706433",
  "0x7f000001",
  "0.0.0.0",
  "10.1.2.3",
  "100.64.0.1",
  "169.254.169.254",
  "172.16.0.1",
  "172.31.255.255",
  "192.168.0.1",
  "198.18.0.1",
  "224.0.0.1",
  "255.255.255.255",
  "[::1]",
  "[::]",
  "[::ffff:10.0.0.1]",
  "[64:ff9b::a00:1]",
  "[fe80::1]",
  "[fd00::1]",
  "[ff02::1]",
  "[2002:a00:1::]",
  "[2001:db8::1]",
  "[2001::1]",
])("%s is inside some network", (authority) => {
  expect(isPrivateHost(hostOf(authority))).toBe(true);
});

it.each([
  "example.com",
  "example.com.",
  "localhost.example.com",
  "9.255.255.255",
  "11.0.0.1",
  "100.63.255.255",
  "100.128.0.1",
  "126.255.255.255",
  "128.0.0.1",
  "172.15.255.255",
  "172.32.0.1",
  "192.167.255.255",
  "223.255.255.255",
  "[2606:4700::1]",
  "[2a00:1450::1]",
])("%s is on the open network", (authority) => {
  expect(isPrivateHost(hostOf(authority))).toBe(false);
});
