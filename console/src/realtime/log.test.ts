import { expect, test } from "vitest";
import type { ServerEvent } from "../protocol/events";
import { WireLog } from "./log";

const at = 0;
const now = (task: () => void) => task();
const event = (type: string, rest: object = {}) => ({ type, ...rest }) as unknown as ServerEvent;
const sound = (delta: string) => event("response.output_audio.delta", { delta });

test("deltas of one kind that follow each other are one line", () => {
  const log = new WireLog(now);
  log.record("in", event("response.output_text.delta"), at, 10);
  log.record("in", event("response.output_text.delta"), at, 20);
  log.record("in", event("response.done"), at, 5);
  expect(log.entries()).toMatchObject([
    { type: "response.output_text.delta", count: 2, bytes: 30 },
    { type: "response.done", count: 1, bytes: 5 },
  ]);
});

test("every event of a line is kept, in its order", () => {
  const log = new WireLog(now);
  for (const delta of ["a", "b", "c"]) {
    log.record("in", event("response.output_text.delta", { delta }), at, 1);
  }
  const [line] = log.entries();
  expect([line?.event, ...(line?.more ?? [])]).toMatchObject([
    { delta: "a" },
    { delta: "b" },
    { delta: "c" },
  ]);
});

test("a line that never ends does not grow without end", () => {
  const log = new WireLog(now, 100, 50);
  for (let index = 0; index < 1000; index += 1) log.record("in", sound("aaaaa"), at, 5);
  const [line] = log.entries();
  expect(line?.count).toBe(1000);
  expect(line?.more?.length ?? 0).toBeLessThan(12);
  log.record("in", event("between"), at, 1);
  log.record("in", sound("bbbbb"), at, 5);
  expect(log.at(2)?.event).toMatchObject({ delta: "bbbbb" });
});

test("events that are no deltas are never grouped", () => {
  const log = new WireLog(now);
  log.record("out", event("response.create"), at, 1);
  log.record("out", event("response.create"), at, 1);
  expect(log.size).toBe(2);
});

test("the oldest lines go first, and ids keep counting", () => {
  const log = new WireLog(now, 3);
  for (let index = 0; index < 10; index += 1) log.record("in", event(`e${index}`), at, 1);
  expect(log.entries().map(({ id, type }) => [id, type])).toEqual([
    [7, "e7"],
    [8, "e8"],
    [9, "e9"],
  ]);
  expect(log.at(3)).toBeUndefined();
  expect(log.at(-1)).toBeUndefined();
});

test("only the newest sounds are kept", () => {
  const log = new WireLog(now, 100, 10);
  for (const letter of ["a", "b", "c"]) {
    log.record("in", sound(letter.repeat(5)), at, 5);
    log.record("in", event("between"), at, 1);
  }
  expect(log.entries().map(({ event: each }) => ("delta" in each ? each.delta : null))).toEqual([
    "",
    null,
    "bbbbb",
    null,
    "ccccc",
    null,
  ]);
});

test("sounds that left the ring leave room for others", () => {
  const log = new WireLog(now, 2, 10);
  for (let index = 0; index < 9; index += 1) {
    log.record(index % 2 ? "in" : "out", sound("aaaaa"), at, 5);
  }
  expect(log.entries().map(({ event: each }) => ("delta" in each ? each.delta : null))).toEqual([
    "aaaaa",
    "aaaaa",
  ]);
});

test("what happens during a pause shows afterwards", () => {
  const log = new WireLog(now);
  let told = 0;
  log.subscribe(() => {
    told += 1;
  });
  log.pause();
  log.record("in", event("one"), at, 1);
  expect([log.size, log.paused, told]).toEqual([0, true, 1]);
  log.resume();
  expect([log.size, log.paused, told]).toEqual([1, false, 2]);
});

test("a run that goes on through a pause is one line, with every event", () => {
  const log = new WireLog(now);
  const text = (delta: string) => event("response.output_text.delta", { delta });
  log.record("in", text("a"), at, 1);
  log.pause();
  for (const delta of ["b", "c"]) log.record("in", text(delta), at, 1);
  log.resume();
  log.record("in", text("d"), at, 1);
  const [line, ...others] = log.entries();
  expect(others).toEqual([]);
  expect(line).toMatchObject({ count: 4, bytes: 4 });
  expect([line?.event, ...(line?.more ?? [])]).toEqual(["a", "b", "c", "d"].map(text));
});

test("of a long pause only the newest lines and sounds are kept", () => {
  const log = new WireLog(now, 6, 10);
  log.pause();
  for (let index = 0; index < 100; index += 1) {
    log.record("in", sound(`${index}`.padStart(5, "0")), at, 5);
    log.record("in", event("between"), at, 1);
  }
  log.resume();
  const sounds = log.entries().map(({ event: each }) => ("delta" in each ? each.delta : null));
  expect(sounds).toEqual(["", null, "00098", null, "00099", null]);
});

test("a pause in which sounds never end holds the newest of them", () => {
  const log = new WireLog(now, 100, 50);
  log.pause();
  for (let index = 0; index < 1000; index += 1) log.record("in", sound("aaaaa"), at, 5);
  log.resume();
  const [line] = log.entries();
  expect(line?.count).toBe(1000);
  expect(line?.more?.length ?? 0).toBeLessThan(12);
});

test("a cleared log begins anew", async () => {
  const log = new WireLog(now);
  log.record("in", sound("aa"), at, 2);
  log.clear();
  expect(log.size).toBe(0);
  log.record("in", event("next"), at, 1);
  expect(JSON.parse(await log.export().text())).toMatchObject([{ id: 1, type: "next" }]);
});

test("the sound of an item that was asked for again is not kept a second time", () => {
  const log = new WireLog(now);
  const content = [{ type: "output_audio", transcript: "Hi", audio: "AAAA" }];
  log.record(
    "in",
    event("conversation.item.retrieved", { item: { type: "message", content } }),
    at,
    99,
  );
  expect(JSON.stringify(log.entries())).not.toContain("AAAA");
});
