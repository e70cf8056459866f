import type { TurnTimeline } from "../../protocol/model";

export type StageName =
  | "speech"
  | "silence"
  | "transcript"
  | "firstToken"
  | "firstClause"
  | "firstAudio"
  | "played";

export interface Stage {
  readonly name: StageName;
  readonly startMs: number;
  readonly endMs: number;
  /** Whether the person waited for it: a transcript that comes after the first token held up nothing. */
  readonly waitedFor: boolean;
}

export const stageNames: readonly StageName[] = [
  "speech",
  "silence",
  "transcript",
  "firstToken",
  "firstClause",
  "firstAudio",
  "played",
];

/** The stages of *turn* that have ended, each from the latest moment it can have begun. */
export function stagesOf(turn: TurnTimeline): readonly Stage[] {
  const stages: Stage[] = [];
  const add = (name: StageName, startMs: number | null, endMs: number | null, waitedFor = true) => {
    if (startMs === null || endMs === null) return;
    stages.push({ name, startMs, endMs: Math.max(startMs, endMs), waitedFor });
  };
  const { turnEndMs, transcriptMs, firstTokenMs } = turn;
  add("speech", turn.speechStartedMs, turn.speechEndMs, false);
  add("silence", turn.speechEndMs, turnEndMs);
  const transcriptFirst =
    transcriptMs !== null && (firstTokenMs === null || transcriptMs <= firstTokenMs);
  add("transcript", turnEndMs, transcriptMs, transcriptFirst);
  let here = transcriptFirst ? latest(turnEndMs, transcriptMs) : turnEndMs;
  for (const name of ["firstToken", "firstClause", "firstAudio", "played"] as const) {
    const endMs = turn[`${name}Ms`];
    add(name, here, endMs);
    here = latest(here, endMs);
  }
  return stages;
}

/** When waiting began: with the last word, or for a written turn with its sending. */
export function originOf(turn: TurnTimeline): number | null {
  return turn.speechEndMs ?? turn.turnEndMs;
}

/** From the last word to the first sound; null while it is not known. */
export function waitOf(turn: TurnTimeline): number | null {
  const origin = originOf(turn);
  const end = turn.playedMs ?? turn.firstAudioMs ?? turn.firstTokenMs;
  return origin === null || end === null ? null : Math.max(0, end - origin);
}

export function slowestOf(stages: readonly Stage[]): Stage | null {
  const waited = stages.filter((stage) => stage.waitedFor);
  return waited.reduce<Stage | null>(
    (slowest, stage) => (slowest === null || lengthOf(stage) > lengthOf(slowest) ? stage : slowest),
    null,
  );
}

export function lengthOf(stage: Stage): number {
  return stage.endMs - stage.startMs;
}

export function median(values: readonly number[]): number | null {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle];
  if (upper === undefined) return null;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? upper) + upper) / 2;
}

export interface MedianStage {
  readonly name: StageName;
  readonly ms: number;
  /** In most of its turns. */
  readonly waitedFor: boolean;
}

/** The median of each stage over the turns that have it. */
export function mediansOf(turns: readonly TurnTimeline[]): readonly MedianStage[] {
  const all = turns.flatMap(stagesOf);
  return stageNames.flatMap((name) => {
    const same = all.filter((stage) => stage.name === name);
    const ms = median(same.map(lengthOf));
    const waited = same.filter((stage) => stage.waitedFor).length;
    return ms === null ? [] : [{ name, ms, waitedFor: waited * 2 > same.length }];
  });
}

function latest(a: number | null, b: number | null): number | null {
  if (a === null) return b;
  return b === null ? a : Math.max(a, b);
}
