/** What a turn detector's numbers mean on the sound of the last seconds: a guide, since it scores speech, not loudness. */

export interface Detector {
  readonly threshold: number;
  readonly prefixPaddingMs: number;
  readonly silenceMs: number;
}

export interface Span {
  readonly kind: "prefix" | "speech" | "silence";
  readonly fromMs: number;
  readonly toMs: number;
}

export interface Loudness {
  readonly atMs: number;
  /** 0 to 1. */
  readonly level: number;
}

/**
 * The turns in *history*, which is in the order of time: each from `prefix_padding_ms` before the threshold was passed
 * until it has been quiet for `silence_duration_ms`. A turn that is not over ends at *nowMs*.
 */
export function spansOf(
  history: readonly Loudness[],
  { threshold, prefixPaddingMs, silenceMs }: Detector,
  nowMs: number,
): readonly Span[] {
  const spans: Span[] = [];
  let beganMs: number | null = null;
  let loudMs = 0;
  const end = (heardMs: number) => {
    if (beganMs === null) return;
    spans.push({ kind: "prefix", fromMs: beganMs - prefixPaddingMs, toMs: beganMs });
    spans.push({ kind: "speech", fromMs: beganMs, toMs: loudMs });
    spans.push({ kind: "silence", fromMs: loudMs, toMs: Math.min(heardMs, loudMs + silenceMs) });
    beganMs = null;
  };
  for (const { atMs, level } of history) {
    if (beganMs !== null && atMs - loudMs > silenceMs) end(atMs);
    if (level < threshold) continue;
    beganMs ??= atMs;
    loudMs = atMs;
  }
  end(nowMs);
  return spans;
}
