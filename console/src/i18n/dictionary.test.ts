import { expect, test } from "vitest";
import { type Key, translate } from "./dictionary";
import { en } from "./en";
import { pt } from "./pt";

const names = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name).sort();

test.each(Object.keys(en) as Key[])("both languages ask for the same values in %s", (key) => {
  expect(names(pt[key])).toEqual(names(en[key]));
});

test("values are put in their places", () => {
  expect(translate("pt", "events.count", { count: 3 })).toBe("3 eventos");
  expect(translate("en", "events.count")).toBe("{count} events");
});
