import type { ConsoleState, EventLog, LogEntry, SavedConversation } from "../realtime/types";
import { createStore } from "../ui/store";

/** A conversation opened from a file, shown in place of the live one; null: the live one. */
export const openedConversation = createStore<SavedConversation | null>(null);

let last: { readonly live: ConsoleState; readonly shown: ConsoleState } | null = null;

/** *live*, with the opened conversation in it; the same object for the same two. */
export function shownState(live: ConsoleState): ConsoleState {
  const opened = openedConversation.get();
  if (opened === null) return live;
  if (last?.live !== live || last.shown.conversation !== opened.conversation) {
    last = { live, shown: { ...live, conversation: opened.conversation } };
  }
  return last.shown;
}

/** A log that is written no more. */
export function logOf(entries: readonly LogEntry[]): EventLog {
  return {
    size: entries.length,
    paused: true,
    at: (index) => entries[index],
    subscribe: () => () => undefined,
    pause: () => undefined,
    resume: () => undefined,
    clear: () => undefined,
    export: () => new Blob([JSON.stringify(entries)], { type: "application/json" }),
  };
}
