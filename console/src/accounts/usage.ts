import type { Period, UsageBucket, UsageResult } from "./model";

export type Measure = "cost" | "tokens" | "speech" | "responses";
export const measures: readonly Measure[] = ["cost", "tokens", "speech", "responses"];

export type Side = "project" | "keyId" | "model";

export interface Sum {
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly responses: number;
  readonly inputS: number;
  readonly outputS: number;
  readonly cost: number;
  readonly compared: number;
  /** Mean over the responses that had one; null: none had. */
  readonly firstAudioMs: number | null;
}

export interface Day extends Sum {
  /** Unix seconds, midnight UTC. */
  readonly start: number;
}

export interface Part extends Sum {
  /** null: what carried no such name, as a session without a key. */
  readonly name: string | null;
}

const DAY_S = 86_400;

/** The last *days* days, today among them. Days are those of UTC, as the server counts them. */
export function lastDays(days: number, nowMs: number): Period {
  const end = (Math.floor(nowMs / 1000 / DAY_S) + 1) * DAY_S;
  return { start: end - days * DAY_S, end };
}

/** One for each day of *period*, also where nothing was used. */
export function daysOf(buckets: readonly UsageBucket[], period: Period): readonly Day[] {
  const found = new Map<number, UsageResult[]>();
  for (const { start, results } of buckets) {
    const day = Math.floor(start / DAY_S) * DAY_S;
    found.set(day, [...(found.get(day) ?? []), ...results]);
  }
  const days: Day[] = [];
  for (let start = period.start; start < period.end; start += DAY_S) {
    days.push({ start, ...sumOf(found.get(start) ?? []) });
  }
  return days;
}

export function resultsOf(buckets: readonly UsageBucket[]): readonly UsageResult[] {
  return buckets.flatMap((bucket) => bucket.results);
}

/** By key, project or model, what used most first. */
export function partsOf(
  results: readonly UsageResult[],
  side: Side,
  measure: Measure,
): readonly Part[] {
  const groups = new Map<string | null, UsageResult[]>();
  for (const result of results) {
    groups.set(result[side], [...(groups.get(result[side]) ?? []), result]);
  }
  const parts = [...groups].map(([name, those]): Part => ({ name, ...sumOf(those) }));
  return parts.sort((a, b) => weight(b, measure) - weight(a, measure) || byName(a, b));
}

export function sumOf(results: readonly UsageResult[]): Sum {
  const total = (pick: (result: UsageResult) => number) =>
    results.reduce((sum, result) => sum + pick(result), 0);
  return {
    inputTokens: total((one) => one.inputTokens),
    outputTokens: total((one) => one.outputTokens),
    responses: total((one) => one.responses),
    inputS: total((one) => one.inputS),
    outputS: total((one) => one.outputS),
    cost: total((one) => one.cost),
    compared: total((one) => one.compared),
    firstAudioMs: meanFirstAudio(results),
  };
}

export function measured(sum: Sum, measure: Measure): number {
  switch (measure) {
    case "cost":
      return sum.cost;
    case "tokens":
      return sum.inputTokens + sum.outputTokens;
    case "speech":
      return sum.inputS + sum.outputS;
    case "responses":
      return sum.responses;
  }
}

/** What the axis must reach: the cost is drawn beside what it is compared with. */
export function weight(sum: Sum, measure: Measure): number {
  const value = measured(sum, measure);
  return measure === "cost" ? Math.max(value, sum.compared) : value;
}

/** The least round number that is not under *most*; 1 for nothing. */
export function axisTop(most: number): number {
  if (most <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(most));
  const step =
    [1, 1.2, 1.6, 2, 2.4, 3, 4, 5, 6, 8].find((one) => one * power >= most * 0.999_999) ?? 10;
  return Number((step * power).toPrecision(3));
}

function byName(a: Part, b: Part): number {
  return (a.name ?? "").localeCompare(b.name ?? "");
}

function meanFirstAudio(results: readonly UsageResult[]): number | null {
  const heard = results.filter((one) => one.firstAudioMs !== null && one.responses > 0);
  const count = heard.reduce((sum, one) => sum + one.responses, 0);
  if (count === 0) return null;
  return heard.reduce((sum, one) => sum + (one.firstAudioMs ?? 0) * one.responses, 0) / count;
}
