import fc from "fast-check";
import { expect, test } from "vitest";
import { spansOf } from "./scope";

const detector = { threshold: 0.5, prefixPaddingMs: 300, silenceMs: 200 };
const loud = (...moments: number[]) => moments.map((atMs) => ({ atMs, level: 0.8 }));
const quiet = (...moments: number[]) => moments.map((atMs) => ({ atMs, level: 0.1 }));

test("a turn has its padding before, and its silence after", () => {
  const history = [...quiet(0), ...loud(1000, 1100, 1200), ...quiet(1300, 1500)];
  expect(spansOf(history, detector, 1500)).toEqual([
    { kind: "prefix", fromMs: 700, toMs: 1000 },
    { kind: "speech", fromMs: 1000, toMs: 1200 },
    { kind: "silence", fromMs: 1200, toMs: 1400 },
  ]);
});

test("a pause shorter than the silence is a part of the speech", () => {
  const history = [...loud(1000), ...quiet(1100), ...loud(1200)];
  const speech = spansOf(history, detector, 1250).filter(({ kind }) => kind === "speech");
  expect(speech).toEqual([{ kind: "speech", fromMs: 1000, toMs: 1200 }]);
});

test("a silence that still goes on ends now", () => {
  expect(spansOf(loud(1000), detector, 1050).at(-1)).toMatchObject({ fromMs: 1000, toMs: 1050 });
});

test("whatever is heard, no span ends before it begins, and speech follows speech after a silence", () => {
  const history = fc
    .array(fc.tuple(fc.nat(400), fc.double({ min: 0, max: 1, noNaN: true })))
    .map((steps) => {
      let atMs = 0;
      return steps.map(([ms, level]) => {
        atMs += ms;
        return { atMs, level };
      });
    });
  fc.assert(
    fc.property(history, fc.nat(1000), fc.nat(1000), (heard, prefixPaddingMs, silenceMs) => {
      const nowMs = heard.at(-1)?.atMs ?? 0;
      const spans = spansOf(heard, { threshold: 0.5, prefixPaddingMs, silenceMs }, nowMs);
      expect(spans.every(({ fromMs, toMs }) => fromMs <= toMs)).toBe(true);
      const speech = spans.filter(({ kind }) => kind === "speech");
      for (const [index, { fromMs }] of speech.entries()) {
        const before = speech[index - 1];
        if (before) expect(fromMs - before.toMs).toBeGreaterThan(silenceMs);
      }
    }),
  );
});
