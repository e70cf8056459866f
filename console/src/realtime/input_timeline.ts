/** What was sent to be heard: where it lies on the page's clock, and the sound itself. */
import { bytesIn, RATE_HZ } from "../protocol/bytes";

/** One turn is seldom longer; of a longer one the end is kept. */
const KEPT_MS = 120_000;
const WINDOW_MS = 20;
/** Of the turn's loudest window, as a ratio of loudness: quieter windows are taken for silence. */
const SILENCE_RATIO = 0.1;

interface Frame {
  readonly startMs: number;
  readonly sound: Uint8Array;
  /** The page's clock when the end of the frame was sent. */
  readonly sentAt: number;
}

/** The server counts milliseconds of all sound ever appended in a session; so does this. */
export class InputTimeline {
  #frames: Frame[] = [];
  #endMs = 0;
  #pendingFromMs = 0;

  /** A new session counts from zero. */
  reset(): void {
    this.#frames = [];
    this.#endMs = 0;
    this.#pendingFromMs = 0;
  }

  append(sound: Uint8Array, sentAt: number): void {
    this.#frames.push({ startMs: this.#endMs, sound, sentAt });
    this.#endMs += msOf(sound);
    const keptFrom = this.#endMs - KEPT_MS;
    let gone = 0;
    while ((this.#frames[gone]?.startMs ?? keptFrom) < keptFrom) gone += 1;
    // In batches: shifting a long array once per frame would cost more than it frees.
    if (gone > 100) this.#frames.splice(0, gone);
  }

  /** What is sent from here on is a turn of its own, where the client says what a turn is. */
  beginPending(): void {
    this.#pendingFromMs = this.#endMs;
  }

  get pending(): { readonly startMs: number; readonly endMs: number } {
    return { startMs: this.#pendingFromMs, endMs: this.#endMs };
  }

  /** When that millisecond of the sound left the microphone; null when it is not known any more. */
  clockAt(ms: number): number | null {
    const frame = this.#frames.findLast((each) => each.startMs <= ms);
    return frame ? frame.sentAt - (frame.startMs + msOf(frame.sound) - ms) : null;
  }

  soundBetween(startMs: number, endMs: number): Uint8Array {
    const frames = this.#frames.filter(
      (frame) => frame.startMs < endMs && frame.startMs + msOf(frame.sound) > startMs,
    );
    const whole = new Uint8Array(frames.reduce((sum, frame) => sum + frame.sound.length, 0));
    let at = 0;
    for (const frame of frames) {
      whole.set(frame.sound, at);
      at += frame.sound.length;
    }
    const skipped = bytesIn(Math.max(0, startMs - (frames[0]?.startMs ?? 0)));
    return whole.subarray(skipped, skipped + bytesIn(endMs - startMs));
  }

  /** Where the last loud sound between *startMs* and *endMs* ends: servers count the silence after it in. */
  lastLoudMs(startMs: number, endMs: number): number {
    const sound = this.soundBetween(startMs, endMs);
    const levels = levelsOf(sound);
    const loudest = Math.max(0, ...levels);
    const last = levels.findLastIndex((level) => level > loudest * SILENCE_RATIO);
    return last < 0 ? endMs : Math.min(endMs, endMs - (levels.length - 1 - last) * WINDOW_MS);
  }
}

function levelsOf(sound: Uint8Array): readonly number[] {
  const view = new DataView(sound.buffer, sound.byteOffset, sound.byteLength);
  const windowBytes = bytesIn(WINDOW_MS);
  const levels: number[] = [];
  for (let start = 0; start + windowBytes <= sound.length; start += windowBytes) {
    let squares = 0;
    for (let at = start; at < start + windowBytes; at += 2) squares += view.getInt16(at, true) ** 2;
    levels.push(Math.sqrt(squares / (windowBytes / 2)));
  }
  return levels;
}

function msOf(sound: Uint8Array): number {
  return (sound.length / 2 / RATE_HZ) * 1000;
}
