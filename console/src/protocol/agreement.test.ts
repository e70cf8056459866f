/** The same conversations, told in two dialects: what the reference client makes of one, the page makes of the other. */
import { RealtimeClient } from "openai-realtime-api";
import { expect, test } from "vitest";
import { Ear } from "../realtime/ear";
import { bytesIn, decodeBase64, joined } from "./bytes";
import { emptyConversation, reduce } from "./conversation";
import type { ClientEvent, ServerEvent } from "./events";
import type { Conversation, Incoming, MessageItem } from "./model";
import deletion from "./streams/deletion.json";
import functionCall from "./streams/function-call.json";
import interruption from "./streams/interruption.json";
import text from "./streams/text.json";
import voice from "./streams/voice.json";

/** What both sides are compared by. */
interface Shown {
  readonly id: string;
  readonly is: string;
  readonly status: string;
  readonly text: string;
  readonly transcript: string;
  readonly sound: readonly number[];
}

interface BetaEvent {
  readonly type: string;
}

type Line =
  | { readonly sent: ClientEvent }
  | { readonly ga: ServerEvent; readonly beta: BetaEvent | null };

/** JSON is what it is: the recorder writes what the server's own structs are. */
const streams = { deletion, functionCall, interruption, text, voice } as unknown as Record<
  "deletion" | "functionCall" | "interruption" | "text" | "voice",
  readonly Line[]
>;

function referenceOf(lines: readonly Line[]): RealtimeClient {
  const client = new RealtimeClient({ apiKey: "sk-test" });
  // It composes items only while it has a socket; this one leads nowhere.
  client.realtime.ws = { send() {}, close() {} } as unknown as WebSocket;
  const sum = { name: "calculate_sum", description: "", parameters: {} };
  client.addTool(sum, () => ({}));
  for (const line of lines) {
    if ("ga" in line) {
      if (line.beta) client.realtime.receive(line.beta.type as never, line.beta as never);
    } else if (line.sent.type === "input_audio_buffer.append") {
      client.appendInputAudio(new Int16Array(decodeBase64(line.sent.audio).buffer));
    }
  }
  return client;
}

function itemsOfReference(lines: readonly Line[]): readonly Shown[] {
  const items = referenceOf(lines).conversation.getItems();
  return items.map(({ id, type, role, status, formatted }) => ({
    id,
    is: type === "message" ? String(role) : type,
    status: String(status),
    text: type === "function_call_output" ? String(formatted.output) : formatted.text,
    transcript: type === "function_call" ? String(formatted.tool?.arguments) : formatted.transcript,
    sound: [...new Uint8Array(formatted.audio.slice().buffer)],
  }));
}

/** The reducer, and the ear that knows the user's own sound, as the console puts them together. */
function conversationOf(lines: readonly Line[]): Conversation {
  let conversation = emptyConversation;
  let at = 0;
  const take = (incoming: Incoming) => {
    conversation = reduce(conversation, incoming);
    at += 1;
  };
  const ear = new Ear({
    send: () => true,
    tell: (local) => take({ at, local }),
    now: () => at,
    delay: async () => {},
  });
  ear.begin();
  for (const line of lines) {
    if ("sent" in line) {
      take({ at, client: line.sent });
      if (line.sent.type === "input_audio_buffer.append") ear.hear(decodeBase64(line.sent.audio));
      continue;
    }
    take({ at, event: line.ga });
    listen(ear, line.ga);
  }
  return conversation;
}

function listen(ear: Ear, event: ServerEvent): void {
  if (event.type === "input_audio_buffer.speech_started") ear.speechStarted(event.audio_start_ms);
  if (event.type === "input_audio_buffer.speech_stopped") ear.speechStopped(event.audio_end_ms, 0);
  if (event.type === "input_audio_buffer.committed") ear.committed(event.item_id);
}

function itemsOfPage(lines: readonly Line[]): readonly Shown[] {
  return conversationOf(lines).items.flatMap((item): readonly Shown[] => {
    const { id, status } = item;
    if (item.kind === "message") {
      const { text, transcript } = item;
      return [{ id, is: item.role, status, text, transcript, sound: soundOf(item) }];
    }
    const silent = { sound: [], text: "", transcript: "" };
    const call = { ...silent, id, is: "function_call", status, transcript: item.arguments };
    const output = { ...silent, id: item.outputId ?? "", is: "function_call_output" };
    if (item.output === null) return [call];
    return [call, { ...output, status: "completed", text: item.output }];
  });
}

function soundOf(item: MessageItem): readonly number[] {
  return [...joined(item.audio.chunks)];
}

const words = (lines: readonly Line[]) =>
  itemsOfPage(lines).map(({ is, text, transcript }) => [is, text || transcript]);

test("typed messages, answered in words and in speech", () => {
  expect(words(streams.text)).toEqual([
    ["user", "Bom dia, parrot!"],
    ["assistant", "You said: Bom dia, parrot!"],
    ["user", "And in speech?"],
    ["assistant", "You said: And in speech?"],
  ]);
  expect(itemsOfPage(streams.text)).toEqual(itemsOfReference(streams.text));
});

test("spoken turns: the transcripts, the user's own sound, and the answer's", () => {
  const page = itemsOfPage(streams.voice);
  expect(page.map(({ is, sound }) => [is, sound.length > 0])).toEqual([
    ["user", true],
    ["assistant", true],
    ["user", true],
    ["assistant", true],
  ]);
  expect(page).toEqual(itemsOfReference(streams.voice));
});

test("a function call, with its arguments and its output", () => {
  expect(words(streams.functionCall)).toEqual([
    ["user", "calculate_sum of 7 and 5"],
    ["function_call", '{"a": 7.0, "b": 5.0}'],
    ["function_call_output", '{"result": 12.0}'],
    ["assistant", 'The result is {"result": 12.0}.'],
  ]);
  expect(itemsOfPage(streams.functionCall)).toEqual(itemsOfReference(streams.functionCall));
});

test("a deleted item is gone, and the others stand as they stood", () => {
  expect(words(streams.deletion).map(([, said]) => said)).toEqual([
    "You said: Forget this.",
    "Keep this.",
    "You said: Keep this.",
  ]);
  expect(itemsOfPage(streams.deletion)).toEqual(itemsOfReference(streams.deletion));
});

test("of an interrupted answer the reference keeps what was heard, and the page also the rest, to strike it through", () => {
  const page = itemsOfPage(streams.interruption);
  const reference = itemsOfReference(streams.interruption);
  const cut = conversationOf(streams.interruption).items[1];
  if (cut?.kind !== "message" || cut.heardMs === null || cut.heard === null) throw new Error();
  const heardBytes = bytesIn(cut.heardMs);
  expect(heardBytes).toBeLessThan(page[1]?.sound.length ?? 0);
  // The reference forgets all words of an item that was cut; the page knows how many the server kept.
  const asHeard = page.map((item) =>
    item.id === cut.id ? { ...item, transcript: "", sound: item.sound.slice(0, heardBytes) } : item,
  );
  expect(asHeard).toEqual(reference);
  expect(cut.transcript.slice(0, cut.heard)).toBe(keptByServer(streams.interruption, cut.id));
  expect(cut.transcript.length).toBeGreaterThan(cut.heard);
});

function keptByServer(lines: readonly Line[], id: string): string {
  for (const line of lines) {
    if (!("ga" in line) || line.ga.type !== "conversation.item.retrieved") continue;
    const { item } = line.ga;
    if (item.type === "message" && item.id === id)
      return item.content
        .map((part) => ("transcript" in part ? part.transcript : ""))
        .join("")
        .trimEnd();
  }
  throw new Error("The server was not asked.");
}
