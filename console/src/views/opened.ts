import { type Score, savedAt, scoreOf } from "../realtime/score";
import { type Moment, Tape, whole } from "../realtime/tape";
import type { ConsoleState, EventLog, LogEntry, SavedConversation } from "../realtime/types";
import { createStore } from "../ui/store";

export interface Opened {
  readonly saved: SavedConversation;
  readonly tape: Tape;
}

/** A conversation opened from a file, shown in place of the live one; null: the live one. */
export const openedConversation = createStore<Opened | null>(null);

/** Up to where the opened conversation is shown. */
export const openedMoment = createStore<Moment>(whole);

export function showSaved(saved: SavedConversation): void {
  showLive();
  const tape = new Tape(scoreOf(saved.conversation), openedMoment.set);
  openedConversation.set({ saved, tape });
}

export function showLive(): void {
  openedConversation.get()?.tape.close();
  openedConversation.set(null);
}

let lastSaved: {
  readonly whole: SavedConversation;
  readonly clockMs: number;
  readonly shown: SavedConversation;
} | null = null;

/** What is shown of the opened conversation; the same object for the same moment. */
export function shownSaved({ saved, tape }: Opened, { clockMs }: Moment): SavedConversation {
  if (clockMs === null) return saved;
  if (lastSaved?.whole !== saved || lastSaved.clockMs !== clockMs) {
    lastSaved = { whole: saved, clockMs, shown: savedAt(saved, tape.score, clockMs) };
  }
  return lastSaved.shown;
}

let last: { readonly live: ConsoleState; readonly shown: ConsoleState } | null = null;

/** *live*, with the opened conversation in it; the same object for the same two. */
export function shownState(live: ConsoleState): ConsoleState {
  const opened = openedConversation.get();
  if (opened === null) return live;
  const { conversation } = shownSaved(opened, openedMoment.get());
  if (last?.live !== live || last.shown.conversation !== conversation) {
    last = { live, shown: { ...live, conversation, playing: opened.tape.sounding } };
  }
  return last.shown;
}

/** The moment at which the item with that id begins to sound. */
export function momentOfItem({ cues }: Score, id: string): number | null {
  return cues.find((cue) => cue.item.id === id && cue.soundMs > 0)?.atMs ?? null;
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
