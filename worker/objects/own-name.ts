/** Under which an object with alarms keeps its name: an alarm after a restart comes without it. */
const NAME_KEY = "own-name";

/**
 * The parts of the name that this object was made by, without its kind: `["us-east", "gw-1", "0"]`.
 * Throws for an object without such a name: only `stubFor` makes names.
 */
export function ownName(ctx: DurableObjectState, kind: string): readonly string[] {
  return partsOf(ctx.id.name ?? "", kind);
}

/** The same for objects that an alarm may wake. Costs one write in an object's life. */
export function rememberedName(ctx: DurableObjectState, kind: string): readonly string[] {
  const stored = ctx.storage.kv.get(NAME_KEY);
  const { name } = ctx.id;
  if (name !== undefined && stored !== name) ctx.storage.kv.put(NAME_KEY, name);
  return partsOf(name ?? (typeof stored === "string" ? stored : ""), kind);
}

function partsOf(name: string, kind: string): readonly string[] {
  const [found, ...parts] = name.split("/");
  if (found !== kind) throw new TypeError(`this object is no ${kind}`);
  return parts;
}
