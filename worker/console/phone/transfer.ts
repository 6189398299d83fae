/** Transfers as whoever asks for one sees them: REFER, and the NOTIFYs that tell what comes of it (RFC 3515). */
import type { Notification, Session, URI } from "sip.js";
import { wordsForEnd } from "./call-end.ts";

export type TransferState =
  | { readonly kind: "asked" | "ringing"; readonly to: string }
  | { readonly kind: "failed"; readonly to: string; readonly status: number };

export interface ReferOptions {
  readonly extraHeaders: string[];
  readonly onRinging: () => void;
}

/** More than the target may ring: whoever has heard nothing by then will hear nothing. */
const WORD_LIMIT_MS = 90_000;
const TIMED_OUT = 408;

/** Asks for the transfer of a session, to somebody or into another session; answers with the final status. */
export async function refer(session: Session, target: URI | Session, options: ReferOptions): Promise<number> {
  return await new Promise<number>((resolve) => {
    const limit = setTimeout(() => resolve(TIMED_OUT), WORD_LIMIT_MS);
    const settle = (status: number): void => {
      clearTimeout(limit);
      resolve(status);
    };
    const onNotify = (notification: Notification): void => {
      void notification.accept().catch(() => {});
      const status = statusOf(notification.request.body);
      if (status === 180 || status === 183) options.onRinging();
      if (status >= 200) settle(status);
    };
    session
      .refer(target, {
        onNotify,
        requestDelegate: { onReject: ({ message }) => settle(message.statusCode ?? 500) },
        requestOptions: { extraHeaders: options.extraHeaders },
      })
      // One of the sessions has ended meanwhile.
      .catch(() => settle(481));
  });
}

/** The body of a NOTIFY is a status line (message/sipfrag, RFC 3515 section 2.4.5). */
function statusOf(body: string): number {
  return Number(/^SIP\/2\.0 (\d{3})/.exec(body.trimStart())?.[1] ?? 100);
}

export function wordsForTransfer(state: TransferState, peer: string): string {
  const { to } = state;
  switch (state.kind) {
    case "asked":
      return `Connecting ${peer} with ${to}…`;
    case "ringing":
      return `It rings at ${to}, as ${peer} hears. You may hang up, or wait for the answer.`;
    case "failed":
      return `${reasonWords(state.status, to, peer)} Your call goes on as it was.`;
  }
}

function reasonWords(status: number, to: string, peer: string): string {
  switch (status) {
    case 403:
      return `This call cannot be passed on to ${to}: of calls with a number of the platform only you can be a part.`;
    case 481:
      return `${to} is not in a call with you any more, or has not answered yet.`;
    case 488:
      return `The phones of ${peer} and ${to} share no audio format.`;
    case 491:
      return "Another transfer of this call is under way: wait for its end, then try again.";
    case 401:
    case 407:
    case 500:
      return `The transfer to ${to} did not go through (${status}). Try again.`;
    case 503:
      return `${to} could not be asked just now. Try again in a few seconds.`;
    default:
      return `${wordsForEnd({ kind: "refused", status }, to).title}.`;
  }
}
