import { expect, it } from "vitest";
import { Turns } from "../../support/turns.ts";

it("gives all that is asked for at once, in the order of asking, and lets others pass that need other things", async () => {
  const turns = new Turns();
  const order: string[] = [];
  const use = async (who: string, ...names: string[]): Promise<() => void> => {
    const giveBack = await turns.take(names);
    order.push(who);
    return giveBack;
  };
  const first = await use("first", "a", "b");
  const second = use("second", "b", "c");
  const third = use("third", "c");
  const fourth = await use("fourth", "d");
  expect(order).toEqual(["first", "third", "fourth"]);
  first();
  await Promise.resolve();
  expect(order).toEqual(["first", "third", "fourth"]);
  (await third)();
  (await second)();
  fourth();
  expect(order).toEqual(["first", "third", "fourth", "second"]);
});

it("lets no more be at work than there are seats, and those that only wait need none", async () => {
  const turns = new Turns(1);
  const order: string[] = [];
  const leave = await turns.take(["a"]);
  const second = turns.take(["b"]).then((done) => {
    order.push("second");
    return done;
  });
  await turns.take(["c"], { seats: 0 });
  expect(order).toEqual([]);
  leave();
  (await second)();
  expect(order).toEqual(["second"]);
});
