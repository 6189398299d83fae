/** What SIP messages are called and what they mean, for people who are no experts. */
import type { LadderMessage } from "#protocol/ladder";
import { reasonPhrase } from "#sip/message/build";

/** Where in its leg's dialog a message stands. */
export interface MessageStanding {
  /** The device called us; else we ring it. */
  readonly isCaller: boolean;
  /** A 2xx to an INVITE went before. */
  readonly isEstablished: boolean;
  /** A challenge went before. */
  readonly wasChallenged: boolean;
  /** Final status that an ACK acknowledges. */
  readonly finalStatus: number | undefined;
}

export function messageLabel({ method, status }: LadderMessage, { isEstablished }: MessageStanding): string {
  const isChange = method === "INVITE" && isEstablished;
  if (status === undefined) return isChange ? "re-INVITE" : method.toUpperCase();
  const phrase = `${status} ${reasonPhrase(status)}`.trim();
  return method === "INVITE" ? phrase : `${phrase} (${method})`;
}

export function messageMeaning(message: LadderMessage, standing: MessageStanding): string {
  const meaning =
    message.status === undefined ? requestMeaning(message, standing) : responseMeaning(message, message.status);
  const hold = holdMeaning(message, standing);
  const again = message.repeat === true ? "The same as before, sent again because it may have been lost. " : "";
  return `${again}${meaning}${hold === undefined ? "" : ` ${hold}`}`;
}

const REQUESTS: Readonly<Record<string, string>> = {
  BYE: "Hangs up.",
  CANCEL: "Stops the ringing before anybody answered.",
  INFO: "Carries something beside the sound, such as a touch tone.",
  OPTIONS: "Asks whether the other side is there and what it can do.",
  UPDATE: "Refreshes or changes the call without ringing anybody.",
  REFER: "Asks to transfer the call to somebody else.",
  NOTIFY: "Tells how something that was asked for goes, such as a transfer.",
  PRACK: "Confirms that a provisional answer arrived.",
  MESSAGE: "Carries a text.",
};

function requestMeaning({ method, cause, sent }: LadderMessage, standing: MessageStanding): string {
  switch (method) {
    case "INVITE":
      return inviteMeaning(sent, standing);
    case "ACK":
      return (standing.finalStatus ?? 200) < 300
        ? "Confirms that the answer arrived: the call stands."
        : "Confirms that the refusal arrived.";
    case "CANCEL":
      return cause === 200 ? "Stops the ringing: somebody answered on another device." : (REQUESTS["CANCEL"] ?? "");
    default:
      return REQUESTS[method] ?? "A kind of request that is not part of ordinary calls.";
  }
}

function inviteMeaning(sent: boolean, { isCaller, isEstablished, wasChallenged }: MessageStanding): string {
  if (isEstablished && sent)
    return "Changes the running call: tells the device where the sound goes from now on. The call itself goes on.";
  if (isEstablished)
    return "Asks to change the running call: hold it or take it up again, another device, another address.";
  if (!isCaller) return "Rings this device.";
  return wasChallenged ? "Asks to call again, now with proof of who it is." : "Asks to call somebody.";
}

function holdMeaning({ sdp, method }: LadderMessage, { isEstablished }: MessageStanding): string | undefined {
  if (sdp === undefined || method !== "INVITE" || !isEstablished) return undefined;
  if (sdp.direction === "sendonly") return "It puts the other side on hold.";
  if (sdp.direction === "inactive") return "No sound is wanted in either direction.";
  return undefined;
}

const STATUSES: ReadonlyMap<number, string> = new Map([
  [100, "“I have it, wait”: the request has arrived and is worked on. Nothing rings yet."],
  [180, "The device rings."],
  [181, "The call is being forwarded to somebody else."],
  [182, "The call waits in a queue."],
  [183, "The call makes progress: sounds such as a ring tone or an announcement may come before the answer."],
  [202, "The request was taken; what comes of it is told later."],
  [401, "“Who are you?”: asks for proof of identity. The same request follows, with the proof. This is normal."],
  [403, "Refused: this is not allowed."],
  [404, "Nobody of that name is known here."],
  [405, "This kind of request is not taken here."],
  [407, "“Who are you?”: asks for proof of identity. The same request follows, with the proof. This is normal."],
  [408, "Nobody answered in time."],
  [415, "The content of the request is of a kind that is not understood here."],
  [420, "An extension was asked for that is not understood here."],
  [480, "The person cannot be reached at the moment."],
  [481, "This call is not known here: it is over, or never was."],
  [483, "The request went round in circles."],
  [486, "The person is busy."],
  [487, "The invitation ended before it was answered, because it was cancelled."],
  [488, "The two sides have no kind of sound in common, or this change is not possible."],
  [491, "Both sides asked for a change at the same moment: each tries again a little later."],
  [500, "Something went wrong on the answering side."],
  [501, "This kind of request is not known here."],
  [503, "The service cannot take this now; it may be tried again a little later."],
  [600, "The person is busy everywhere."],
  [603, "The person declined."],
]);

function responseMeaning({ method }: LadderMessage, status: number): string {
  const known = STATUSES.get(status);
  if (known !== undefined) return known;
  if (status < 200) return "On the way to an answer.";
  if (status < 300) return successMeaning(method);
  if (status < 400) return "Points to another address, which is not followed.";
  return status < 500 ? "Refused." : "Could not be carried out.";
}

function successMeaning(method: string): string {
  switch (method) {
    case "INVITE":
      return "Answered: yes.";
    case "BYE":
      return "Understood: the call is over.";
    case "CANCEL":
      return "Understood: the ringing stops.";
    default:
      return "Done.";
  }
}
