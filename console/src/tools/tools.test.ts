import fc from "fast-check";
import { expect, test } from "vitest";
import { remembering } from "./memory";
import { blankTool, withTool } from "./own";
import { knownPlace } from "./places";
import { checkParameters, checkTools } from "./schema";
import { sumOf } from "./sum";
import { builtInTools, offeredTools, toggled } from "./toolbox";
import { answerOf } from "./weather";

test("every tool of ours passes the check of tools", () => {
  const declared = builtInTools.map(({ name, description, parameters }) => ({
    type: "function",
    name,
    description,
    parameters,
  }));
  expect(checkTools(JSON.stringify(declared))).toBeNull();
});

test("the check names the place of the fault", () => {
  const tool = {
    type: "function",
    name: "f",
    parameters: { type: "object", properties: { x: 3 } },
  };
  expect(checkTools(JSON.stringify([tool]))?.path).toBe("tools[0].parameters.properties.x");
  expect(checkTools("[{}]")?.path).toBe("tools[0].type");
  expect(checkTools("[")?.reason).toBe("not_json");
  expect(checkTools("{}")?.reason).toBe("not_a_list");
});

test("a required property must exist", () => {
  const parameters = { type: "object", properties: {}, required: ["x"] };
  expect(checkParameters(JSON.stringify(parameters))).toMatchObject({
    reason: "bad_required",
    detail: "x",
  });
});

test("the check takes any JSON without failing", () => {
  fc.assert(
    fc.property(fc.json(), (text) => {
      checkTools(text);
      checkParameters(text);
    }),
  );
});

test("a sum is what a person would write", () => {
  expect(sumOf([0.1, 0.2])).toBe(0.3);
  expect(sumOf([2, 2])).toBe(4);
  expect(() => sumOf(["two"])).toThrow();
  expect(() => sumOf([1, undefined])).toThrow();
});

test("a memory under a known key takes its place", () => {
  const once = remembering([], { key: "name", value: "Ana" });
  expect(remembering(once, { key: "name", value: "Bia" })).toEqual([{ key: "name", value: "Bia" }]);
});

test("a place is found whatever its accents, case and country", () => {
  expect(knownPlace("sao paulo, Brazil")?.latitude).toBeCloseTo(-23.55);
  expect(knownPlace("Nowhere")).toBeNull();
});

test("without a forecast the model is told so", () => {
  const place = { name: "Lima", latitude: -12, longitude: -77 };
  expect(answerOf({ place, now: null })).toBe(
    "The forecast for Lima cannot be reached: there may be no network.",
  );
});

test.each([
  [0, "and clear"],
  [3, "and overcast"],
  [61, "and raining"],
  [75, "and snowing"],
  [81, "and raining"],
  [86, "and snowing"],
  [95, "and thundery"],
])("a forecast is told in words: code %i", (code, sky) => {
  const place = { name: "Lima", latitude: -12, longitude: -77 };
  const now = { celsius: 18.6, windKmh: 11.2, code };
  expect(answerOf({ place, now })).toBe(
    `In Lima it is 19 degrees Celsius ${sky}, with wind of 11 kilometres an hour.`,
  );
});

test("a tool of one's own stands in for ours of the same name", () => {
  const own = withTool([], { ...blankTool, name: "get_weather" });
  const names = offeredTools(own, []).map((tool) => tool.name);
  expect(names.filter((name) => name === "get_weather")).toHaveLength(1);
});

test("a tool switched off is not offered", () => {
  const off = toggled([], "set_memory", false);
  expect(offeredTools([], off).map((tool) => tool.name)).not.toContain("set_memory");
  expect(toggled(off, "set_memory", true)).toEqual([]);
});
