/** The list of items: finding, placing and changing them, without changing the list that was. */
import { silence } from "./bytes";
import type * as wire from "./events";
import { withHeard } from "./heard";
import type { CallItem, Item, ItemStatus, MessageItem } from "./model";

export type Items = readonly Item[];

export function indexOf(items: Items, id: string): number {
  // From the end: nearly all that is said is about the newest.
  return items.findLastIndex((item) => item.id === id);
}

export function withItem(items: Items, id: string, change: (item: Item) => Item): Items {
  const index = indexOf(items, id);
  const item = items[index];
  if (!item) return items;
  const changed = change(item);
  return changed === item ? items : items.with(index, changed);
}

export function withMessage(
  items: Items,
  id: string,
  change: (item: MessageItem) => MessageItem,
): Items {
  return withItem(items, id, (item) => (item.kind === "message" ? change(item) : item));
}

export function withCall(items: Items, id: string, change: (item: CallItem) => CallItem): Items {
  return withItem(items, id, (item) => (item.kind === "call" ? change(item) : item));
}

export function withoutItem(items: Items, id: string): Items {
  return items.filter((item) => item.id !== id);
}

/** *items*, with *fresh* at the end unless its id is there. */
export function ensured(items: Items, fresh: Item): Items {
  return indexOf(items, fresh.id) < 0 ? [...items, fresh] : items;
}

/** *items* with *id* right after *previous*; null: first. An unknown *previous* leaves it where it is. */
export function placed(items: Items, id: string, previous: string | null): Items {
  const item = items[indexOf(items, id)];
  if (!item?.unplaced) return items;
  const { unplaced: _, ...settled } = item;
  const others = withoutItem(items, id);
  const after = previous === null ? -1 : indexOfEither(others, previous);
  const known = previous === null || after >= 0;
  return known ? others.toSpliced(after + 1, 0, settled) : withItem(items, id, () => settled);
}

/** The output of a call stands in the call's own item, and yet others may follow it. */
function indexOfEither(items: Items, id: string): number {
  return items.findLastIndex(
    (item) => item.id === id || (item.kind === "call" && item.outputId === id),
  );
}

export interface Origin {
  readonly responseId: string | null;
  readonly turn: number;
}

export function newMessage(id: string, role: wire.Role, origin: Origin): MessageItem {
  return {
    kind: "message",
    id,
    role,
    status: "in_progress",
    text: "",
    transcript: "",
    heard: null,
    heardMs: null,
    audio: silence,
    ...origin,
    unplaced: true,
  };
}

export function newCall(id: string, callId: string, origin: Origin): CallItem {
  return {
    kind: "call",
    id,
    callId,
    name: "",
    arguments: "",
    output: null,
    status: "in_progress",
    ...origin,
    unplaced: true,
  };
}

/** The list with what the server tells of *item* taken over. Kinds that the page does not show are left out. */
export function told(items: Items, item: wire.Item, origin: Origin): Items {
  switch (item.type) {
    case "message": {
      const known = ensured(items, newMessage(item.id, item.role, origin));
      return withMessage(known, item.id, (mine) => toldMessage(mine, item, origin));
    }
    case "function_call": {
      const known = ensured(items, newCall(item.id, item.call_id, origin));
      return withCall(known, item.id, (mine) => toldCall(mine, item, origin));
    }
    case "function_call_output":
      return withOutput(items, item.call_id, item.output, item.id);
    default:
      return items;
  }
}

export function withOutput(items: Items, callId: string, output: string, outputId?: string): Items {
  const call = items.findLast((item) => item.kind === "call" && item.callId === callId);
  if (!call) return items;
  return withCall(items, call.id, (mine) => ({ ...mine, output, ...(outputId && { outputId }) }));
}

function toldMessage(mine: MessageItem, item: wire.MessageItem, origin: Origin): MessageItem {
  const words = wordsOf(item.content);
  // A conversation put back after a lost connection is sent as text: what was spoken stays spoken.
  const isEcho = mine.transcript !== "" && mine.status !== "in_progress" && words.transcript === "";
  const transcript = isCut(mine, words.transcript)
    ? mine.transcript
    : words.transcript || mine.transcript;
  const status = later(mine.status, item.status);
  const next = {
    ...mine,
    role: item.role,
    status,
    text: isEcho ? mine.text : words.text || mine.text,
    transcript,
    responseId: mine.responseId ?? origin.responseId,
  };
  // What the server said of the words heard is better than a guess: nothing new, no new guess.
  return transcript === mine.transcript && status === mine.status ? next : withHeard(next);
}

/** After a truncation the server knows only what was heard; here the rest stays readable. */
function isCut(mine: MessageItem, transcript: string): boolean {
  return mine.heardMs !== null && mine.transcript.startsWith(transcript);
}

function toldCall(mine: CallItem, item: wire.FunctionCallItem, origin: Origin): CallItem {
  return {
    ...mine,
    callId: item.call_id || mine.callId,
    name: item.name || mine.name,
    arguments: item.arguments || mine.arguments,
    status: later(mine.status, item.status),
    responseId: mine.responseId ?? origin.responseId,
  };
}

/** An item that has ended does not begin again, whichever of the events about it comes last. */
function later(mine: ItemStatus, told: ItemStatus | null | undefined): ItemStatus {
  if (mine === "incomplete") return mine;
  return told === "in_progress" || !told ? mine : told;
}

export interface Words {
  readonly text: string;
  readonly transcript: string;
}

export function wordsOf(content: readonly wire.ContentPartParam[] | undefined): Words {
  let text = "";
  let transcript = "";
  // Servers other than ours leave out what is empty.
  for (const part of content ?? []) {
    switch (part.type) {
      case "input_text":
      case "output_text":
      case "text":
        text += part.text ?? "";
        break;
      case "input_audio":
      case "output_audio":
      case "audio":
        transcript += part.transcript ?? "";
        break;
      case "input_image":
        break;
    }
  }
  return { text, transcript };
}
