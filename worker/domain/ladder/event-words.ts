/** The log of a call in sentences. */
import type { CallLogEntry } from "../calls/call-object-api.ts";
import { hideAddresses } from "./hide-addresses.ts";
import type { LadderEventEntry, LadderPartyId } from "./ladder.ts";

/** How a leg is spoken of. */
export interface LegWords {
  readonly side: "caller" | "callee";
  /** `alice's phone`. */
  readonly device: string;
  /** `alice's side`. */
  readonly whose: string;
  readonly isBrowser: boolean;
}

export type EventWords = Pick<LadderEventEntry, "kind" | "party" | "text">;
type Writer = (
  entry: CallLogEntry,
  leg: LegWords,
  detail: string,
) => Omit<EventWords, "party"> & { readonly party?: LadderPartyId };

const at = ({ gateway }: CallLogEntry): string => gateway ?? "A gateway";
const because = (detail: string): string => (detail === "" ? "" : ` (${detail})`);

const WRITERS: Readonly<Record<string, Writer>> = {
  "call.invited": (_, __, detail) => ({ kind: "event", party: "worker", text: `${detail}.` }),
  "call.routed": (_, __, detail) => ({ kind: "decision", party: "worker", text: `The way is chosen: ${detail}.` }),
  "call.cancelled": () => ({ kind: "event", party: "caller", text: "The caller gives up before anybody answered." }),
  "call.answered": (_, __, detail) => ({
    kind: "event",
    party: "worker",
    text: detail === "" ? "The call is answered." : `The call is answered; its sound is coded as ${detail}.`,
  }),
  "call.ended": (_, __, detail) => ({ kind: "event", party: "worker", text: `The call is over: ${endWords(detail)}` }),
  "leg.opening": (entry, { device }) => ({
    kind: "media",
    text: `${at(entry)} makes a place for the sound of ${device}.`,
  }),
  "leg.inviting": (entry, { device, isBrowser }) => ({
    kind: "event",
    text: isBrowser ? `${upper(device)} is to ring.` : `${at(entry)} is to ring ${device}.`,
  }),
  "leg.ringing": (_, { device }) => ({ kind: "event", text: `${upper(device)} rings.` }),
  "leg.answered": (_, { device }, detail) => ({ kind: "event", text: `${upper(device)} answered${because(detail)}.` }),
  "leg.confirmed": (_, { device }) => ({ kind: "event", text: `${upper(device)} knows that the call stands.` }),
  "leg.secured": (_, { device }) => ({ kind: "media", text: `The encryption with ${device} is agreed.` }),
  "leg.media": (entry, { whose }, detail) => ({
    kind: "media",
    text: `Sound flows on ${whose} through ${at(entry)}, ${detail}.`,
  }),
  "leg.media-refused": (entry, { whose }, detail) => ({
    kind: "media",
    text: `${at(entry)} cannot carry the sound of ${whose}${because(detail)}.`,
  }),
  "leg.failed": (_, { device }, detail) => ({
    kind: "event",
    text: `${upper(device)} did not take the call${because(detail)}.`,
  }),
  "leg.ended": (_, { device }, detail) => ({
    kind: "event",
    text: `${upper(device)} ${LEG_ENDS[detail] ?? `left the call${because(detail)}`}.`,
  }),
  "gateway.lost": (entry) => ({ kind: "move", text: `Gateway ${at(entry)} died.` }),
  "leg.adopting": (entry, { whose }) => ({ kind: "move", text: `Gateway ${at(entry)} takes over ${whose}.` }),
  "leg.adopted": (entry, { whose }, detail) => ({
    kind: "move",
    text: `Gateway ${at(entry)} took over ${whose} ${detail}.`,
  }),
  "leg.adoption-failed": (entry, { device }, detail) => ({
    kind: "move",
    text: `Gateway ${at(entry)} could not reach ${device}${because(detail)}.`,
  }),
  "room.entered": (entry, { whose }, detail) => ({
    kind: "media",
    text: `${upper(whose)} is in the room ${detail}, mixed at ${at(entry)}.`,
  }),
  "dial.ended": (_, __, detail) => ({
    kind: "event",
    party: "worker",
    text: `The document's Dial is over: ${detail}.`,
  }),
  "leg.replacing": (_, { device }) => ({
    kind: "event",
    text: `${upper(device)} asks to go on with the call in place of another device.`,
  }),
  "leg.replaced": (_, { device }) => ({ kind: "event", text: `Another device goes on in place of ${device}.` }),
  "leg.replacement-failed": (_, { device }, detail) => ({
    kind: "event",
    text: `${upper(device)} could not take the place of another device${because(detail)}.`,
  }),
  "transfer.requested": (_, { device }, detail) => ({
    kind: "event",
    text: `${upper(device)} asks to transfer ${detail}.`,
  }),
  "transfer.completed": (_, { device }) => ({
    kind: "event",
    party: "worker",
    text: `The transfer is done: ${device} talks with somebody else.`,
  }),
  "transfer.failed": (_, __, detail) => ({
    kind: "event",
    party: "worker",
    text: `The transfer failed${because(detail)}.`,
  }),
  "transfer.refused": (_, __, detail) => ({
    kind: "event",
    party: "worker",
    text: `The transfer was refused${because(detail)}.`,
  }),
  "transfer.transferor-left": (_, { device }) => ({
    kind: "event",
    text: `${upper(device)} left, as it put the other side through.`,
  }),
  "room.full": () => ({ kind: "event", party: "worker", text: "The room is full." }),
};

const LEG_ENDS: Readonly<Record<string, string>> = {
  bye: "hung up",
  "ack-timeout": "never confirmed the answer",
  "media-timeout": "sent no sound any more and was given up",
  "flow-failed": "could not be reached any more",
};

export function eventWords(entry: CallLogEntry, leg: LegWords | undefined): EventWords {
  const detail = hideAddresses(entry.detail ?? "");
  const words = leg ?? { side: "caller", device: "a device", whose: "one side", isBrowser: false };
  const write = WRITERS[entry.event];
  if (write === undefined) return { kind: "event", party: "worker", text: `${entry.event}${because(detail)}` };
  const { kind, text, party } = write(entry, words, detail);
  if (party !== undefined) return { kind, party, text };
  if (leg === undefined) return { kind, party: "worker", text };
  // A gateway's part stands in the gateway's column, a device's word in its own.
  return { kind, party: kind === "event" ? leg.side : `${leg.side}-gateway`, text };
}

const ENDS: Readonly<Record<string, string>> = {
  "caller-bye": "the caller hung up.",
  "callee-bye": "the called side hung up.",
  "caller-cancelled": "the caller gave up while it rang.",
  "caller-gone": "the caller's device went away.",
  "callee-gone": "the called device went away.",
  "caller-media-timeout": "the caller's device fell silent.",
  "callee-media-timeout": "the called device fell silent.",
  "callee-refused": "the called side did not take it.",
  "endpoint-unknown": "nobody of that name is known.",
  "endpoint-not-registered": "the called person has no device signed in.",
  "domain-unknown": "the address belongs to somebody else's network.",
  "no-common-codec": "the two sides have no kind of sound in common.",
  "no-gateway": "no gateway could carry it.",
  "gateway-lost": "its gateway died and no other could take it over.",
  "media-refused": "its sound could not be set up.",
  hangup: "its document hung up.",
  rejected: "its document refused it.",
  "room-full": "the room is full.",
  "room-lost": "its room was lost.",
};

/** The end of a call as the second half of a sentence. */
export function endWords(cause: string): string {
  return ENDS[cause] ?? `${cause.replaceAll("-", " ")}.`;
}

export function upper(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
