import type { Usage } from "../../protocol/model";

export type Kind = "text" | "audio" | "image";

interface Price {
  readonly input: number;
  readonly cached: number;
  readonly output: number;
}

/** US dollars for a million tokens of gpt-realtime, as published in November 2026. */
export const gptRealtimePrices: Readonly<Record<Kind, Price>> = {
  text: { input: 4, cached: 0.4, output: 16 },
  audio: { input: 32, cached: 0.4, output: 64 },
  image: { input: 5, cached: 0.5, output: 0 },
};

export interface UsageRow {
  readonly kind: Kind;
  /** Read anew: without the cached. */
  readonly input: number;
  readonly cached: number;
  readonly output: number;
  readonly dollars: number;
}

export function rowsOf(usage: Usage): readonly UsageRow[] {
  return [
    row("text", usage.inputText, usage.cachedText, usage.outputText),
    row("audio", usage.inputAudio, usage.cachedAudio, usage.outputAudio),
    row("image", usage.inputImage, usage.cachedImage, 0),
  ];
}

export function costOf(usage: Usage): number {
  return rowsOf(usage).reduce((total, each) => total + each.dollars, 0);
}

/** What each turn had added up to, for the curve; turns without usage stand still. */
export function growthOf(usages: readonly (Usage | null)[]): readonly number[] {
  let total = 0;
  return usages.map((usage) => {
    if (usage !== null) total += costOf(usage);
    return total;
  });
}

function row(kind: Kind, allInput: number, cached: number, output: number): UsageRow {
  const input = Math.max(0, allInput - cached);
  const price = gptRealtimePrices[kind];
  const dollars = (input * price.input + cached * price.cached + output * price.output) / 1e6;
  return { kind, input, cached, output, dollars };
}
