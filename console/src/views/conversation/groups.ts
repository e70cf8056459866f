import type { Item } from "../../protocol/model";

const TURNS_TOGETHER = 10;

/** The items in their order, those of some turns together: an item that is deleted or comes moves no other's group. */
export function groupsOf(items: readonly Item[]): readonly (readonly Item[])[] {
  const groups: Item[][] = [];
  let newest = -1;
  for (const item of items) {
    const place = Math.floor(item.turn / TURNS_TOGETHER);
    // Who speaks out of turn stays where the server put it.
    if (place > newest) groups.push([]);
    newest = Math.max(newest, place);
    groups.at(-1)?.push(item);
  }
  return groups;
}
