import { expect, test } from "vitest";
import { newMessage } from "../../protocol/items";
import { groupsOf } from "./groups";

const at = (turn: number, id: string) => newMessage(id, "user", { responseId: null, turn });
const idsOf = (items: Parameters<typeof groupsOf>[0]) =>
  groupsOf(items).map((group) => group.map(({ id }) => id));

test("some turns stand together, in their order", () => {
  const items = [at(1, "a"), at(9, "b"), at(10, "c"), at(35, "d"), at(36, "e")];
  expect(idsOf(items)).toEqual([["a", "b"], ["c"], ["d", "e"]]);
  expect(idsOf(items.slice(1))).toEqual([["b"], ["c"], ["d", "e"]]);
});

test("an item of an earlier turn that comes later stays behind those before it", () => {
  expect(idsOf([at(1, "a"), at(12, "b"), at(2, "c")])).toEqual([["a"], ["b", "c"]]);
});
