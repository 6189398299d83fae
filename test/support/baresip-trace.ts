/** The SIP messages that baresip wrote down itself (`-s`): what a phone saw, to hold against what others say that it saw. */
import type { Baresip } from "./baresip.ts";

export interface TracedMessage {
  readonly sent: boolean;
  /** Of CSeq. */
  readonly method: string;
  readonly cseq: number;
  readonly status?: number;
}

/** In order, registrations left out. */
export function tracedMessages({ process, host, port }: Baresip): readonly TracedMessage[] {
  const messages: TracedMessage[] = [];
  let sent: boolean | undefined;
  let status: number | undefined;
  let isFirstLine = false;
  for (const line of process.output.split("\n")) {
    const path = /^(?:UDP|TCP|TLS) (\S+) -> (\S+)$/.exec(line);
    if (path !== null) {
      sent = path[2] !== `${host}:${port}`;
      isFirstLine = true;
      continue;
    }
    if (isFirstLine) {
      const response = /^SIP\/2\.0 (\d{3})/.exec(line)?.[1];
      status = response === undefined ? undefined : Number(response);
      isFirstLine = false;
    }
    const cseq = /^CSeq: (\d+) (\w+)$/i.exec(line);
    if (cseq === null || sent === undefined) continue;
    const message = { sent, method: cseq[2] ?? "", cseq: Number(cseq[1]) };
    if (message.method !== "REGISTER") messages.push(status === undefined ? message : { ...message, status });
    sent = undefined;
  }
  return messages;
}
