import fc from "fast-check";
import { expect, test } from "vitest";
import { emptyConversation } from "../protocol/conversation";
import type { Conversation, MessageItem } from "../protocol/model";
import { timelineOf } from "../protocol/turns";
import { conversationAt, scoreOf, travelled } from "./score";
import { type Deck, type Moment, Tape, whole } from "./tape";
import type { LogEntry } from "./types";

function said(id: string, role: "user" | "assistant", number: number, ms: number): MessageItem {
  const pcm = new Uint8Array(ms * 48);
  return {
    kind: "message",
    id,
    role,
    status: "completed",
    text: "",
    transcript: "one two three four",
    heard: null,
    heardMs: null,
    audio: { chunks: ms ? [pcm] : [], samples: ms * 24 },
    responseId: null,
    turn: number,
  };
}

/** A question of a second, an answer half a second later that is cut after one of its two seconds. */
const talk: Conversation = {
  ...emptyConversation,
  turns: [
    timelineOf(1, { speechStartedMs: 5000, speechEndMs: 6000, firstTokenMs: 6300, playedMs: 6500 }),
    timelineOf(2, { speechStartedMs: 7500, speechEndMs: 8500, playedMs: 9000 }),
  ],
  items: [
    said("u1", "user", 1, 1000),
    { ...said("a1", "assistant", 1, 2000), heardMs: 1000, heard: 7, status: "incomplete" },
    said("u2", "user", 2, 1000),
    said("a2", "assistant", 2, 400),
  ],
};

class TestDeck implements Deck {
  now = 0;
  heard: { at: number; ms: number }[] = [];
  #tick: (() => void) | null = null;
  nowMs = () => this.now;
  sound(pcm: Uint8Array, atMs: number): void {
    this.heard.push({ at: atMs, ms: pcm.length / 48 });
  }
  stop(): void {}
  close(): void {}
  every(_: number, tick: () => void): () => void {
    this.#tick = tick;
    return () => {
      this.#tick = null;
    };
  }
  async passTo(ms: number): Promise<void> {
    for (; this.now < ms; this.now += 80) {
      this.#tick?.();
      await Promise.resolve();
    }
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
}

function taped(conversation: Conversation) {
  const deck = new TestDeck();
  const moments: Moment[] = [];
  const tape = new Tape(
    scoreOf(conversation),
    (moment) => moments.push(moment),
    () => deck,
  );
  return { deck, moments, tape };
}

test("every word stands at the moment at which it was said", () => {
  const { cues, startMs, endMs } = scoreOf(talk);
  expect(cues.map(({ item, atMs, soundMs }) => [item.id, atMs, soundMs])).toEqual([
    ["u1", 5000, 1000],
    ["a1", 6500, 1000],
    ["u2", 7500, 1000],
    ["a2", 9000, 400],
  ]);
  expect([startMs, endMs]).toEqual([4700, 9900]);
});

test("between two answers of a turn the pause is kept", () => {
  const first = { ...said("a1", "assistant", 1, 700), playedMs: 6500 };
  const second = { ...said("a1b", "assistant", 1, 300), playedMs: 8900 };
  const { cues } = scoreOf({ ...talk, items: [said("u1", "user", 1, 1000), first, second] });
  expect(cues.map(({ atMs }) => atMs)).toEqual([5000, 6500, 8900]);
});

test("in an older file a second answer of a turn follows the first: its own moment was not kept", () => {
  const items = [said("u1", "user", 1, 1000), said("a1", "assistant", 1, 700)];
  const more = said("a1b", "assistant", 1, 300);
  const { cues } = scoreOf({ ...talk, items: [...items, more] });
  expect(cues.map(({ atMs }) => atMs)).toEqual([5000, 6500, 7200]);
});

test("the sounds are played at their moments, of a cut answer what was heard, and then all is shown", async () => {
  const { deck, tape, moments } = taped(talk);
  tape.play();
  await deck.passTo(6000);
  const second = 1000;
  expect(deck.heard).toEqual([
    { at: 300, ms: second },
    { at: 1800, ms: second },
    { at: 2800, ms: second },
    { at: 4300, ms: 400 },
  ]);
  expect(moments.at(-1)).toEqual(whole);
});

test("from the middle, what is over is not played, and what sounds begins in its middle", async () => {
  const { deck, tape } = taped(talk);
  tape.play(7000);
  expect(tape.sounding).toBe("a1");
  await deck.passTo(400);
  expect(deck.heard).toEqual([
    { at: -500, ms: 1000 },
    { at: 500, ms: 1000 },
  ]);
});

test("a pause keeps the moment, and play goes on from there", async () => {
  const { deck, tape } = taped(talk);
  tape.play();
  await deck.passTo(480);
  tape.pause();
  const paused = tape.moment.clockMs ?? 0;
  expect(paused).toBeGreaterThan(5000);
  expect(tape.sounding).toBe("u1");
  await deck.passTo(5000);
  expect(tape.moment).toEqual({ playing: false, clockMs: paused });
  tape.play();
  expect(tape.moment).toEqual({ playing: true, clockMs: paused });
});

test("what was not said yet is not shown, and of what is being said the words so far", () => {
  const score = scoreOf(talk);
  const at = (ms: number) => conversationAt(talk, score, ms);
  expect(at(4900).items).toEqual([]);
  const half = at(5500);
  expect(half.items).toMatchObject([{ id: "u1", heardMs: 500 }]);
  expect(half.turns.map((each) => each.turn)).toEqual([1]);
  expect(at(9950).items).toEqual(talk.items);
});

test("items are never shown out of order, and at the end all are, whatever was measured", () => {
  const mark = fc.option(fc.integer({ min: 0, max: 20_000 }), { nil: null });
  const turns = fc.array(fc.record({ speechStartedMs: mark, turnEndMs: mark, playedMs: mark }));
  const items = fc.array(
    fc.tuple(
      fc.constantFrom<"user" | "assistant">("user", "assistant"),
      fc.nat(8),
      fc.nat(2000),
      fc.option(fc.nat(3000), { nil: null }),
    ),
  );
  fc.assert(
    fc.property(turns, items, fc.integer({ min: 0, max: 60_000 }), (marks, list, clockMs) => {
      const conversation: Conversation = {
        ...emptyConversation,
        turns: marks.map((each, index) => timelineOf(index + 1, each)),
        items: list.map(([role, number, ms, heardMs], index) => ({
          ...said(`i${index}`, role, number, ms),
          heardMs,
        })),
      };
      const score = scoreOf(conversation);
      const shown = conversationAt(conversation, score, clockMs).items.map(({ id }) => id);
      const all = conversation.items.map(({ id }) => id);
      expect(shown).toEqual(all.slice(0, shown.length));
      expect(conversationAt(conversation, score, score.endMs).items).toEqual(conversation.items);
    }),
  );
});

test("the log is shown up to the moment", () => {
  const log = [100, 200, 200, 300].map((at) => ({ at }) as LogEntry);
  expect([0, 100, 199, 200, 1000].map((ms) => travelled(log, ms))).toEqual([0, 1, 1, 3, 4]);
});
