import type { JSX } from "preact";
import { CallMap } from "../map/call-map.tsx";
import { millisecondsText, qualityOf } from "../media/call-figures.ts";
import type { CallFigures } from "../media/call-figures.ts";
import type { CallPath, GatewayMove, PathEnd } from "../model/call-path.ts";
import type { SipCall } from "../phone/sip-call.ts";
import { CallPageLink } from "./call-page-link.tsx";
import { usePhone } from "./phone-context.ts";

/** The way of the call: drawn, written, and measured. */
export function CallPathCard({ call }: { readonly call: SipCall }): JSX.Element | null {
  const phone = usePhone();
  const me = phone.me.value;
  const watch = phone.watches.value.get(call.id);
  const path = watch?.path.value;
  const moves = watch?.moves.value ?? [];
  // While it rings there may be no way yet, and nothing to measure.
  if (me === undefined || (path === undefined && call.stage.value !== "talking")) return null;
  const words = pathWords(path, call.peer);
  return (
    <section class="card path" aria-labelledby="path-title">
      <div class="path-head">
        <h3 id="path-title">Path</h3>
        <p class="path-words">{words}</p>
        {call.sid.value !== undefined && <CallPageLink sid={call.sid.value} peer={call.peer} />}
      </div>
      <CallMap me={me} path={path} description={words} />
      <div role="status">
        {moves.slice(-1).map((move) => (
          <p class="note moved" key={move.atMs}>
            {moveWords(move, call.peer)}
          </p>
        ))}
      </div>
      {call.stage.value === "talking" && <Figures figures={call.media.figures.value} />}
    </section>
  );
}

function pathWords(path: CallPath | undefined, peer: string): string {
  const mine = path === undefined ? undefined : stationWords(path.mine);
  if (path === undefined || mine === undefined) return "is being looked up";
  if (path.theirs.kind === "number") return `You → ${mine}, and back`;
  const theirs = stationWords(path.theirs);
  const name = path.theirs.name === "" ? peer : path.theirs.name;
  return theirs === undefined || theirs === mine ? `You → ${mine} → ${name}` : `You → ${mine} → ${theirs} → ${name}`;
}

/** The gateway, or while none carries that side yet, the region that it will be in. */
function stationWords({ gateway, region }: PathEnd): string | undefined {
  return gateway === undefined ? region : `${gateway} gateway`;
}

function moveWords({ whose, from, to }: GatewayMove, peer: string): string {
  return `${whose === "mine" ? "Your side" : `${peer}'s side`} moved to ${to} after ${from} was lost.`;
}

const QUALITY_WORDS = {
  excellent: "Excellent",
  good: "Good",
  fair: "Fair",
  poor: "Poor",
} as const;

function Figures({ figures }: { readonly figures: CallFigures | undefined }): JSX.Element {
  const quality = figures === undefined ? undefined : qualityOf(figures);
  return (
    <dl class="figures">
      <div data-quality={quality}>
        <dt>Quality</dt>
        <dd>{quality === undefined ? "–" : QUALITY_WORDS[quality]}</dd>
      </div>
      <div>
        <dt>Round trip</dt>
        <dd>{millisecondsText(figures?.roundTripMs)}</dd>
      </div>
      <div>
        <dt>Jitter</dt>
        <dd>{millisecondsText(figures?.jitterMs)}</dd>
      </div>
      <div>
        <dt>Loss</dt>
        <dd>{figures?.lossShare === undefined ? "–" : `${(figures.lossShare * 100).toFixed(1)} %`}</dd>
      </div>
      <div>
        <dt>Codec</dt>
        <dd>{figures?.codec ?? "–"}</dd>
      </div>
    </dl>
  );
}
