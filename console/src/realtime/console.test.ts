import { expect, test, vi } from "vitest";
import { server, spokenLanes, spokenTurn } from "../protocol/testing/script";
import { createConsole } from "./console";
import { replayed } from "./replay";
import { FakeLoudspeaker, FakeMicrophone, FakeNetwork, settled } from "./testing/double";
import type { RealtimeConsole, Tool } from "./types";

const target = { url: "", key: null, model: "m" };
const vad = { type: "server_vad", silence_duration_ms: 200, interrupt_response: true };
const session = (detection: unknown = vad) => ({
  type: "realtime",
  audio: { input: { turn_detection: detection } },
});
const answer = spokenLanes({
  item: "a1",
  response: "r1",
  previous: null,
  words: ["One two three four."],
  sounds: [new Uint8Array(48_000)],
});

function setUp() {
  const network = new FakeNetwork();
  const loudspeaker = new FakeLoudspeaker();
  const microphone = new FakeMicrophone();
  let now = 1000;
  const console = createConsole({
    network,
    microphone,
    loudspeaker,
    schedule: (task) => task(),
    now: () => now,
    decode: () => Promise.resolve(new Uint8Array(9600)),
  });
  const pass = (ms: number) => {
    now += ms;
  };
  return { network, loudspeaker, microphone, console, pass };
}

async function connected(setting = setUp()) {
  void setting.console.connect(target);
  await settled();
  setting.network.socket.say({ type: "session.created", session: session() });
  await settled();
  return setting;
}

function itemOf({ state }: RealtimeConsole, id: string) {
  return state.conversation.items.find((item) => item.id === id);
}

function say(
  { network }: { network: FakeNetwork },
  events: readonly ReturnType<typeof server>[],
): void {
  for (const event of events) network.socket.say({ ...event });
}

test("a new conversation begins with the settings, a hello, and the wish for an answer", async () => {
  const { network, console } = await connected();
  expect(network.socket.protocols).toEqual(["realtime", "openai-insecure-api-key.ek_1"]);
  expect(network.socket.types()).toEqual([
    "session.update",
    "conversation.item.create",
    "response.create",
  ]);
  expect(console.state).toMatchObject({ status: "connected", assistantState: "thinking" });
  expect(console.state.conversation.items).toMatchObject([{ role: "user", text: "Hello!" }]);
});

test("what was chosen before is asked of the session", async () => {
  const setting = setUp();
  setting.console.updateSession({ type: "realtime", instructions: "Be brief." });
  const tool = { name: "t", description: "d", parameters: {}, run: () => Promise.resolve(1) };
  setting.console.setTools([tool]);
  const { network } = await connected(setting);
  expect(network.socket.sent[0]).toMatchObject({
    session: { instructions: "Be brief.", tools: [{ type: "function", name: "t" }] },
  });
});

test("an answer sounds, and its progress and its end are known", async () => {
  const setting = await connected();
  const { console, loudspeaker } = setting;
  say(setting, [...answer.head, ...answer.words, ...answer.sounds, ...answer.tail]);
  loudspeaker.sound(500);
  expect(console.state).toMatchObject({ playing: "a1", assistantState: "speaking" });
  expect(itemOf(console, "a1")).toMatchObject({ heardMs: 500, heard: 7 });
  loudspeaker.sound(600);
  expect(console.state.playing).toBeNull();
  expect(itemOf(console, "a1")).toMatchObject({ heardMs: 1000, heard: null });
  expect(console.state.conversation.turns[0]?.playedMs).toBe(1000);
});

test("speech over the answer silences it, and tells the server what was heard", async () => {
  const setting = await connected();
  const { console, loudspeaker, network } = setting;
  say(setting, [server({ type: "session.updated", session: session() })]);
  say(setting, [...answer.head, ...answer.words, ...answer.sounds]);
  loudspeaker.sound(500);
  say(setting, spokenTurn("u1", "a1").slice(0, 1));
  await settled();
  expect(network.socket.sent.at(-1)).toEqual({
    type: "conversation.item.truncate",
    item_id: "a1",
    content_index: 0,
    audio_end_ms: 500,
  });
  expect(network.socket.types()).not.toContain("response.cancel");
  expect(console.state).toMatchObject({ playing: null, assistantState: "listening" });
  say(setting, answer.sounds);
  expect(loudspeaker.queue.current).toBeNull();
});

test("speech does not silence an answer that must not be interrupted", async () => {
  const setting = await connected();
  const detection = { ...vad, interrupt_response: false };
  say(setting, [server({ type: "session.updated", session: session(detection) })]);
  say(setting, [...answer.head, ...answer.sounds]);
  setting.loudspeaker.sound(100);
  say(setting, spokenTurn("u1", "a1").slice(0, 1));
  await settled();
  expect(setting.console.state.playing).toBe("a1");
});

test("an interruption from the page cancels the response, then truncates", async () => {
  const setting = await connected();
  say(setting, [...answer.head, ...answer.words, ...answer.sounds]);
  setting.loudspeaker.sound(250);
  setting.console.interrupt();
  await settled();
  expect(setting.network.socket.sent.slice(-2)).toMatchObject([
    { type: "response.cancel" },
    { type: "conversation.item.truncate", audio_end_ms: 250 },
  ]);
});

test("after a truncation the server is asked which words it kept", async () => {
  const setting = await connected();
  say(setting, [server({ type: "conversation.item.truncated", item_id: "a1", audio_end_ms: 1 })]);
  expect(setting.network.socket.sent.at(-1)).toMatchObject({
    type: "conversation.item.retrieve",
    item_id: "a1",
  });
});

test("with the voice mode all that is heard is sent; muted, silence is", async () => {
  const setting = await connected();
  await setting.console.enableMicrophone();
  setting.microphone.hear(3);
  expect(setting.network.socket.types().filter((type) => type.endsWith("append"))).toHaveLength(3);
  setting.console.mute(true);
  expect(setting.microphone.muted).toBe(true);
  expect(setting.console.state.microphone).toMatchObject({ state: "on", muted: true });
});

test("with a button only what is said while it is held is sent, and then an answer is asked for", async () => {
  const setting = await connected();
  await setting.console.enableMicrophone();
  setting.console.setMode("push");
  say(setting, [server({ type: "session.updated", session: session(null) })]);
  const before = setting.network.socket.sent.length;
  setting.microphone.hear(2);
  setting.console.startTalking();
  setting.pass(40);
  setting.microphone.hear(5);
  setting.console.stopTalking();
  setting.microphone.hear(2);
  await settled();
  expect(setting.network.socket.types().slice(before)).toEqual([
    "input_audio_buffer.clear",
    ...Array(5).fill("input_audio_buffer.append"),
    "input_audio_buffer.commit",
    "response.create",
  ]);
  expect(setting.console.state.conversation.turns.at(-1)).toMatchObject({ kind: "voice" });
  say(setting, [
    server({ type: "input_audio_buffer.committed", item_id: "u1", previous_item_id: null }),
  ]);
  expect(itemOf(setting.console, "u1")).toMatchObject({ audio: { samples: 5 * 960 } });
});

test("a button that was only touched says nothing", async () => {
  const setting = await connected();
  await setting.console.enableMicrophone();
  setting.console.setMode("push");
  setting.console.startTalking();
  setting.microphone.hear(2);
  setting.console.stopTalking();
  expect(setting.network.socket.types()).not.toContain("input_audio_buffer.commit");
});

test("the mode follows the session, and comes back with the settings it had", async () => {
  const setting = await connected();
  const patient = { ...vad, silence_duration_ms: 900 };
  say(setting, [server({ type: "session.updated", session: session(patient) })]);
  setting.console.setMode("push");
  say(setting, [server({ type: "session.updated", session: session(null) })]);
  expect(setting.console.state.mode).toBe("push");
  setting.console.setMode("voice");
  expect(setting.network.socket.sent.at(-1)).toMatchObject({
    session: { audio: { input: { turn_detection: { silence_duration_ms: 900 } } } },
  });
});

test("what is written silences the answer before it is sent", async () => {
  const setting = await connected();
  say(setting, [...answer.head, ...answer.words, ...answer.sounds]);
  setting.loudspeaker.sound(100);
  setting.console.sendText("Stop");
  await settled();
  expect(setting.network.socket.types().slice(-4)).toEqual([
    "response.cancel",
    "conversation.item.truncate",
    "conversation.item.create",
    "response.create",
  ]);
});

test("the outputs of all calls are sent before an answer is asked for", async () => {
  const setting = await connected();
  const ends: (() => void)[] = [];
  const tool = (name: string): Tool => ({
    name,
    description: "",
    parameters: {},
    run: () => new Promise((resolve) => ends.push(() => resolve(name))),
  });
  setting.console.setTools([tool("one"), tool("two")]);
  const call = (name: string) => ({
    type: "function_call",
    id: name,
    call_id: name,
    name,
    arguments: "{}",
  });
  const output = [call("one"), call("two")];
  const calls = output.map((item) =>
    server({ type: "conversation.item.added", previous_item_id: null, item }),
  );
  const done = {
    type: "response.done",
    response: { id: "r", status: "completed", output },
  } as const;
  const before = setting.network.socket.sent.length;
  say(setting, [...calls, server(done)]);
  await settled();
  ends[1]?.();
  await settled();
  expect(setting.network.socket.types().slice(before)).toEqual(["conversation.item.create"]);
  ends[0]?.();
  await settled();
  expect(setting.network.socket.sent.slice(before)).toMatchObject([
    { item: { type: "function_call_output", call_id: "two", output: "two" } },
    { item: { type: "function_call_output", call_id: "one", output: "one" } },
    { type: "response.create" },
  ]);
  const [first] = setting.console.state.conversation.items.filter(({ kind }) => kind === "call");
  expect(first).toMatchObject({ output: expect.stringMatching(/one|two/) });
});

test("who breaks in while a tool runs gets no answer to what was asked before", async () => {
  const setting = await connected();
  let end: (value: string) => void = () => undefined;
  const run = () =>
    new Promise((resolve) => {
      end = resolve;
    });
  setting.console.setTools([{ name: "slow", description: "", parameters: {}, run }]);
  const call = { type: "function_call", id: "f", call_id: "c", name: "slow", arguments: "{}" };
  const response = { id: "r", status: "completed", output: [call] };
  say(setting, [server({ type: "response.done", response })]);
  setting.console.interrupt();
  const before = setting.network.socket.sent.length;
  end("late");
  await settled();
  expect(setting.network.socket.types().slice(before)).toEqual(["conversation.item.create"]);
});

test("a conversation whose line was lost is put back", async () => {
  const setting = await connected();
  const { network, console } = setting;
  say(setting, spokenTurn("u1", null));
  say(setting, [
    server({
      type: "conversation.item.input_audio_transcription.completed",
      item_id: "u1",
      transcript: "Hi",
    }),
    ...answer.head,
    ...answer.words,
    ...answer.sounds,
  ]);
  setting.loudspeaker.sound(500);
  network.socket.drop(1006);
  expect(console.state).toMatchObject({ status: "reconnecting", playing: null });
  await network.pass();
  network.socket.say({ type: "session.created", session: session() });
  expect(console.state.status).toBe("connected");
  const texts = network.socket.sent.map((event) =>
    event.type === "conversation.item.create" && event.item.type === "message"
      ? [event.item.id, event.item.content[0]]
      : event.type,
  );
  expect(texts).toEqual([
    "session.update",
    ["a1", { type: "output_text", text: "One two" }],
    ["u1", { type: "input_text", text: "Hi" }],
    [expect.stringMatching(/^item_/), { type: "input_text", text: "Hello!" }],
  ]);
  expect(network.socket.types()).not.toContain("response.create");
});

test("what is written while the line is down is sent once, after the rest", async () => {
  const setting = await connected();
  const { network, console } = setting;
  network.socket.drop(1006);
  console.sendText("Still there?");
  await settled();
  await network.pass();
  network.socket.say({ type: "session.created", session: session() });
  const texts = network.socket.sent.map((event) =>
    event.type === "conversation.item.create" && event.item.type === "message"
      ? event.item.content[0]
      : event.type,
  );
  expect(texts).toEqual([
    "session.update",
    { type: "input_text", text: "Hello!" },
    { type: "input_text", text: "Still there?" },
    "response.create",
  ]);
});

test("a call is put back with its output, and one without is left out", () => {
  const call = {
    kind: "call",
    id: "f",
    callId: "c",
    name: "t",
    arguments: "{}",
    status: "completed",
    responseId: null,
    turn: 1,
  } as const;
  expect(replayed([{ ...call, output: null }])).toEqual([]);
  expect(replayed([{ ...call, output: "1" }])).toMatchObject([
    { item: { type: "function_call", call_id: "c" } },
    { item: { type: "function_call_output", call_id: "c", output: "1" } },
  ]);
});

test("a file is spoken at the speed of speech, with silence after it", async () => {
  const setting = await connected();
  await setting.console.enableMicrophone();
  const before = setting.network.socket.sent.length;
  const sending = setting.console.sendAudioFile(new File([], "q.wav"));
  await settled();
  setting.microphone.hear(4);
  while (setting.network.delays.length > 0) {
    setting.pass(40);
    await setting.network.pass();
  }
  await sending;
  expect(setting.network.socket.types().slice(before)).toEqual(
    Array(5 + 30).fill("input_audio_buffer.append"),
  );
});

test("with a button a file is one turn", async () => {
  const setting = await connected();
  setting.console.setMode("push");
  await setting.console.sendAudioFile(new File([], "q.wav"));
  expect(setting.network.socket.types().slice(-8)).toEqual([
    "input_audio_buffer.clear",
    ...Array(5).fill("input_audio_buffer.append"),
    "input_audio_buffer.commit",
    "response.create",
  ]);
});

test("an item can be heard again, which the server does not learn", async () => {
  const setting = await connected();
  say(setting, [...answer.head, ...answer.words, ...answer.sounds, ...answer.tail]);
  setting.loudspeaker.sound(1100);
  const before = setting.network.socket.sent.length;
  setting.console.replay("a1");
  await settled();
  setting.loudspeaker.sound(100);
  expect(setting.console.state.playing).toBe("a1");
  setting.console.interrupt();
  await settled();
  expect(setting.console.state.playing).toBeNull();
  expect(setting.network.socket.sent).toHaveLength(before);
});

test("a saved conversation can be opened, with its sound", async () => {
  const setting = await connected();
  say(setting, [...answer.head, ...answer.words, ...answer.sounds, ...answer.tail]);
  const file = new File([await setting.console.save()], "talk.json");
  const saved = await setting.console.open(file);
  expect(saved.conversation.items[0]).toMatchObject({
    transcript: "One two three four.",
    audio: { samples: 24_000 },
  });
  expect(saved.log.length).toBe(setting.console.log.size);
  await expect(setting.console.open(new File(["{}"], "x"))).rejects.toThrow("not a conversation");
  await expect(setting.console.open(new File(["?"], "x"))).rejects.toThrow("not a conversation");
});

test("the levels are those of the microphone and the loudspeaker", async () => {
  const setting = await connected();
  await setting.console.enableMicrophone();
  expect(setting.console.levels()).toMatchObject({ input: 0.25, output: 0.5 });
});

test("who leaves is idle, and the next conversation is a new one", async () => {
  const setting = await connected();
  setting.console.disconnect();
  expect(setting.console.state).toMatchObject({ status: "idle", assistantState: "idle" });
  expect(setting.console.state.conversation.items).toHaveLength(1);
  await connected(setting);
  expect(setting.console.state.conversation.turns).toHaveLength(1);
});

test("the answer sounds from the loudspeaker that is chosen, and from the system's when it is gone", async () => {
  const { console, loudspeaker, microphone } = setUp();
  void console.connect(target);
  await console.enableMicrophone();
  await settled();
  expect(console.state.loudspeaker.devices.map(({ id }) => id)).toEqual(["default", "headset"]);
  await console.chooseLoudspeaker("headset");
  expect([loudspeaker.device, console.state.loudspeaker.device]).toEqual(["headset", "headset"]);
  loudspeaker.plugged = ["default"];
  microphone.changed();
  await settled();
  expect([loudspeaker.device, console.state.loudspeaker.device]).toEqual([null, null]);
});

test("a loudspeaker that cannot be had leaves the one that was", async () => {
  const warned = vi.spyOn(globalThis.console, "warn").mockImplementation(() => undefined);
  const { console, loudspeaker } = setUp();
  await console.chooseLoudspeaker("headset");
  expect(loudspeaker.device).toBeNull();
  void console.connect(target);
  await console.chooseLoudspeaker("nowhere");
  expect(console.state.loudspeaker.device).toBeNull();
  expect(warned).toHaveBeenCalledOnce();
});
