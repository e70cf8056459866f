/** What was asked of the session, all together: a new session is asked it again. */
import type { SessionPatch } from "./types";

/** As the server merges: `audio`, and its `input` and `output`, by key; all else whole. */
const NESTED = new Set(["audio", "input", "output"]);

export function merged(first: SessionPatch, then: SessionPatch): SessionPatch {
  const whole: Record<string, unknown> = { ...first };
  for (const [key, value] of Object.entries(then)) {
    const before = whole[key];
    whole[key] =
      NESTED.has(key) && isPatch(before) && isPatch(value) ? merged(before, value) : value;
  }
  return whole;
}

export function isPatch(value: unknown): value is SessionPatch {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The session's turn detection; undefined where nothing is said of it. */
export function turnDetectionIn(session: SessionPatch | null): unknown {
  const audio = session?.audio;
  const input = isPatch(audio) ? audio.input : undefined;
  return isPatch(input) ? input.turn_detection : undefined;
}

export function turnDetection(value: unknown): SessionPatch {
  return { type: "realtime", audio: { input: { turn_detection: value } } };
}
