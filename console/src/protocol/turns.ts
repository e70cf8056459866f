/** The timelines: what of each turn happened when. */
import type { TurnTimeline, Usage } from "./model";
import { sum } from "./usage";

export type Turns = readonly TurnTimeline[];

/** Marks that keep their first moment. */
export type FirstMark =
  | "transcriptMs"
  | "firstTokenMs"
  | "firstClauseMs"
  | "firstAudioMs"
  | "playedMs";

/** Of which nothing is known but *part*. */
export function timelineOf(turn: number, part: Partial<TurnTimeline> = {}): TurnTimeline {
  return {
    turn,
    kind: "voice",
    speechStartedMs: null,
    speechEndMs: null,
    turnEndMs: null,
    transcriptMs: null,
    firstTokenMs: null,
    firstClauseMs: null,
    firstAudioMs: null,
    playedMs: null,
    doneMs: null,
    responseId: null,
    usage: null,
    ...part,
  };
}

function newTurn(turns: Turns, part: Partial<TurnTimeline>): Turns {
  return [...turns, timelineOf((turns.at(-1)?.turn ?? 0) + 1, part)];
}

export function speechStarted(turns: Turns, at: number): Turns {
  return newTurn(turns, { speechStartedMs: at });
}

/** The speaker was silent; or, with a button, let it go. */
export function speechEnded(turns: Turns, at: number): Turns {
  const open = openTurn(turns, "voice");
  return open < 0 ? newTurn(turns, { speechEndMs: at }) : changed(turns, open, { speechEndMs: at });
}

/** When the words of the newest spoken turn really began and ended. */
export function speechMeasured(turns: Turns, startMs: number | null, endMs: number | null): Turns {
  const index = turns.findLastIndex((turn) => turn.kind === "voice");
  return changed(turns, index, {
    ...(startMs !== null && { speechStartedMs: startMs }),
    ...(endMs !== null && { speechEndMs: endMs }),
  });
}

export function committed(turns: Turns, at: number): Turns {
  const open = openTurn(turns, "voice");
  return open < 0 ? newTurn(turns, { turnEndMs: at }) : changed(turns, open, { turnEndMs: at });
}

/** Nothing was committed: the turn never was. */
export function dropped(turns: Turns): Turns {
  const open = openTurn(turns, "voice");
  return open < 0 ? turns : turns.toSpliced(open, 1);
}

export function written(turns: Turns): Turns {
  return openTurn(turns, "text") < 0 ? newTurn(turns, { kind: "text" }) : turns;
}

/** The client asked for an answer. */
export function asked(turns: Turns, at: number): Turns {
  const open = openTurn(turns, "text");
  if (open >= 0) return changed(turns, open, { turnEndMs: at });
  return turns.length === 0 ? newTurn(turns, { kind: "text", turnEndMs: at }) : turns;
}

export function answered(turns: Turns, responseId: string, at: number): Turns {
  if (turns.length === 0) return newTurn(turns, { kind: "text", turnEndMs: at, responseId });
  const index = latestEnded(turns);
  return turns[index]?.responseId === null ? changed(turns, index, { responseId }) : turns;
}

/** *mark* of the turn with that number, unless it is set. */
export function marked(turns: Turns, turn: number, mark: FirstMark, at: number): Turns {
  const index = indexOfTurn(turns, turn);
  return turns[index]?.[mark] === null ? changed(turns, index, { [mark]: at }) : turns;
}

/** A turn in which tools are called has several responses: the last one's end is its end. */
export function done(turns: Turns, turn: number, at: number, usage: Usage | null): Turns {
  const index = indexOfTurn(turns, turn);
  const before = turns[index]?.usage ?? null;
  const whole = usage && before ? sum(before, usage) : (usage ?? before);
  return changed(turns, index, { doneMs: at, usage: whole });
}

/** The number of the turn whose answer is given now; 0 before any. */
export function currentTurn(turns: Turns): number {
  return turns[latestEnded(turns)]?.turn ?? turns.at(-1)?.turn ?? 0;
}

function openTurn(turns: Turns, kind: TurnTimeline["kind"]): number {
  return turns.findLastIndex((turn) => turn.kind === kind && turn.turnEndMs === null);
}

function latestEnded(turns: Turns): number {
  return turns.findLastIndex((turn) => turn.turnEndMs !== null);
}

function indexOfTurn(turns: Turns, turn: number): number {
  return turns.findLastIndex((each) => each.turn === turn);
}

function changed(turns: Turns, index: number, part: Partial<TurnTimeline>): Turns {
  const turn = turns[index];
  return turn ? turns.with(index, { ...turn, ...part }) : turns;
}
