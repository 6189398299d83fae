/** How calls end, and what to say about it. */

export type CallEnd =
  | { readonly kind: "hung-up"; readonly by: "me" | "them" }
  /** I gave up while it rang. */
  | { readonly kind: "cancelled" }
  /** They gave up, or nobody answered here in time. */
  | { readonly kind: "missed" }
  | { readonly kind: "declined" }
  | { readonly kind: "answered-elsewhere" }
  /** I put them through to somebody else. */
  | { readonly kind: "transferred"; readonly to: string }
  /** It was over when the page, loaded again, took it up. */
  | { readonly kind: "ended-meanwhile" }
  | { readonly kind: "refused"; readonly status: number; readonly retryAfterSeconds?: number }
  /** `name` of the DOMException that getUserMedia rejected with. */
  | { readonly kind: "no-microphone"; readonly name: string }
  | { readonly kind: "no-network" }
  | { readonly kind: "no-media" };

export interface EndWords {
  readonly title: string;
  /** What to do now; nothing for ends that are as they should be. */
  readonly advice?: string;
  readonly tone: "calm" | "problem";
  /** Whether calling again is worth a button. */
  readonly again: boolean;
}

export function wordsForEnd(end: CallEnd, peer: string): EndWords {
  switch (end.kind) {
    case "hung-up":
      return calm(end.by === "me" ? "You hung up" : `${peer} hung up`);
    case "cancelled":
      return calm("You cancelled the call");
    case "missed":
      return calm(`You missed a call from ${peer}`, true);
    case "declined":
      return calm("You declined the call");
    case "answered-elsewhere":
      return calm("Answered on another of your devices");
    case "transferred":
      return calm(`${peer} talks with ${end.to} now`);
    case "ended-meanwhile":
      return problem(`The call with ${peer} has ended`, "It was over before this page had loaded again.");
    case "refused":
      return wordsForStatus(end.status, end.retryAfterSeconds, peer);
    case "no-microphone":
      return wordsForMicrophone(end.name);
    case "no-network":
      return problem(
        "You are not connected",
        "The call could not be sent. Check your network; this page connects again by itself.",
      );
    case "no-media":
      return problem(
        "No sound could be set up",
        "The network between you and the gateway lets no audio through. Try another network, or ask whoever runs it to allow UDP.",
      );
  }
}

function wordsForStatus(status: number, retryAfterSeconds: number | undefined, peer: string): EndWords {
  switch (status) {
    case 404:
    case 604:
      return problem(`“${peer}” was not found`, "Check the spelling, or pick somebody from your contacts.", false);
    case 480:
      return problem(`${peer} is not reachable now`, "None of their phones is connected. Try later, or write to them.");
    case 408:
    case 487:
      return problem(`${peer} did not answer`, "Try again later.");
    case 486:
    case 600:
      return problem(`${peer} is busy`, "They are in another call, or said not now. Try again in a few minutes.");
    case 603:
      return problem(`${peer} declined the call`, "They do not want to talk now. Try later.");
    case 503:
      return problem(
        "No gateway can take the call now",
        `This is on our side and being mended. Try again in ${secondsWords(retryAfterSeconds ?? 5)}.`,
      );
    case 401:
    case 403:
    case 407:
      return problem(
        "You may not make this call",
        "Sign out and in again. If that does not help, ask whoever runs this.",
      );
    case 482:
    case 483:
      return problem(
        `Calls to ${peer} are forwarded in a circle`,
        "Nobody can be reached that way. Tell them to look at where they forward calls to.",
        false,
      );
    case 484:
      return problem("The number is incomplete", "Add the missing digits.", false);
    case 488:
    case 415:
    case 606:
      return problem(`${peer}'s phone and this browser share no audio format`, "They can try another device.");
    default:
      return problem(
        "The call did not go through",
        `The answer was ${status}. Try again; if it happens again, tell whoever runs this that number.`,
      );
  }
}

/** Names: https://w3c.github.io/mediacapture-main/#dom-mediadevices-getusermedia */
export function wordsForMicrophone(name: string): EndWords {
  switch (name) {
    case "NotAllowedError":
    case "SecurityError":
      return problem(
        "The microphone is blocked",
        "Allow it: choose the icon beside the address of this page, then Microphone, then Allow. Then call again.",
      );
    case "NotFoundError":
    case "OverconstrainedError":
      return problem("There is no microphone", "Plug one in, or choose another one under Audio.");
    case "NotReadableError":
    case "AbortError":
      return problem("The microphone does not start", "Another program may be using it. Close that, then call again.");
    default:
      return problem("The microphone does not work", "Choose another one under Audio, then call again.");
  }
}

function secondsWords(seconds: number): string {
  if (seconds < 60) return seconds === 1 ? "a second" : `${seconds} seconds`;
  const minutes = Math.ceil(seconds / 60);
  return minutes === 1 ? "a minute" : `${minutes} minutes`;
}

function calm(title: string, again = false): EndWords {
  return { title, tone: "calm", again };
}

function problem(title: string, advice: string, again = true): EndWords {
  return { title, advice, tone: "problem", again };
}
