/** The flat map: a degree is a unit, north is up, and only the part that matters is shown. */
import type { Place } from "../api/types.ts";

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface View {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** Width by height of every view. */
export const ASPECT = 2;
/** Nothing is shown larger than this: a map of one street says nothing about a path. */
const NARROWEST = 100;
const MARGIN = 1.5;

export function project({ longitude, latitude }: Place): Point {
  return { x: longitude, y: -latitude };
}

/** The smallest view around the points that keeps its proportions and stays on the map. */
export function viewAround(points: readonly Point[]): View {
  const world: View = { left: -180, top: -82, width: 360, height: 140 };
  if (points.length === 0) return world;
  const xs = points.map(({ x }) => x);
  const ys = points.map(({ y }) => y);
  const spanX = Math.max(...xs) - Math.min(...xs);
  const spanY = Math.max(...ys) - Math.min(...ys);
  const width = Math.min(world.width, Math.max(NARROWEST, spanX * MARGIN, spanY * MARGIN * ASPECT));
  const height = width / ASPECT;
  const middle = { x: (Math.max(...xs) + Math.min(...xs)) / 2, y: (Math.max(...ys) + Math.min(...ys)) / 2 };
  return {
    left: clamp(middle.x - width / 2, world.left, world.left + world.width - width),
    top: clamp(middle.y - height / 2, world.top, world.top + world.height - height),
    width,
    height,
  };
}

/** Where a point stands in a view, in percent: labels are placed by it, so that their type keeps its size. */
export function percentIn(view: View, { x, y }: Point): Point {
  return { x: ((x - view.left) / view.width) * 100, y: ((y - view.top) / view.height) * 100 };
}

/** A line between two points with a rise in its middle, as flights are drawn. */
export function arc(from: Point, to: Point): string {
  const length = Math.hypot(to.x - from.x, to.y - from.y);
  const middle = { x: (from.x + to.x) / 2, y: (from.y + to.y) / 2 - length * 0.18 };
  return `M${round(from.x)} ${round(from.y)}Q${round(middle.x)} ${round(middle.y)} ${round(to.x)} ${round(to.y)}`;
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(Math.max(value, low), Math.max(low, high));
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
