/** Calls that follow a document, and what happens in them. */
import type { LegId } from "#protocol/ids";
import type { MediaJoin } from "#protocol/media";
import { parseTwiml } from "../../../../../worker/domain/instructions/parse-twiml.ts";
import { startInstructions } from "../../../../../worker/domain/instructions/instruction-machine.ts";
import type { CallInput } from "../../../../../worker/domain/calls/call-input.ts";
import { CallWorld, capsule, PHONE_AUDIO } from "./call-world.ts";

export const leg = (id: string): LegId => id as LegId;

/** A caller who has been answered by `music` and whose call goes on with this document. */
export function following(document: string, world = new CallWorld()): CallWorld {
  world.phoneCalls("music");
  const parsed = parseTwiml(`<Response>${document}</Response>`);
  if (!parsed.ok || world.state === undefined) throw new Error(`the test's document: ${JSON.stringify(parsed)}`);
  const { state, actions } = startInstructions(parsed.document);
  world.state.instructions = { ...state, answered: true };
  world.state.actions = actions.filter(({ kind }) => kind !== "answer");
  world.told();
  world.feed({ kind: "retry-adoption" });
  return world;
}

export function answers(world: CallWorld, id: string, gateway = "us-east"): void {
  world.event(gateway, { kind: "leg-answered", leg: leg(id), capsule: capsule("confirmed"), audio: PHONE_AUDIO });
}

export function locatedAs(world: CallWorld, endpoint: string, ...routes: Parameters<CallWorld["located"]>): void {
  locatedWith(world, endpoint, { known: true, routes });
}

export function locatedWith(
  world: CallWorld,
  endpoint: string,
  found: Pick<Extract<CallInput, { kind: "located" }>, "known" | "routes" | "plan">,
): void {
  const asked = world.effects.findLast((effect) => effect.kind === "locate" && effect.endpoint === endpoint);
  if (asked?.kind !== "locate") throw new Error(`${endpoint} is not looked for`);
  world.feed({ kind: "located", group: asked.group, endpoint: asked.endpoint, ...found });
}

export function joins(world: CallWorld): readonly MediaJoin[] {
  return world.commands.flatMap(({ command }) => (command.kind === "join-leg" ? [command.join] : []));
}
