/** Which points and lines a call makes on the map. */
import type { Me } from "../api/types.ts";
import type { CallPath, PathEnd } from "../model/call-path.ts";
import { project, viewAround } from "./projection.ts";
import type { Point, View } from "./projection.ts";

export interface MapNode {
  readonly kind: "me" | "peer" | "gateway" | "region";
  readonly label: string;
  readonly at: Point;
  readonly isMoving: boolean;
}

export interface MapHop {
  readonly kind: "access" | "trunk";
  readonly from: Point;
  readonly to: Point;
}

export interface MapLayout {
  readonly view: View;
  readonly nodes: readonly MapNode[];
  readonly hops: readonly MapHop[];
}

/** Where nobody knows a person's place, they are drawn this far from their gateway, in parts of the view's width and height. */
const BESIDE = { x: 0.08, y: 0.24 };

/** `aspect`: width by height of the place for the map. */
export function layOut(me: Me, path: CallPath | undefined, aspect: number): MapLayout {
  const gateways = [path?.mine, path?.theirs].flatMap((end) => regionPoint(me, end?.region) ?? []);
  const home = regionPoint(me, me.region);
  const known = me.place === null ? [] : [project(me.place)];
  const around = [...gateways, ...known, ...(gateways.length === 0 && home !== undefined ? [home] : [])];
  const view = viewAround(around, aspect);
  const others = me.regions
    .filter(({ name }) => name !== path?.mine.region && name !== path?.theirs.region)
    .map((place): MapNode => ({ kind: "region", label: place.name, at: project(place), isMoving: false }))
    .filter(({ at }) => isInside(view, at));
  const mineAt = regionPoint(me, path?.mine.region);
  if (path === undefined || mineAt === undefined) return { view, nodes: others, hops: [] };
  return { view, ...pathNodes(me, path, { view, others, mineAt }) };
}

function pathNodes(
  me: Me,
  { mine, theirs }: CallPath,
  { view, others, mineAt }: { readonly view: View; readonly others: readonly MapNode[]; readonly mineAt: Point },
): Pick<MapLayout, "nodes" | "hops"> {
  const theirsAt = regionPoint(me, theirs.region) ?? mineAt;
  const isOneGateway = theirsAt === mineAt || (theirsAt.x === mineAt.x && theirsAt.y === mineAt.y);
  // Each person on the outer side of their gateway, so that no line crosses another.
  const side = mineAt.x <= theirsAt.x ? -1 : 1;
  const meAt = me.place === null ? beside(view, mineAt, side) : project(me.place);
  const peerAt = beside(view, theirsAt, -side);
  const nodes: MapNode[] = [
    ...others,
    gatewayNode(mine, mineAt),
    { kind: "me", label: "You", at: meAt, isMoving: false },
  ];
  const hops: MapHop[] = [{ kind: "access", from: meAt, to: mineAt }];
  if (!isOneGateway) {
    nodes.push(gatewayNode(theirs, theirsAt));
    hops.push({ kind: "trunk", from: mineAt, to: theirsAt });
  }
  if (theirs.kind !== "number") {
    nodes.push({ kind: "peer", label: theirs.name, at: peerAt, isMoving: false });
    hops.push({ kind: "access", from: theirsAt, to: peerAt });
  }
  return { nodes, hops };
}

function gatewayNode(end: PathEnd, at: Point): MapNode {
  return { kind: "gateway", label: end.gateway ?? end.region ?? "", at, isMoving: end.isMoving };
}

function beside(view: View, { x, y }: Point, side: number): Point {
  return { x: x + side * view.width * BESIDE.x, y: y + view.height * BESIDE.y };
}

function regionPoint(me: Me, region: string | undefined): Point | undefined {
  const place = me.regions.find(({ name }) => name === region);
  return place === undefined ? undefined : project(place);
}

function isInside(view: View, { x, y }: Point): boolean {
  return x >= view.left && x <= view.left + view.width && y >= view.top && y <= view.top + view.height;
}
