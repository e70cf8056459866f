/** A server's side of a conversation, for tests: the events in the order of the wire. */
import { encodeBase64 } from "../bytes";
import { emptyConversation, reduce } from "../conversation";
import type { ClientEvent, ServerEvent } from "../events";
import type { Conversation, Incoming, LocalEvent } from "../model";

/** A test names the fields that it is about: the reducer reads no others. */
export function server(event: {
  readonly type: ServerEvent["type"];
  readonly [key: string]: unknown;
}) {
  return event as unknown as ServerEvent;
}

export function after(
  events: readonly (ServerEvent | ClientEvent | LocalEvent)[],
  from: Conversation = emptyConversation,
): Conversation {
  return events.reduce((c, event, at) => reduce(c, incomingOf(event, at)), from);
}

/** All at one moment: for tests that are not about time. */
export function afterAtOnce(events: readonly ServerEvent[]): Conversation {
  return events.reduce((c, event) => reduce(c, { at: 0, event }), emptyConversation);
}

const LOCAL = new Set(["played", "heard", "tool_output", "speech", "recorded", "put_away", "lost"]);
const CLIENT =
  /^(session\.update|input_audio_buffer\.(append|commit|clear)|conversation\.item\.(create|retrieve|truncate|delete)|response\.(create|cancel))$/;

function incomingOf(event: ServerEvent | ClientEvent | LocalEvent, at: number): Incoming {
  if (LOCAL.has(event.type)) return { at, local: event as LocalEvent };
  if (CLIENT.test(event.type)) return { at, client: event as ClientEvent };
  return { at, event: event as ServerEvent };
}

export interface Spoken {
  readonly item: string;
  readonly response: string;
  readonly previous: string | null;
  readonly words: readonly string[];
  readonly sounds: readonly Uint8Array[];
  readonly status?: "completed" | "incomplete";
}

/** The events of a spoken answer, in lanes: each keeps its own order, the middle ones may interleave. */
export function spokenLanes(spoken: Spoken) {
  const { item, response, previous, words, sounds, status = "completed" } = spoken;
  const ids = { response_id: response, item_id: item, output_index: 0, content_index: 0 };
  const transcript = words.join("");
  const message = { type: "message", id: item, role: "assistant" };
  const part = { type: "output_audio", transcript };
  const ended = { ...message, status, content: [part] };
  const begun = { ...message, status: "in_progress", content: [] };
  return {
    head: [
      server({ type: "response.created", response: { id: response, output: [] } }),
      server({ type: "response.output_item.added", response_id: response, item: begun }),
      server({ type: "conversation.item.added", previous_item_id: previous, item: begun }),
      server({ type: "response.content_part.added", ...ids, part: { type: "audio" } }),
    ],
    words: words.map((delta) =>
      server({ type: "response.output_audio_transcript.delta", ...ids, delta }),
    ),
    sounds: sounds.map((sound) =>
      server({ type: "response.output_audio.delta", ...ids, delta: encodeBase64(sound) }),
    ),
    tail: [
      server({ type: "response.output_audio.done", ...ids }),
      server({ type: "response.output_audio_transcript.done", ...ids, transcript }),
      server({ type: "response.content_part.done", ...ids, part: { type: "audio", transcript } }),
      server({ type: "conversation.item.done", previous_item_id: previous, item: ended }),
      server({ type: "response.output_item.done", response_id: response, item: ended }),
      server({
        type: "response.done",
        response: {
          id: response,
          status: status === "completed" ? "completed" : "cancelled",
          output: [ended],
          usage: usage(10, 20),
        },
      }),
    ],
  };
}

export function spokenAnswer(spoken: Spoken): readonly ServerEvent[] {
  const { head, words, sounds, tail } = spokenLanes(spoken);
  return [...head, ...words, ...sounds, ...tail];
}

export function usage(input: number, output: number) {
  return {
    total_tokens: input + output,
    input_tokens: input,
    output_tokens: output,
    input_token_details: { text_tokens: input, audio_tokens: 0, cached_tokens: 0 },
    output_token_details: { text_tokens: 0, audio_tokens: output },
  };
}

/** A spoken turn that the server detected, up to its item. */
export function spokenTurn(item: string, previous: string | null): readonly ServerEvent[] {
  const content = [{ type: "input_audio", transcript: null }];
  const message = { type: "message", id: item, role: "user", status: "completed", content };
  return [
    server({ type: "input_audio_buffer.speech_started", audio_start_ms: 0, item_id: item }),
    server({ type: "input_audio_buffer.speech_stopped", audio_end_ms: 900, item_id: item }),
    server({ type: "input_audio_buffer.committed", item_id: item, previous_item_id: previous }),
    server({ type: "conversation.item.added", previous_item_id: previous, item: message }),
    server({ type: "conversation.item.done", previous_item_id: previous, item: message }),
  ];
}

export function transcription(item: string, words: readonly string[]): readonly ServerEvent[] {
  const type = "conversation.item.input_audio_transcription";
  return [
    ...words.map((delta) =>
      server({ type: `${type}.delta`, item_id: item, content_index: 0, delta }),
    ),
    server({
      type: `${type}.completed`,
      item_id: item,
      content_index: 0,
      transcript: words.join(""),
    }),
  ];
}
