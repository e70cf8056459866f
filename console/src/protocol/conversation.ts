/** What is said of a conversation, one event after the other, made into the conversation. Pure. */
import { appended, clipMs, soundOf } from "./bytes";
import type { ClientEvent, ResponseObject, ServerEvent } from "./events";
import { withHeard } from "./heard";
import * as items from "./items";
import type { Conversation, Incoming, LocalEvent, MessageItem, ProtocolError } from "./model";
import * as turns from "./turns";
import { noUsage, sum, usageOf } from "./usage";

const MOST_ERRORS = 100;
const CLAUSE_END = /[.,;:!?…。、，！？\n]/;

export const emptyConversation: Conversation = {
  items: [],
  turns: [],
  usage: noUsage,
  session: null,
  speaking: false,
  responding: null,
  errors: [],
};

export function reduce(c: Conversation, incoming: Incoming): Conversation {
  if ("event" in incoming) return reduceServer(c, incoming.event, incoming.at);
  if ("client" in incoming) return reduceClient(c, incoming.client, incoming.at);
  return reduceLocal(c, incoming.local, incoming.at);
}

function reduceServer(c: Conversation, event: ServerEvent, at: number): Conversation {
  switch (event.type) {
    case "session.created":
    case "session.updated":
      return { ...c, session: { ...event.session } };
    case "error":
      return refused(c, { at, ...event.error });
    case "input_audio_buffer.speech_started":
      return { ...c, speaking: true, turns: turns.speechStarted(c.turns, at) };
    case "input_audio_buffer.speech_stopped":
      return { ...c, speaking: false, turns: turns.speechEnded(c.turns, at - silenceMs(c)) };
    case "input_audio_buffer.cleared":
      return { ...c, speaking: false };
    case "input_audio_buffer.committed":
      return committed(c, event.item_id, event.previous_item_id, at);
    case "conversation.item.input_audio_transcription.delta":
    case "conversation.item.input_audio_transcription.completed":
    case "conversation.item.input_audio_transcription.failed":
      return transcribed(c, event, at);
    case "conversation.item.added":
    case "conversation.item.done":
    case "conversation.item.retrieved":
    case "conversation.item.truncated":
    case "conversation.item.deleted":
      return itemChanged(c, event);
    case "response.created":
    case "response.done":
      return responseChanged(c, event, at);
    case "response.output_item.added":
    case "response.output_item.done": {
      const origin = { responseId: event.response_id, turn: turns.currentTurn(c.turns) };
      return { ...c, items: items.told(c.items, event.item, origin) };
    }
    case "response.content_part.added":
    case "response.content_part.done":
    case "response.output_text.delta":
    case "response.output_text.done":
    case "response.output_audio_transcript.delta":
    case "response.output_audio_transcript.done":
    case "response.output_audio.delta":
    case "response.output_audio.done":
      return messageGrew(c, event, at);
    case "response.function_call_arguments.delta":
    case "response.function_call_arguments.done":
      return callGrew(c, event, at);
    case "rate_limits.updated":
    case "conversation.created":
    case "input_audio_buffer.timeout_triggered":
    case "conversation.item.input_audio_transcription.segment":
    case "mcp_list_tools.in_progress":
    case "mcp_list_tools.completed":
    case "mcp_list_tools.failed":
    case "response.mcp_call_arguments.delta":
    case "response.mcp_call_arguments.done":
    case "response.mcp_call.in_progress":
    case "response.mcp_call.completed":
    case "response.mcp_call.failed":
      return c;
    default:
      return unknownEvent(event, c);
  }
}

/** Other servers say more than ours; the compiler sees to it that ours is heard whole. */
function unknownEvent(_event: never, c: Conversation): Conversation {
  return c;
}

type OfType<E, T> = Extract<E, { type: T }>;

function refused(c: Conversation, error: ProtocolError): Conversation {
  // Who interrupts an answer in its last moment has what he wants.
  if (error.code === "response_cancel_not_active") return c;
  const { at, code, message, param } = error;
  const plain = { at, code: code ?? null, message, param: param ?? null };
  const kept = [...c.errors, plain].slice(-MOST_ERRORS);
  const nothingSaid = code === "input_audio_buffer_commit_empty";
  return { ...c, errors: kept, turns: nothingSaid ? turns.dropped(c.turns) : c.turns };
}

function committed(c: Conversation, id: string, previous: string | null, at: number): Conversation {
  const after = turns.committed(c.turns, at);
  const fresh = items.newMessage(id, "user", { responseId: null, turn: turns.currentTurn(after) });
  const list = items.ensured(c.items, fresh);
  return { ...c, speaking: false, turns: after, items: items.placed(list, id, previous) };
}

type Transcription = OfType<
  ServerEvent,
  `conversation.item.input_audio_transcription.${"delta" | "completed" | "failed"}`
>;

function transcribed(c: Conversation, event: Transcription, at: number): Conversation {
  const origin = { responseId: null, turn: turns.currentTurn(c.turns) };
  const list = items.ensured(c.items, items.newMessage(event.item_id, "user", origin));
  if (event.type.endsWith(".failed")) return c;
  const changed = items.withMessage(list, event.item_id, (item) => heardUser(item, event));
  const turn = list[items.indexOf(list, event.item_id)]?.turn ?? 0;
  const done = event.type === "conversation.item.input_audio_transcription.completed";
  const marked = done ? turns.marked(c.turns, turn, "transcriptMs", at) : c.turns;
  return { ...c, items: changed, turns: marked };
}

function heardUser(item: MessageItem, event: Transcription): MessageItem {
  switch (event.type) {
    case "conversation.item.input_audio_transcription.delta":
      return { ...item, transcript: item.transcript + event.delta };
    case "conversation.item.input_audio_transcription.completed":
      return { ...item, transcript: event.transcript };
    case "conversation.item.input_audio_transcription.failed":
      return item;
  }
}

type ItemChange = OfType<
  ServerEvent,
  `conversation.item.${"added" | "done" | "retrieved" | "truncated" | "deleted"}`
>;

function itemChanged(c: Conversation, event: ItemChange): Conversation {
  const origin = { responseId: null, turn: turns.currentTurn(c.turns) };
  switch (event.type) {
    case "conversation.item.added":
    case "conversation.item.done": {
      const list = items.told(c.items, event.item, origin);
      const placed = items.placed(list, event.item.id ?? "", event.previous_item_id);
      return { ...c, items: placed };
    }
    case "conversation.item.retrieved":
      return { ...c, items: retrieved(c.items, event) };
    case "conversation.item.truncated":
      return { ...c, items: heardUntil(c.items, event.item_id, event.audio_end_ms) };
    case "conversation.item.deleted":
      return { ...c, items: items.withoutItem(c.items, event.item_id) };
  }
}

/** Where an item was cut, the server knows which words were heard, and the page only guesses. */
function retrieved(
  list: items.Items,
  { item }: OfType<ServerEvent, "conversation.item.retrieved">,
): items.Items {
  if (item.type !== "message") return list;
  const { transcript } = items.wordsOf(item.content);
  return items.withMessage(list, item.id, (mine) =>
    mine.heard !== null && transcript !== "" && mine.transcript.startsWith(transcript)
      ? { ...mine, heard: transcript.trimEnd().length }
      : mine,
  );
}

function heardUntil(list: items.Items, id: string, ms: number): items.Items {
  return items.withMessage(list, id, (item) => withHeard({ ...item, heardMs: ms }));
}

function responseChanged(
  c: Conversation,
  event: OfType<ServerEvent, "response.created" | "response.done">,
  at: number,
): Conversation {
  const { response } = event;
  if (event.type === "response.created") {
    const answered = turns.answered(c.turns, response.id, at);
    return { ...c, responding: response.id, turns: answered };
  }
  const usage = response.usage ? usageOf(response.usage) : null;
  return {
    ...c,
    responding: c.responding === response.id ? null : c.responding,
    items: ended(c, response),
    turns: turns.done(c.turns, turnOf(c, response.id), at, usage),
    usage: usage ? sum(c.usage, usage) : c.usage,
  };
}

function ended(c: Conversation, response: ResponseObject): items.Items {
  const origin = { responseId: response.id, turn: turnOf(c, response.id) };
  let list = c.items;
  for (const item of response.output ?? []) {
    // Only what is there: the output of a response outside the conversation is not part of it.
    if (items.indexOf(list, item.id ?? "") >= 0) list = items.told(list, item, origin);
  }
  const status = response.status === "completed" ? "completed" : "incomplete";
  return closed(list, (item) => item.responseId === response.id, status);
}

function closed(
  list: items.Items,
  which: (item: items.Items[number]) => boolean,
  status: "completed" | "incomplete",
): items.Items {
  if (!list.some((item) => item.status === "in_progress" && which(item))) return list;
  return list.map((item) =>
    item.status !== "in_progress" || !which(item)
      ? item
      : item.kind === "message"
        ? withHeard({ ...item, status })
        : { ...item, status },
  );
}

function turnOf(c: Conversation, responseId: string): number {
  const turn = c.turns.findLast((each) => each.responseId === responseId)?.turn;
  const item = c.items.findLast((each) => each.responseId === responseId);
  return turn ?? item?.turn ?? turns.currentTurn(c.turns);
}

type Growth = OfType<
  ServerEvent,
  `response.${"content_part" | "output_text" | "output_audio_transcript" | "output_audio"}.${"added" | "delta" | "done"}`
>;

function messageGrew(c: Conversation, event: Growth, at: number): Conversation {
  const origin = { responseId: event.response_id, turn: turns.currentTurn(c.turns) };
  const list = items.ensured(c.items, items.newMessage(event.item_id, "assistant", origin));
  const changed = items.withMessage(list, event.item_id, (item) => grown(item, event));
  const item = changed[items.indexOf(changed, event.item_id)];
  if (item?.kind !== "message") return c;
  return { ...c, items: changed, turns: growthMarked(c.turns, item, event, at) };
}

function grown(item: MessageItem, event: Growth): MessageItem {
  switch (event.type) {
    case "response.output_text.delta":
      return { ...item, text: item.text + event.delta };
    case "response.output_text.done":
      return { ...item, text: settled(item.text, event.text) };
    case "response.output_audio_transcript.delta":
      return withHeard({ ...item, transcript: item.transcript + event.delta });
    case "response.output_audio_transcript.done":
      return withHeard({ ...item, transcript: settled(item.transcript, event.transcript) });
    case "response.output_audio.delta":
      return withHeard({ ...item, audio: appended(item.audio, soundOf(event)) });
    case "response.content_part.added":
    case "response.content_part.done":
    case "response.output_audio.done":
      return item;
  }
}

/** The words of a part that has ended; the parts before it stay. */
function settled(words: string, final: string): string {
  return words.endsWith(final) ? words : final;
}

function growthMarked(
  before: turns.Turns,
  item: MessageItem,
  event: Growth,
  at: number,
): turns.Turns {
  // Some servers open a part with a delta of nothing.
  if ("delta" in event && event.delta === "") return before;
  switch (event.type) {
    case "response.output_audio.delta":
      return turns.marked(before, item.turn, "firstAudioMs", at);
    case "response.output_text.delta":
    case "response.output_audio_transcript.delta": {
      const begun = turns.marked(before, item.turn, "firstTokenMs", at);
      const hasClause = CLAUSE_END.test(event.delta);
      return hasClause ? turns.marked(begun, item.turn, "firstClauseMs", at) : begun;
    }
    case "response.output_text.done":
    case "response.output_audio_transcript.done":
      return turns.marked(before, item.turn, "firstClauseMs", at);
    default:
      return before;
  }
}

function callGrew(
  c: Conversation,
  event: OfType<ServerEvent, `response.function_call_arguments.${"delta" | "done"}`>,
  at: number,
): Conversation {
  const turn = turns.currentTurn(c.turns);
  const fresh = items.newCall(event.item_id, event.call_id, {
    responseId: event.response_id,
    turn,
  });
  const list = items.withCall(items.ensured(c.items, fresh), event.item_id, (call) =>
    event.type === "response.function_call_arguments.delta"
      ? { ...call, arguments: call.arguments + event.delta }
      : { ...call, name: event.name ?? call.name, arguments: event.arguments },
  );
  return { ...c, items: list, turns: turns.marked(c.turns, turn, "firstTokenMs", at) };
}

function reduceClient(c: Conversation, event: ClientEvent, at: number): Conversation {
  switch (event.type) {
    case "input_audio_buffer.commit":
      return { ...c, turns: turns.speechEnded(c.turns, at) };
    case "response.create":
      return event.response?.conversation === "none"
        ? c
        : { ...c, turns: turns.asked(c.turns, at) };
    case "conversation.item.create":
      return created(c, event);
    case "session.update":
    case "input_audio_buffer.append":
    case "input_audio_buffer.clear":
    case "conversation.item.retrieve":
    case "conversation.item.truncate":
    case "conversation.item.delete":
    case "response.cancel":
      return c;
  }
}

/** Shown before the server has answered: who writes wants to see it written. */
function created(
  c: Conversation,
  { item }: OfType<ClientEvent, "conversation.item.create">,
): Conversation {
  if (item.type === "function_call_output") {
    return { ...c, items: items.withOutput(c.items, item.call_id ?? "", item.output) };
  }
  const isReplayed = items.indexOf(c.items, item.id ?? "") >= 0;
  if (item.type !== "message" || item.role !== "user" || isReplayed) return c;
  const after = turns.written(c.turns);
  if (!item.id) return { ...c, turns: after };
  const turn = after.at(-1)?.turn ?? 0;
  const message = {
    ...items.newMessage(item.id, "user", { responseId: null, turn }),
    ...items.wordsOf(item.content),
  };
  return { ...c, turns: after, items: [...c.items, message] };
}

function reduceLocal(c: Conversation, local: LocalEvent, at: number): Conversation {
  switch (local.type) {
    case "played": {
      const item = c.items[items.indexOf(c.items, local.itemId)];
      if (!item) return c;
      const list = items.withMessage(c.items, item.id, (mine) => ({ playedMs: at, ...mine }));
      return { ...c, items: list, turns: turns.marked(c.turns, item.turn, "playedMs", at) };
    }
    case "heard":
      return { ...c, items: heardUntil(c.items, local.itemId, local.ms) };
    case "tool_output":
      return { ...c, items: items.withOutput(c.items, local.callId, local.output) };
    case "speech":
      return { ...c, turns: turns.speechMeasured(c.turns, local.startMs, local.endMs) };
    case "recorded":
      return {
        ...c,
        items: items.withMessage(c.items, local.itemId, (item) =>
          clipMs(item.audio) > 0 ? item : { ...item, audio: appended(item.audio, local.sound) },
        ),
      };
    case "put_away":
      return {
        ...c,
        items: items.withMessage(c.items, local.itemId, (item) => putAway(item, local.sound)),
      };
    case "lost":
      return {
        ...c,
        speaking: false,
        responding: null,
        items: closed(c.items, () => true, "incomplete"),
      };
  }
}

function putAway(item: MessageItem, sound: Blob): MessageItem {
  // What came since then stays.
  if (sound.size !== item.audio.samples * 2) return item;
  return { ...item, audio: { chunks: [], samples: item.audio.samples, putAway: sound } };
}

/** How long the server waits, silent, until it says that speech has stopped; 0 where it does not tell. */
function silenceMs(c: Conversation): number {
  const audio = c.session?.audio as { input?: { turn_detection?: unknown } } | undefined;
  const detection = audio?.input?.turn_detection as
    | { silence_duration_ms?: unknown }
    | null
    | undefined;
  return typeof detection?.silence_duration_ms === "number" ? detection.silence_duration_ms : 0;
}
