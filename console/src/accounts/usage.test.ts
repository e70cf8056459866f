import fc from "fast-check";
import { expect, test } from "vitest";
import type { UsageResult } from "./model";
import { axisTop, daysOf, lastDays, partsOf, sumOf } from "./usage";

const DAY_S = 86_400;

function result(part: Partial<UsageResult>): UsageResult {
  return {
    project: "default",
    keyId: null,
    model: null,
    inputTokens: 0,
    outputTokens: 0,
    responses: 0,
    inputS: 0,
    outputS: 0,
    toolCalls: 0,
    firstAudioMs: null,
    cost: 0,
    compared: 0,
    comparedModel: null,
    ...part,
  };
}

test("the last days end with today, at midnight UTC", () => {
  const noon = Date.UTC(2026, 10, 23, 12);
  const { start, end } = lastDays(7, noon);
  expect(end * 1000).toBe(Date.UTC(2026, 10, 24));
  expect(start * 1000).toBe(Date.UTC(2026, 10, 17));
});

test("days on which nothing was used have their place too", () => {
  const used = { start: DAY_S, end: 2 * DAY_S, results: [result({ cost: 2 })] };
  const days = daysOf([used], { start: 0, end: 3 * DAY_S });
  expect(days.map((day) => day.cost)).toEqual([0, 2, 0]);
});

test("what used most comes first, and what has no key keeps its place", () => {
  const parts = partsOf(
    [
      result({ keyId: "a", inputTokens: 1 }),
      result({ keyId: null, outputTokens: 9 }),
      result({ keyId: "a", outputTokens: 4 }),
    ],
    "keyId",
    "tokens",
  );
  expect(parts.map((part) => [part.name, part.inputTokens + part.outputTokens])).toEqual([
    [null, 9],
    ["a", 5],
  ]);
});

test("the wait for the first sound is a mean over the answers that had one", () => {
  const sum = sumOf([
    result({ responses: 3, firstAudioMs: 100 }),
    result({ responses: 1, firstAudioMs: 500 }),
    result({ responses: 9, firstAudioMs: null }),
  ]);
  expect(sum.firstAudioMs).toBe(200);
  expect(sumOf([]).firstAudioMs).toBeNull();
});

test("no bar is taller than the axis, and the axis is not much taller than the bars", () => {
  fc.assert(
    fc.property(fc.double({ min: 1e-6, max: 1e12, noNaN: true }), (most) => {
      const top = axisTop(most);
      expect(top).toBeGreaterThanOrEqual(most * 0.999_99);
      expect(top).toBeLessThanOrEqual(most * 1.34);
    }),
  );
  expect(axisTop(0)).toBe(1);
});
