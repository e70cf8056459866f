import { expect, test } from "vitest";
import type { Usage } from "../../protocol/model";
import { costOf, growthOf, rowsOf } from "./cost";

const none: Usage = {
  inputText: 0,
  inputAudio: 0,
  inputImage: 0,
  cachedText: 0,
  cachedAudio: 0,
  cachedImage: 0,
  outputText: 0,
  outputAudio: 0,
};

test("a million tokens of each kind cost their published price", () => {
  const million = 1_000_000;
  expect(costOf({ ...none, inputText: million })).toBe(4);
  expect(costOf({ ...none, outputText: million })).toBe(16);
  expect(costOf({ ...none, inputAudio: million })).toBe(32);
  expect(costOf({ ...none, outputAudio: million })).toBe(64);
  expect(costOf({ ...none, inputImage: million })).toBe(5);
});

test("cached tokens are not paid twice", () => {
  const usage = { ...none, inputAudio: 1_000_000, cachedAudio: 1_000_000 };
  expect(rowsOf(usage)[1]).toMatchObject({ input: 0, cached: 1_000_000 });
  expect(costOf(usage)).toBeCloseTo(0.4);
});

test("the curve stands still at a turn without usage", () => {
  const turn = { ...none, outputText: 1_000_000 };
  expect(growthOf([turn, null, turn])).toEqual([16, 16, 32]);
});
