import { expect, test } from "vitest";
import type { LogEntry } from "../../realtime/types";
import { audioOf, readable, soundsOf, wavOf, writtenOf } from "./audio";
import { everyEvent, matching } from "./filter";

const entries = [
  entry(0, "out", "session.update", { session: { voice: "alloy" } }),
  entry(1, "in", "session.updated", {}),
  entry(2, "in", "response.output_audio.delta", { delta: "A".repeat(400) }),
];
const log = { size: entries.length, at: (index: number) => entries[index] };

function entry(id: number, direction: "in" | "out", type: string, fields: object): LogEntry {
  const event = { type, ...fields } as unknown as LogEntry["event"];
  return { id, at: 0, direction, type, event, count: 1, bytes: 0 };
}

test("without a filter no list is made", () => {
  expect(matching(log, everyEvent)).toBeNull();
});

test("direction, family and search narrow together", () => {
  expect(matching(log, { ...everyEvent, direction: "in" })).toEqual([1, 2]);
  expect(matching(log, { ...everyEvent, family: "session" })).toEqual([0, 1]);
  expect(matching(log, { ...everyEvent, search: " ALLOY " })).toEqual([0]);
  expect(matching(log, { direction: "in", family: "session", search: "alloy" })).toEqual([]);
});

test("a word is found that lies across two deltas", () => {
  const type = "response.output_text.delta";
  const first = entry(0, "in", type, { delta: "par" });
  const more = [entry(1, "in", type, { delta: "rot" }).event];
  const grouped = { size: 1, at: () => ({ ...first, count: 2, more }) };
  expect(matching(grouped, { ...everyEvent, search: "parrot" })).toEqual([0]);
});

test("an event's sound becomes a WAV file of its length", () => {
  const sound = audioOf(entries[2]?.event ?? { type: "" });
  expect(wavOf([sound ?? ""])?.size).toBe(44 + 300);
});

test("words are not taken for sound", () => {
  expect(audioOf({ type: "response.output_audio_transcript.delta" })).toBeNull();
});

test("a sound cut short by the log's bound is not played", () => {
  expect(wavOf(["AAAA…"])).toBeNull();
});

test("deltas are read and heard together", () => {
  const deltas = (type: string, ...pieces: string[]) => pieces.map((delta) => ({ type, delta }));
  expect(writtenOf(deltas("response.output_text.delta", "Good ", "day"))).toBe("Good day");
  const sounds = deltas("response.output_audio.delta", "A".repeat(400), "B".repeat(400));
  expect(writtenOf(sounds)).toBe("");
  expect(wavOf(soundsOf(sounds))?.size).toBe(44 + 600);
});

test("a long sound is told by its length", () => {
  expect(readable({ delta: "A".repeat(400) })).toContain("(400 base64)");
});
