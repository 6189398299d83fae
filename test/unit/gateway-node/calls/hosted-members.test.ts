/** A gateway that mixes a room for calls of which it may have no leg. */
import { beforeEach, describe, expect, it } from "vitest";
import type { RoomPort } from "#protocol/media";
import { A, CALL, CallLab } from "../support/call-lab.ts";

const port: RoomPort = {
  room: "AC1/demo",
  codec: "PCMU",
  trunk: { gateway: "eu-west", host: "192.0.2.9", port: 5072, stream: "0123456789abcdef" },
};

let lab: CallLab;

beforeEach(() => {
  lab = new CallLab();
});

describe("a room's port", () => {
  it("is opened without a leg, holds the call here, and gives it back when it is closed", async () => {
    await lab.command({ kind: "open-room-port", leg: A, port });
    expect(lab.control.held.has(CALL)).toBe(true);
    await lab.command({ kind: "close-room-port", leg: A });
    await lab.command({ kind: "close-room-port", leg: A });
    expect(lab.media.trace).toEqual(["room-port a AC1/demo", "close-room-port a", "close-room-port a"]);
    expect(lab.control.held.has(CALL)).toBe(false);
  });

  it("keeps the call here when the leg beside it goes", async () => {
    await lab.command({ kind: "open-webrtc-leg", leg: A, remoteSdp: "offer", codecs: ["PCMU"], ssrc: 1 });
    await lab.command({ kind: "open-room-port", leg: A, port }, 2);
    await lab.command({ kind: "release-leg", leg: A }, 2);
    expect(lab.control.held.has(CALL)).toBe(true);
  });

  it("gives way to the leg itself, and the call stays", async () => {
    await lab.command({ kind: "open-room-port", leg: A, port });
    await lab.command({ kind: "open-webrtc-leg", leg: A, remoteSdp: "offer", codecs: ["PCMU"], ssrc: 1 }, 2);
    await lab.command({ kind: "close-room-port", leg: A }, 2);
    expect(lab.control.held.has(CALL)).toBe(true);
  });

  it("is closed when the call has no part here any more", async () => {
    await lab.command({ kind: "open-room-port", leg: A, port });
    lab.commands.handleGone(CALL);
    expect(lab.media.trace).toEqual(["room-port a AC1/demo", "close-room-port a"]);
    expect(lab.control.held.has(CALL)).toBe(false);
  });
});
