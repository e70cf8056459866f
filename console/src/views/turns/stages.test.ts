import fc from "fast-check";
import { expect, test } from "vitest";
import type { TurnTimeline } from "../../protocol/model";
import { timelineOf } from "../../protocol/turns";
import { lengthOf, median, mediansOf, slowestOf, stagesOf, waitOf } from "./stages";

const blank = timelineOf(1);

const spoken: TurnTimeline = {
  ...blank,
  speechStartedMs: 0,
  speechEndMs: 1000,
  turnEndMs: 1200,
  transcriptMs: 1300,
  firstTokenMs: 1500,
  firstClauseMs: 1600,
  firstAudioMs: 1750,
  playedMs: 1800,
};

test("the stages a person waits for add up to the wait", () => {
  const waited = stagesOf(spoken).filter((stage) => stage.waitedFor);
  expect(waited.map(lengthOf).reduce((a, b) => a + b)).toBe(waitOf(spoken));
});

test("a transcript that comes after the first token held nothing up", () => {
  const late = stagesOf({ ...spoken, transcriptMs: 1700 });
  expect(late.find((stage) => stage.name === "transcript")?.waitedFor).toBe(false);
  expect(late.find((stage) => stage.name === "firstToken")).toMatchObject({
    startMs: 1200,
    endMs: 1500,
  });
});

test("the slowest stage is never the person's own speech", () => {
  expect(slowestOf(stagesOf(spoken))?.name).toBe("silence");
});

test("a written turn waits from its sending", () => {
  expect(waitOf({ ...blank, kind: "text", turnEndMs: 50, firstTokenMs: 90 })).toBe(40);
});

test("a turn with nothing known has no stages and no wait", () => {
  expect(stagesOf(blank)).toEqual([]);
  expect(waitOf(blank)).toBeNull();
  expect(slowestOf([])).toBeNull();
});

test("the median of an even number lies between the middle two", () => {
  expect(median([4, 1, 3, 2])).toBe(2.5);
  expect(median([])).toBeNull();
});

test("medians leave out what no turn has", () => {
  const names = mediansOf([{ ...spoken, transcriptMs: null }]).map(({ name }) => name);
  expect(names).not.toContain("transcript");
});

test("no stage ends before it starts, whatever order the marks came in", () => {
  const mark = fc.option(fc.integer({ min: 0, max: 5000 }), { nil: null });
  const turns = fc.record({
    speechEndMs: mark,
    turnEndMs: mark,
    transcriptMs: mark,
    firstTokenMs: mark,
    firstClauseMs: mark,
    firstAudioMs: mark,
    playedMs: mark,
  });
  fc.assert(
    fc.property(turns, (marks) =>
      stagesOf({ ...blank, ...marks }).every((stage) => lengthOf(stage) >= 0),
    ),
  );
});
