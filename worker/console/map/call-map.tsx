import type { JSX } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Me } from "../api/types.ts";
import type { CallPath } from "../model/call-path.ts";
import { landCells } from "./land.ts";
import { layOut } from "./lay-out.ts";
import type { MapNode } from "./lay-out.ts";
import { arc, percentIn } from "./projection.ts";
import type { View } from "./projection.ts";

let land: string | undefined;

/** Every dot is a line without length and with round ends: one path, however many there are. */
function landPath(): string {
  land ??= landCells()
    .map(({ longitude, latitude }) => `M${longitude} ${-latitude}h0`)
    .join("");
  return land;
}

interface CallMapProps {
  readonly me: Me;
  readonly path: CallPath | undefined;
  readonly description: string;
}

/** Me, the gateways, the other side and the way between them. What it shows is also written beside it. */
export function CallMap({ me, path, description }: CallMapProps): JSX.Element {
  const frame = useRef<HTMLDivElement>(null);
  const aspect = useAspect(frame);
  const { view, nodes, hops } = useMemo(() => layOut(me, path, aspect), [me, path, aspect]);
  return (
    <div class="map" role="img" aria-label={description} ref={frame}>
      <svg
        viewBox={`${view.left} ${view.top} ${view.width} ${view.height}`}
        preserveAspectRatio="xMidYMid slice"
        aria-hidden="true"
      >
        <path class="land" d={landPath()} />
        {hops.map(({ from, to, kind }) => (
          <path key={`${kind} ${from.x} ${from.y} ${to.x} ${to.y}`} class={`hop ${kind}`} d={arc(from, to)} />
        ))}
      </svg>
      {nodes.map((node) => (
        <Node key={`${node.kind} ${node.label}`} node={node} view={view} />
      ))}
    </div>
  );
}

function Node({ node, view }: { readonly node: MapNode; readonly view: View }): JSX.Element {
  const { x, y } = percentIn(view, node.at);
  return (
    <span
      class={`node ${node.kind}`}
      data-moving={node.isMoving}
      data-side={x > 78 ? "left" : "right"}
      style={{ left: `${x.toFixed(2)}%`, top: `${y.toFixed(2)}%` }}
      aria-hidden="true"
    >
      <i />
      <b>{node.label}</b>
    </span>
  );
}

const USUAL_ASPECT = 3;

function useAspect(frame: { readonly current: HTMLElement | null }): number {
  const [aspect, setAspect] = useState(USUAL_ASPECT);
  useEffect(() => {
    const { current } = frame;
    if (current === null) return;
    const observer = new ResizeObserver(() => {
      const { clientWidth, clientHeight } = current;
      // While another part of a small screen is shown, it has no size at all.
      if (clientWidth > 0 && clientHeight > 0) setAspect(clientWidth / clientHeight);
    });
    observer.observe(current);
    return () => observer.disconnect();
  }, [frame]);
  return aspect;
}
