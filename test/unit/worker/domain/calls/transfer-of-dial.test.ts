/** Transfers of a talk that a Dial of the caller's document began. */
import { expect, it } from "vitest";
import { parseTwiml } from "../../../../../worker/domain/instructions/parse-twiml.ts";
import { startInstructions } from "../../../../../worker/domain/instructions/instruction-machine.ts";
import { CallWorld, phoneRoute } from "./call-world.ts";
import { answerAs, hangUp, refer } from "./talking-pair.ts";

/** A caller whom a document has connected with bob. */
function dialled(): CallWorld {
  const world = new CallWorld();
  world.phoneCalls("music");
  const document = "<Response><Dial><Client>bob</Client></Dial><Dial><Client>carol</Client></Dial></Response>";
  const parsed = parseTwiml(document);
  if (!parsed.ok || world.state === undefined) throw new Error("the test's document");
  const { state, actions } = startInstructions(parsed.document);
  world.state.instructions = state;
  world.state.actions = actions.filter(({ kind }) => kind !== "answer");
  world.feed({ kind: "retry-adoption" });
  world.located(phoneRoute("desk", "us-east"));
  answerAs(world, "b1", "phone");
  world.told();
  return world;
}

const stages = (world: CallWorld): readonly string[] =>
  world.state?.legs.map(({ leg, stage }) => `${leg} ${stage}`) ?? [];

it("the callee transfers the caller: the document goes on when the target hangs up", () => {
  const world = dialled();
  refer(world, "b1", "phone", "<sip:dave@demo.nearside.test>");
  world.located(phoneRoute("his", "eu-west"));
  answerAs(world, "b2", "phone");
  expect(stages(world)).toEqual(["a answered", "b1 ended", "b2 connected"]);
  hangUp(world, "b2", "phone");
  expect(world.state?.status).toBe("in-progress");
  world.located(phoneRoute("hers", "ap-south"));
  answerAs(world, "b3", "phone");
  expect(stages(world)).toEqual(["a answered", "b1 ended", "b2 ended", "b3 connected"]);
  hangUp(world, "b3", "phone");
  expect(world.state?.status).toBe("completed");
});

it("the callee's transfer fails after it has left: the document goes on as after any end of the Dial", () => {
  const world = dialled();
  refer(world, "b1", "phone", "<sip:dave@demo.nearside.test>");
  hangUp(world, "b1", "phone");
  world.answerLocate({ known: false, routes: [] });
  expect(world.state?.status).toBe("in-progress");
  world.located(phoneRoute("hers", "ap-south"));
  expect(stages(world)).toEqual(["a answered", "b1 ended", "b2 calling"]);
});

it("the caller transfers the callee: the document is over, and the two end together", () => {
  const world = dialled();
  refer(world, "a", "phone", "<sip:dave@demo.nearside.test>");
  world.located(phoneRoute("his", "eu-west"));
  answerAs(world, "b2", "phone");
  expect(stages(world)).toEqual(["a ended", "b1 connected", "b2 connected"]);
  expect(world.state?.instructions).toBeUndefined();
  hangUp(world, "b2", "phone");
  expect(stages(world)).toEqual(["a ended", "b1 ended", "b2 ended"]);
  expect(world.state?.status).toBe("completed");
});

it("a transfer that fails leaves the Dial as it was", () => {
  const world = dialled();
  refer(world, "b1", "phone", "<sip:dave@demo.nearside.test>");
  world.answerLocate({ known: true, routes: [] });
  hangUp(world, "b1", "phone");
  expect(world.state?.status).toBe("in-progress");
  world.located(phoneRoute("hers", "ap-south"));
  expect(stages(world)).toEqual(["a answered", "b1 ended", "b2 calling"]);
});
