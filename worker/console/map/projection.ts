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

/** Nothing is shown larger than this, in degrees of height: a map of one street says nothing about a path. */
const LOWEST = 44;
const MARGIN = 1.6;

export function project({ longitude, latitude }: Place): Point {
  return { x: longitude, y: -latitude };
}

const WORLD: View = { left: -180, top: -80, width: 360, height: 138 };

/** The smallest view around the points with these proportions, width by height; it stays on the map while it can. */
export function viewAround(points: readonly Point[], aspect: number): View {
  if (points.length === 0) return { ...WORLD, height: WORLD.width / aspect };
  const xs = points.map(({ x }) => x);
  const ys = points.map(({ y }) => y);
  const spanX = Math.max(...xs) - Math.min(...xs);
  const spanY = Math.max(...ys) - Math.min(...ys);
  const width = Math.min(WORLD.width, Math.max(LOWEST * aspect, spanX * MARGIN, spanY * MARGIN * aspect));
  const height = width / aspect;
  const middle = { x: (Math.max(...xs) + Math.min(...xs)) / 2, y: (Math.max(...ys) + Math.min(...ys)) / 2 };
  return {
    left: clamp(middle.x - width / 2, WORLD.left, WORLD.left + WORLD.width - width),
    top: clamp(middle.y - height / 2, WORLD.top, WORLD.top + WORLD.height - height),
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
