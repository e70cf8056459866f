/** When what of a conversation was said: what is needed to play it again at its own speed. */
import { clipMs } from "../protocol/bytes";
import { withHeard } from "../protocol/heard";
import type { Conversation, Item, TurnTimeline } from "../protocol/model";
import type { LogEntry, SavedConversation } from "./types";

export interface Cue {
  readonly item: Item;
  /** On the clock of the page that it was said in. */
  readonly atMs: number;
  /** Of an answer that was cut, only what was heard. */
  readonly soundMs: number;
}

export interface Score {
  readonly cues: readonly Cue[];
  readonly startMs: number;
  readonly endMs: number;
}

const LEAD_MS = 300;
const TAIL_MS = 500;

/** Items in their order; one whose moment is not known follows the one before it. */
export function scoreOf({ items, turns }: Conversation): Score {
  const byNumber = new Map(turns.map((turn) => [turn.turn, turn]));
  const cues: Cue[] = [];
  const spoken = new Set<number>();
  let hereMs = turns.map(beganMs).find((ms) => ms !== null) ?? 0;
  for (const item of items) {
    const known = momentOf(item, byNumber.get(item.turn), spoken.has(item.turn));
    const before = cues.at(-1);
    const atMs = Math.max(before?.atMs ?? 0, known ?? hereMs);
    const soundMs = soundOf(item);
    cues.push({ item, atMs, soundMs });
    hereMs = atMs + soundMs;
    if (isAnswer(item) && soundMs > 0) spoken.add(item.turn);
  }
  const endMs = Math.max(0, ...cues.map((cue) => cue.atMs + cue.soundMs));
  return { cues, startMs: (cues[0]?.atMs ?? 0) - LEAD_MS, endMs: endMs + TAIL_MS };
}

/** The conversation as it stood at that moment: who spoke is still speaking. */
export function conversationAt(
  conversation: Conversation,
  { cues }: Score,
  clockMs: number,
): Conversation {
  const items = cues
    .filter((cue) => cue.atMs <= clockMs)
    .map((cue) => (sounds(cue, clockMs) ? spokenSoFar(cue, clockMs) : cue.item));
  const turns = conversation.turns.filter((turn) => (beganMs(turn) ?? 0) <= clockMs);
  return { ...conversation, items, turns };
}

export function sounds(cue: Cue, clockMs: number): boolean {
  return cue.atMs <= clockMs && clockMs < cue.atMs + cue.soundMs;
}

/** How many of *log* had travelled by then. */
export function travelled(log: readonly LogEntry[], clockMs: number): number {
  let from = 0;
  let to = log.length;
  while (from < to) {
    const middle = (from + to) >> 1;
    if ((log[middle]?.at ?? 0) <= clockMs) from = middle + 1;
    else to = middle;
  }
  return from;
}

/** What was shown of *saved* at that moment. */
export function savedAt(
  saved: SavedConversation,
  score: Score,
  clockMs: number,
): SavedConversation {
  return {
    ...saved,
    conversation: conversationAt(saved.conversation, score, clockMs),
    log: saved.log.slice(0, travelled(saved.log, clockMs)),
  };
}

function beganMs(turn: TurnTimeline): number | null {
  return turn.speechStartedMs ?? turn.speechEndMs ?? turn.turnEndMs;
}

/** *again*: the turn's first spoken answer has been, and only that one's moment is in the turn's timeline. */
function momentOf(item: Item, turn: TurnTimeline | undefined, again: boolean): number | null {
  if (item.kind === "message" && item.playedMs !== undefined) return item.playedMs;
  if (!turn) return null;
  if (item.kind === "message" && item.role === "user") return beganMs(turn);
  if (item.kind === "call") return turn.firstTokenMs;
  return again ? null : (turn.playedMs ?? turn.firstAudioMs ?? turn.firstTokenMs);
}

function isAnswer(item: Item): boolean {
  return item.kind === "message" && item.role === "assistant";
}

function soundOf(item: Item): number {
  if (item.kind !== "message") return 0;
  return Math.min(clipMs(item.audio), item.heardMs ?? Number.POSITIVE_INFINITY);
}

function spokenSoFar({ item, atMs }: Cue, clockMs: number): Item {
  if (item.kind !== "message") return item;
  return withHeard({ ...item, heardMs: clockMs - atMs });
}
