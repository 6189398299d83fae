/** After each input: who rang is told what came of it, and the caller's document goes on as far as it can. */
import type { CallDraft } from "./call-draft.ts";
import { connectCaller } from "./answer.ts";
import { afterDial } from "./dial.ts";
import { forwardingEnded } from "./forwarding.ts";
import { endCall } from "./hang-up.ts";
import { advance, finishInstructions, followInstructions } from "./instructions.ts";
import type { RingGroup, RingNews } from "./ring-group-state.ts";
import { targetAnswers, transferFails } from "./transfer.ts";

export function settle(draft: CallDraft): void {
  for (;;) {
    followInstructions(draft);
    const group = draft.state.groups.find(({ news }) => news !== undefined);
    if (group?.news === undefined) break;
    const { news } = group;
    group.news = undefined;
    if (news.kind === "answered") groupAnswered(draft, group);
    else groupEnded(draft, group, news);
  }
  if (draft.ended) finishInstructions(draft);
}

function groupAnswered(draft: CallDraft, group: RingGroup): void {
  const callee = draft.state.legs.find(({ leg }) => leg === group.winner);
  if (callee === undefined) return;
  switch (group.purpose.kind) {
    case "call":
      return connectCaller(draft, callee);
    case "dial":
      group.talkUntilMs = draft.context.nowMs + group.purpose.timeLimitSeconds * 1_000;
      return connectCaller(draft, callee);
    case "transfer":
      return targetAnswers(draft, group, callee);
  }
}

function groupEnded(draft: CallDraft, group: RingGroup, end: Extract<RingNews, { kind: "ended" }>): void {
  switch (group.purpose.kind) {
    case "call":
      return endCall(draft, end.outcome, end.cause, end.refusal);
    case "dial":
      if (forwardingEnded(draft, end, group.winner !== undefined)) return;
      return advance(draft, afterDial(draft, group, end));
    case "transfer":
      return transferFails(draft, end.refusal);
  }
}
