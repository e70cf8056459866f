/** A conversation put back into a new session, after a connection was lost. */
import type { ClientEvent, ConversationItemCreate } from "../protocol/events";
import type { CallItem, Item, MessageItem } from "../protocol/model";

/** The events that put *items* back: words only, and of an answer only what was heard. */
export function replayed(items: readonly Item[]): readonly ClientEvent[] {
  return items
    .filter(isTheirs)
    .flatMap((item) => (item.kind === "message" ? message(item) : call(item)));
}

/** What was written while the line was down waits to be sent for the first time. */
function isTheirs(item: Item): boolean {
  return !(item.unplaced && item.status === "in_progress");
}

function message(item: MessageItem): readonly ConversationItemCreate[] {
  const spoken = item.heard === null ? item.transcript : item.transcript.slice(0, item.heard);
  const text = item.text || spoken;
  if (!text.trim()) return [];
  const type = item.role === "assistant" ? "output_text" : "input_text";
  const content = [{ type, text }] as const;
  return [create({ type: "message", id: item.id, role: item.role, content })];
}

/** A call without its output would leave the model waiting. */
function call(item: CallItem): readonly ConversationItemCreate[] {
  if (item.output === null) return [];
  const { id, callId, name, output } = item;
  return [
    create({ type: "function_call", id, call_id: callId, name, arguments: item.arguments }),
    create({ type: "function_call_output", call_id: callId, output }),
  ];
}

function create(item: ConversationItemCreate["item"]): ConversationItemCreate {
  return { type: "conversation.item.create", item };
}
