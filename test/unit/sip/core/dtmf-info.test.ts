import { describe, expect, it } from "vitest";
import { dtmfRelayBody, readInfo } from "#sip/core/dtmf-info";
import { request } from "../../gateway-node/support/sip-messages.ts";

const RELAY = "application/dtmf-relay";
const PLAIN = "application/dtmf";

function info(type: string | undefined, body: string, headers: readonly string[] = []): ReturnType<typeof readInfo> {
  const contentType = type === undefined ? [] : [`Content-Type: ${type}`];
  return readInfo(request({ method: "INFO", headers: [...contentType, ...headers], body }));
}

describe("INFO with a touch tone", () => {
  it.each([
    { from: "sip.js' documentation", type: RELAY, body: "Signal=1\r\nDuration=1000", digit: "1", durationMs: 1_000 },
    { from: "JsSIP", type: RELAY, body: "Signal=5\r\nDuration=100", digit: "5", durationMs: 100 },
    { from: "Cisco, with blanks", type: RELAY, body: "Signal= #\r\nDuration= 250\r\n", digit: "#", durationMs: 250 },
    { from: "a phone with bare LF", type: RELAY, body: "signal=a\nduration=80\n", digit: "A", durationMs: 80 },
    {
      from: "a phone that counts events",
      type: RELAY,
      body: "Signal=10\r\nDuration=160\r\n",
      digit: "*",
      durationMs: 160,
    },
    { from: "a phone without a duration", type: `${RELAY};charset=utf-8`, body: "Signal=*\r\n", digit: "*" },
    { from: "the bare form", type: PLAIN, body: "9", digit: "9" },
    { from: "the bare form with a line end", type: PLAIN, body: "d\r\n", digit: "D" },
  ])("of $from is read", ({ type, body, digit, durationMs }) => {
    expect(info(type, body)).toEqual({
      ok: true,
      tone: { digit, ...(durationMs === undefined ? {} : { durationMs }) },
    });
  });

  it.each([
    { about: "no signal", type: RELAY, body: "Duration=100\r\n" },
    { about: "two keys", type: RELAY, body: "Signal=12345\r\nDuration=100\r\n" },
    { about: "a hook flash", type: RELAY, body: "Signal=16\r\nDuration=100\r\n" },
    { about: "a duration that is no number", type: RELAY, body: "Signal=1\r\nDuration=long\r\n" },
    { about: "a negative duration", type: RELAY, body: "Signal=1\r\nDuration=-1\r\n" },
    { about: "a letter that is no key", type: PLAIN, body: "E" },
    { about: "several keys at once", type: PLAIN, body: "12" },
    { about: "more than two lines hold", type: RELAY, body: `Signal=1\r\n${"x".repeat(300)}` },
  ])("with $about is refused 400", ({ type, body }) => {
    expect(info(type, body)).toMatchObject({ ok: false, status: 400, code: "dtmf-malformed" });
  });

  it.each([
    { about: "another type", type: "application/media_control+xml", body: "<x/>" },
    { about: "no type", type: "", body: "1" },
  ])("whose body has $about is refused 415, with what is taken", ({ type, body }) => {
    expect(info(type, body)).toEqual({
      ok: false,
      status: 415,
      code: "info-type-unknown",
      headers: [["Accept", "application/dtmf-relay, application/dtmf"]],
    });
  });

  it("of a package is refused 469, as none is taken", () => {
    expect(info(PLAIN, "1", ["Info-Package: foo"])).toMatchObject({ status: 469, headers: [["Recv-Info", ""]] });
  });

  it("may be empty, as a sign of life", () => {
    expect(info(undefined, "")).toEqual({ ok: true });
  });

  it("is written as it is read", () => {
    expect(info(RELAY, dtmfRelayBody("#", 200))).toEqual({ ok: true, tone: { digit: "#", durationMs: 200 } });
  });
});
