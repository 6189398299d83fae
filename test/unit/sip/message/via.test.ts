import { describe, expect, it } from "vitest";
import { parseVia, serializeVia, type Via } from "../../../../sip/message/via.ts";

describe("parseVia", () => {
  it.each<[text: string, via: Partial<Via>]>([
    [
      "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKa;rport",
      { protocol: "SIP/2.0", transport: "UDP", host: "192.0.2.1", port: 5060, branch: "z9hG4bKa", rport: true },
    ],
    ["sip/2.0/tcp DESKTOP-1", { protocol: "SIP/2.0", transport: "TCP", host: "DESKTOP-1", port: undefined }],
    [
      "SIP / 2.0 / WSS  [2001:db8::1] : 443 ; Branch = x ; rport=5070 ; received=[2001:db8::2] ; alias ; keep=30",
      {
        transport: "WSS",
        host: "2001:db8::1",
        port: 443,
        branch: "x",
        rport: 5070,
        received: "2001:db8::2",
        params: new Map<string, string | true>([
          ["alias", true],
          ["keep", "30"],
        ]),
      },
    ],
    ["SIP/2.0/UDP h.example;received=2001:db8::2", { received: "2001:db8::2" }],
    ["SIP/7.0/UDP h.example", { protocol: "SIP/7.0" }],
  ])("reads %s", (text, via) => {
    expect(parseVia(text)).toMatchObject(via);
  });

  it.each([
    "",
    "SIP/2.0/UDP",
    "SIP/2.0 h.example",
    "SIP/2.0/ h.example",
    "/2.0/UDP h.example",
    "SIP/2.0/UDP h.example:",
    "SIP/2.0/UDP h.example:0",
    "SIP/2.0/UDP h.example:65536",
    "SIP/2.0/UDP h.example;",
    "SIP/2.0/UDP h.example;;branch=x",
    "SIP/2.0/UDP h.example;branch",
    "SIP/2.0/UDP h.example;branch=",
    "SIP/2.0/UDP h.example;branch=a;branch=b",
    "SIP/2.0/UDP h.example;received",
    "SIP/2.0/UDP h.example;rport=x",
    "SIP/2.0/UDP h.example;rport=65536",
    "SIP/2.0/UDP h.example;rport;rport",
    "SIP/2.0/UDP h.example;x;x",
    "SIP/2.0/UDP h.example, SIP/2.0/UDP g.example",
    "SIP/2.0/UDP h.example junk",
    "SIP/2.0/UDP 127.1",
  ])("refuses %j", (text) => {
    expect(parseVia(text)).toBeUndefined();
  });
});

describe("serializeVia", () => {
  it.each([
    "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKa;rport",
    "SIP/2.0/UDP DESKTOP-1;branch=z9hG4bKa;rport=5070;received=198.51.100.1",
    "SIP/2.0/TLS [2001:db8::1]:5061;received=2001:db8::2;alias;keep=30",
    'SIP/2.0/UDP h.example;x="a b"',
  ])("writes %s as it was", (text) => {
    const via = parseVia(text);
    expect(via === undefined ? undefined : serializeVia(via)).toBe(text);
  });
});
