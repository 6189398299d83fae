/**
 * The parts of the name that this object was made by, without its kind: `["us-east", "gw-1", "0"]`.
 * Throws for an object without such a name: only `stubFor` makes names.
 */
export function ownName(ctx: DurableObjectState, kind: string): readonly string[] {
  const [found, ...parts] = (ctx.id.name ?? "").split("/");
  if (found !== kind) throw new TypeError(`this object is no ${kind}`);
  return parts;
}
