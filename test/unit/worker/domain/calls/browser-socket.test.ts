import { describe, expect, it } from "vitest";
import type { LegId } from "#protocol/ids";
import { findBrowserSocket } from "../../../../../worker/domain/calls/browser-socket.ts";
import type { BrowserLeg } from "../../../../../worker/domain/calls/call-state.ts";
import { browserRoute } from "./call-world.ts";

const CONTACT = "sip:k3v9@7f2c.invalid;transport=ws";

function legOf(options: {
  readonly device?: string;
  readonly remoteTarget?: string;
  readonly contact?: string;
}): BrowserLeg {
  const { device, remoteTarget, contact } = options;
  const dialog = {
    callId: "c",
    localTag: "l",
    localUri: "",
    remoteUri: "",
    remoteTarget: remoteTarget ?? "",
    routeSet: [],
    localCseq: 1,
    remoteCseq: 1,
    remoteAllow: [],
    localSdpVersion: 1,
    localSdpId: 1,
  };
  return {
    kind: "browser",
    leg: "a" as LegId,
    side: "caller",
    socket: "gone",
    device,
    contact,
    dialog: remoteTarget === undefined ? undefined : dialog,
  } as BrowserLeg;
}

const route = (options: { readonly device: string; readonly socket: string; readonly contact: string }) => ({
  ...browserRoute("any", "us-east"),
  bridge: "us-east.3",
  ...options,
});

const OTHER = route({ device: "another", socket: "s9", contact: "sip:zzzz@zzzz.invalid;transport=ws" });
const GONE = route({ device: "mine", socket: "gone", contact: CONTACT });

describe("the socket over which a browser came back", () => {
  it.each([
    { by: "its instance", leg: legOf({ device: "mine", remoteTarget: "sip:old@x.invalid" }), device: "mine" },
    { by: "the Contact of its dialog", leg: legOf({ device: "socket-1", remoteTarget: CONTACT }), device: "socket-2" },
    {
      by: "its Contact with other parameters",
      leg: legOf({ device: "socket-1", remoteTarget: "sip:k3v9@7F2C.invalid;ob" }),
      device: "socket-2",
    },
    { by: "the Contact that was rung", leg: legOf({ device: "socket-1", contact: CONTACT }), device: "socket-2" },
  ])("is known by $by", ({ leg, device }) => {
    const back = route({ device, socket: "s2", contact: CONTACT });
    expect(findBrowserSocket(leg, [OTHER, GONE, back], "gone")).toEqual({ bridge: "us-east.3", socket: "s2" });
  });

  it("is not one of another page of the same user, nor the one that is gone", () => {
    expect(findBrowserSocket(legOf({ device: "mine", remoteTarget: CONTACT }), [OTHER, GONE], "gone")).toBeUndefined();
  });

  it("is unknown for a page that named neither instance nor Contact", () => {
    expect(findBrowserSocket(legOf({}), [OTHER], "gone")).toBeUndefined();
  });
});
