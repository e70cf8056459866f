import fc from "fast-check";
import { expect, test } from "vitest";
import { joined } from "./bytes";
import { emptyConversation, reduce } from "./conversation";
import type { ClientEvent, ServerEvent } from "./events";
import type { CallItem, Conversation, Item, MessageItem } from "./model";
import {
  after,
  afterAtOnce,
  server,
  spokenAnswer,
  spokenLanes,
  spokenTurn,
  transcription,
  usage,
} from "./testing/script";

const sound = (samples: number, value = 1) => new Uint8Array(samples * 2).fill(value);
const written = (id: string, text: string): ClientEvent => ({
  type: "conversation.item.create",
  item: { type: "message", role: "user", id, content: [{ type: "input_text", text }] },
});
const ask: ClientEvent = { type: "response.create" };
const hello = {
  item: "a1",
  response: "r1",
  previous: "u1",
  words: ["Good ", "morning."],
  sounds: [sound(240), sound(240)],
};

function messageOf(c: Conversation, id: string): MessageItem {
  const item = c.items.find((each) => each.id === id);
  if (item?.kind !== "message") throw new Error(`no message ${id}`);
  return item;
}

/** Chunks are how a sound is kept, not what it is. */
function plain(c: Conversation) {
  const whole = (item: Item) =>
    item.kind === "message" ? { ...item, audio: [...joined(item.audio.chunks)] } : item;
  return { ...c, items: c.items.map(whole) };
}

test("a spoken turn becomes a user's item and an answer with words and sound", () => {
  const c = after([
    ...spokenTurn("u1", null),
    ...transcription("u1", ["Hi ", "there"]),
    ...spokenAnswer(hello),
  ]);
  expect(c.items.map((item) => [item.id, item.status, item.turn])).toEqual([
    ["u1", "completed", 1],
    ["a1", "completed", 1],
  ]);
  expect(messageOf(c, "u1").transcript).toBe("Hi there");
  expect(messageOf(c, "a1")).toMatchObject({ transcript: "Good morning.", responseId: "r1" });
  expect(messageOf(c, "a1").audio.samples).toBe(480);
  expect(c.responding).toBeNull();
  expect(c.usage).toMatchObject({ inputText: 10, outputAudio: 20 });
});

test("a turn's timeline has each first moment in order", () => {
  const c = after([
    ...spokenTurn("u1", null),
    ...transcription("u1", ["Hi"]),
    ...spokenAnswer(hello),
    { type: "played", itemId: "a1", responseId: "r1" },
  ]);
  const [turn] = c.turns;
  expect(turn).toMatchObject({ kind: "voice", responseId: "r1", speechStartedMs: 0 });
  const marks = [
    turn?.speechStartedMs,
    turn?.speechEndMs,
    turn?.turnEndMs,
    turn?.transcriptMs,
    turn?.firstTokenMs,
    turn?.firstClauseMs,
    turn?.firstAudioMs,
    turn?.doneMs,
    turn?.playedMs,
  ];
  expect(marks).toEqual([...marks].sort((a, b) => (a ?? 0) - (b ?? 0)));
  expect(marks.every((mark) => typeof mark === "number")).toBe(true);
  expect(c.items.at(-1)).toMatchObject({ id: "a1", playedMs: turn?.playedMs });
});

test("speech ended before the silence that the server waited for", () => {
  const session = { audio: { input: { turn_detection: { silence_duration_ms: 200 } } } };
  const started = reduce(
    reduce(emptyConversation, { at: 0, event: server({ type: "session.created", session }) }),
    { at: 1000, event: server({ type: "input_audio_buffer.speech_started", item_id: "u" }) },
  );
  const stopped = server({ type: "input_audio_buffer.speech_stopped", item_id: "u" });
  expect(reduce(started, { at: 3000, event: stopped }).turns[0]?.speechEndMs).toBe(2800);
});

test("what is written shows before the server has answered, and is not doubled when it has", () => {
  const shown = after([written("u1", "Hi"), ask]);
  expect(messageOf(shown, "u1")).toMatchObject({ text: "Hi", status: "in_progress", turn: 1 });
  const content = [{ type: "input_text", text: "Hi" }];
  const item = { type: "message", id: "u1", role: "user", status: "completed", content };
  const c = after(
    [server({ type: "conversation.item.added", previous_item_id: null, item })],
    shown,
  );
  expect(c.items).toHaveLength(1);
  expect(messageOf(c, "u1")).toMatchObject({ text: "Hi", status: "completed" });
  expect(c.turns).toMatchObject([{ kind: "text", turnEndMs: 1 }]);
});

test("an item goes right after the one that the server names", () => {
  const item = (id: string) => ({ type: "message", id, role: "user", content: [] });
  const added = (id: string, previous: string | null) =>
    server({ type: "conversation.item.added", previous_item_id: previous, item: item(id) });
  const c = after([added("b", null), added("d", "b"), added("c", "b"), added("a", null)]);
  expect(c.items.map(({ id }) => id)).toEqual(["a", "b", "c", "d"]);
});

test("an item that is already placed stays where it is when it is told again", () => {
  const item = (id: string) => ({ type: "message", id, role: "user", content: [] });
  const say = (type: "added" | "done", id: string, previous: string | null) =>
    server({ type: `conversation.item.${type}`, previous_item_id: previous, item: item(id) });
  const c = after([
    say("added", "a", null),
    say("added", "b", "a"),
    say("added", "new", "a"),
    say("done", "b", "a"),
  ]);
  expect(c.items.map(({ id }) => id)).toEqual(["a", "new", "b"]);
});

test("an item that the output of a call precedes goes after the call", () => {
  const call = { type: "function_call", id: "f", call_id: "c", name: "t", arguments: "{}" };
  const output = { type: "function_call_output", id: "o", call_id: "c", output: "1" };
  const message = { type: "message", id: "m", role: "assistant", content: [] };
  const added = (item: object, previous: string | null) =>
    server({ type: "conversation.item.added", previous_item_id: previous, item });
  const c = after([added(call, null), added(output, "f"), added(message, "o")]);
  expect(c.items.map(({ id }) => id)).toEqual(["f", "m"]);
  expect((c.items[0] as CallItem).output).toBe("1");
});

test("a call is built from its deltas, and its output may come from here", () => {
  const ids = { response_id: "r", item_id: "f", call_id: "c", output_index: 0 };
  const type = "response.function_call_arguments";
  const c = after([
    server({ type: `${type}.delta`, ...ids, delta: '{"a"' }),
    server({ type: `${type}.delta`, ...ids, delta: ":1}" }),
    server({ type: `${type}.done`, ...ids, name: "add", arguments: '{"a":1}' }),
    { type: "tool_output", callId: "c", output: "2" },
  ]);
  expect(c.items[0]).toMatchObject({ name: "add", arguments: '{"a":1}', output: "2" });
});

test("the response after a call belongs to the same turn, and its tokens too", () => {
  const done = (id: string) =>
    server({
      type: "response.done",
      response: { id, status: "completed", output: [], usage: usage(1, 2) },
    });
  const created = (id: string) => server({ type: "response.created", response: { id } });
  const c = after([
    written("u1", "Hi"),
    ask,
    created("r1"),
    done("r1"),
    ask,
    created("r2"),
    done("r2"),
  ]);
  expect(c.turns).toHaveLength(1);
  expect(c.turns[0]?.usage).toMatchObject({ inputText: 2, outputAudio: 4 });
  expect(c.turns[0]?.doneMs).toBe(6);
});

test("a cancelled response leaves its item incomplete", () => {
  const c = after(spokenAnswer({ ...hello, previous: null, status: "incomplete" }));
  expect(messageOf(c, "a1").status).toBe("incomplete");
});

test("a truncated item tells how many of its words were heard", () => {
  const c = after([
    ...spokenAnswer({
      ...hello,
      previous: null,
      words: ["one two three four"],
      sounds: [sound(24_000)],
    }),
    server({
      type: "conversation.item.truncated",
      item_id: "a1",
      content_index: 0,
      audio_end_ms: 500,
    }),
  ]);
  const item = messageOf(c, "a1");
  expect(item.transcript.slice(0, item.heard ?? 0)).toBe("one two");
});

test("the server's own knowledge of what was heard replaces the guess", () => {
  const content = [{ type: "output_audio", transcript: "one two three" }];
  const c = after([
    ...spokenAnswer({
      ...hello,
      previous: null,
      words: ["one two three four"],
      sounds: [sound(24_000)],
    }),
    server({
      type: "conversation.item.truncated",
      item_id: "a1",
      content_index: 0,
      audio_end_ms: 500,
    }),
    server({
      type: "conversation.item.retrieved",
      item: { type: "message", id: "a1", role: "assistant", content },
    }),
  ]);
  expect(messageOf(c, "a1")).toMatchObject({ heard: 13, transcript: "one two three four" });
  const text = [{ type: "output_text", text: "one two three" }];
  const item = { type: "message", id: "a1", role: "assistant", status: "completed", content: text };
  const back = server({ type: "conversation.item.done", previous_item_id: null, item });
  expect(messageOf(after([back], c), "a1").heard).toBe(13);
});

test("an item that was heard to its end is heard whole", () => {
  const c = after([
    ...spokenAnswer({ ...hello, previous: null }),
    { type: "heard", itemId: "a1", ms: 20 },
  ]);
  expect(messageOf(c, "a1").heard).toBeNull();
});

test("a deleted item is gone", () => {
  const c = after([
    ...spokenAnswer(hello),
    server({ type: "conversation.item.deleted", item_id: "a1" }),
  ]);
  expect(c.items).toEqual([]);
});

test("a commit of nothing leaves no turn behind", () => {
  const error = {
    type: "invalid_request_error",
    code: "input_audio_buffer_commit_empty",
    message: "",
  };
  const c = after([{ type: "input_audio_buffer.commit" }, server({ type: "error", error })]);
  expect(c.turns).toEqual([]);
  expect(c.errors).toMatchObject([{ code: "input_audio_buffer_commit_empty" }]);
});

test("a lost connection ends what was under way", () => {
  const { head, words } = spokenLanes(hello);
  const c = after([...head, ...words, { type: "lost" }]);
  expect(c).toMatchObject({ responding: null, speaking: false });
  expect(messageOf(c, "a1").status).toBe("incomplete");
});

test("a conversation put back as text keeps what was spoken", () => {
  const c = after([...spokenTurn("u1", null), ...transcription("u1", ["Hi"])]);
  const content = [{ type: "input_text", text: "Hi" }];
  const item = { type: "message", id: "u1", role: "user", status: "completed", content };
  const again = after(
    [server({ type: "conversation.item.added", previous_item_id: null, item })],
    c,
  );
  expect(messageOf(again, "u1")).toEqual(messageOf(c, "u1"));
});

test("events of other servers change nothing", () => {
  const strange = { type: "output_audio_buffer.started" } as unknown as ServerEvent;
  expect(reduce(emptyConversation, { at: 0, event: strange })).toBe(emptyConversation);
});

test("what did not change is shared with the conversation before", () => {
  const before = after([...spokenTurn("u1", null), ...spokenLanes(hello).head]);
  const [delta] = spokenLanes(hello).words;
  const then = after(delta ? [delta] : [], before);
  expect(then.items[0]).toBe(before.items[0]);
  expect(then.items[1]).not.toBe(before.items[1]);
});

const words = fc.array(fc.constantFrom("so ", "it, ", "was. ", "é", "🦜 "), { maxLength: 12 });
const pcm = fc
  .array(fc.uint8Array({ minLength: 2, maxLength: 60 }), { maxLength: 12 })
  .map((chunks) => chunks.map((chunk) => chunk.slice(0, chunk.length - (chunk.length % 2))));

test("however the deltas are chopped, the conversation is the same", () => {
  fc.assert(
    fc.property(words, pcm, (said, sounds) => {
      const whole = { ...hello, words: [said.join("")], sounds: [joined(sounds)] };
      const chopped = { ...hello, words: said, sounds };
      expect(plain(afterAtOnce(spokenAnswer(chopped)))).toEqual(
        plain(afterAtOnce(spokenAnswer(whole))),
      );
    }),
  );
});

/** The lanes in one of the orders that keep each lane's own. */
function interleaved<T>(
  lanes: readonly (readonly T[])[],
  choices: readonly number[],
): readonly T[] {
  const rest = lanes.map((lane) => [...lane]);
  const merged: T[] = [];
  for (let step = 0; rest.some((lane) => lane.length > 0); step += 1) {
    const open = rest.filter((lane) => lane.length > 0);
    const next = open[(choices[step] ?? 0) % open.length]?.shift();
    if (next !== undefined) merged.push(next);
  }
  return merged;
}

test("every interleaving that the protocol allows gives the same conversation", () => {
  const choices = fc.array(fc.nat(5), { maxLength: 60 });
  fc.assert(
    fc.property(words, pcm, choices, choices, (said, sounds, inner, outer) => {
      const lanes = spokenLanes({ ...hello, words: said, sounds });
      const inOrder = [...lanes.head, ...lanes.words, ...lanes.sounds, ...lanes.tail];
      const mixed = [
        ...lanes.head,
        ...interleaved([lanes.words, lanes.sounds], inner),
        ...lanes.tail,
      ];
      const heard = transcription("u1", ["Hi ", "there"]);
      const turn = spokenTurn("u1", null);
      const expected = afterAtOnce([...turn, ...heard, ...inOrder]);
      const actual = afterAtOnce([...turn, ...interleaved([heard, mixed], outer)]);
      expect(plain(actual)).toEqual(plain(expected));
    }),
  );
});

test("a transcript that comes before its item finds its place when the item comes", () => {
  const [started, stopped, committed, added, done] = spokenTurn("u1", null) as readonly [
    ServerEvent,
    ServerEvent,
    ServerEvent,
    ServerEvent,
    ServerEvent,
  ];
  const early = transcription("u1", ["Hi"]);
  const inOrder = afterAtOnce([started, stopped, committed, added, done, ...early]);
  const late = afterAtOnce([started, stopped, committed, ...early, added, done]);
  expect(plain(late)).toEqual(plain(inOrder));
});

test("an hour of sound is kept in few pieces, and no delta costs much", () => {
  const { head } = spokenLanes(hello);
  const base = after(head);
  const delta = spokenLanes({ ...hello, sounds: [sound(960)] }).sounds;
  let c = base;
  for (let count = 0; count < 3000; count += 1) c = after(delta, c);
  expect(messageOf(c, "a1").audio.samples).toBe(3000 * 960);
  expect(messageOf(c, "a1").audio.chunks.length).toBeLessThan(20);
});

test("whatever a server says in whatever order, the conversation stays whole", () => {
  const said = [
    ...spokenTurn("u1", null),
    ...spokenTurn("u2", "a1"),
    ...transcription("u1", ["Hi ", "there"]),
    ...spokenAnswer(hello),
    ...spokenAnswer({ ...hello, item: "a2", response: "r2", previous: "u2", status: "incomplete" }),
    server({ type: "conversation.item.deleted", item_id: "u1" }),
    server({ type: "conversation.item.truncated", item_id: "a1", audio_end_ms: 5 }),
    server({ type: "error", error: { type: "x", code: null, message: "" } }),
  ];
  fc.assert(
    fc.property(fc.shuffledSubarray(said), (events) => {
      const c = after(events);
      const ids = c.items.map(({ id }) => id);
      expect(new Set(ids).size).toBe(ids.length);
      const numbers = c.turns.map(({ turn }) => turn);
      expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
      for (const item of c.items) {
        if (item.kind === "message")
          expect(item.heard ?? 0).toBeLessThanOrEqual(item.transcript.length);
      }
    }),
  );
});
