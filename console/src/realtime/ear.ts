/** What the server hears: it is sent, and remembered, so that the server's words about it can be understood. */
import { encodeBase64, RATE_HZ } from "../protocol/bytes";
import type { ClientEvent } from "../protocol/events";
import type { LocalEvent } from "../protocol/model";
import { InputTimeline } from "./input_timeline";

export interface Line {
  /** Whether it went out. */
  send(event: ClientEvent): boolean;
  tell(local: LocalEvent): void;
  now(): number;
  delay(ms: number, signal: AbortSignal): Promise<void>;
}

/** Below this the server refuses to commit. */
const SHORTEST_TURN_MS = 100;
const FRAME_MS = 40;
/** After a file, so that a turn detector hears that it is over. */
const TRAILING_SILENCE_MS = 1200;

export class Ear {
  readonly #timeline = new InputTimeline();
  /** Where in the sound the newest speech began and ended; null: a button said so. */
  #speech: { readonly startMs: number; readonly endMs: number } | null = null;

  constructor(private readonly line: Line) {}

  /** A new session has heard nothing. */
  begin(): void {
    this.#timeline.reset();
    this.#speech = null;
  }

  hear(pcm: Uint8Array): void {
    const audio = encodeBase64(pcm);
    const sent = this.line.send({ type: "input_audio_buffer.append", audio });
    if (sent) this.#timeline.append(pcm, this.line.now());
  }

  beginTurn(): void {
    this.line.send({ type: "input_audio_buffer.clear" });
    this.#timeline.beginPending();
    this.#speech = null;
  }

  /** The turn is over, and an answer is wanted; unless nothing was said. */
  endTurn(): void {
    const { startMs, endMs } = this.#timeline.pending;
    if (endMs - startMs < SHORTEST_TURN_MS) {
      this.line.send({ type: "input_audio_buffer.clear" });
      return;
    }
    this.line.send({ type: "input_audio_buffer.commit" });
    this.#tellSpeech(startMs, null);
    this.line.send({ type: "response.create" });
  }

  hearTurn(sound: Uint8Array): void {
    this.beginTurn();
    for (const frame of framesOf(sound)) this.hear(frame);
    this.endTurn();
  }

  /** As fast as it would be spoken, so that the timeline is that of a person who speaks. */
  async hearSlowly(sound: Uint8Array, signal: AbortSignal): Promise<void> {
    const quiet = new Uint8Array((TRAILING_SILENCE_MS * RATE_HZ * 2) / 1000);
    const startedAt = this.line.now();
    let sentMs = 0;
    for (const frame of [...framesOf(sound), ...framesOf(quiet)]) {
      if (signal.aborted) return;
      this.hear(frame);
      sentMs += FRAME_MS;
      const ahead = startedAt + sentMs - this.line.now();
      if (ahead > 0) await this.line.delay(ahead, signal);
    }
  }

  // What the server says of it, in milliseconds of all sound it was sent

  speechStarted(startMs: number): void {
    this.#speech = { startMs, endMs: startMs };
    this.#tellSpeech(startMs, null);
  }

  /** *silenceMs*: how much of it was silence, if that is known. */
  speechStopped(endMs: number, silenceMs: number | null): void {
    const startMs = this.#speech?.startMs ?? 0;
    this.#speech = { startMs, endMs };
    const spokenMs =
      silenceMs === null ? this.#timeline.lastLoudMs(startMs, endMs) : endMs - silenceMs;
    this.#tellSpeech(null, spokenMs);
  }

  committed(itemId: string): void {
    const { startMs, endMs } = this.#speech ?? this.#timeline.pending;
    const sound = this.#timeline.soundBetween(startMs, endMs);
    this.#speech = null;
    this.#timeline.beginPending();
    if (sound.length > 0) this.line.tell({ type: "recorded", itemId, sound });
  }

  #tellSpeech(startMs: number | null, endMs: number | null): void {
    const clock = (ms: number | null) => (ms === null ? null : this.#timeline.clockAt(ms));
    this.line.tell({ type: "speech", startMs: clock(startMs), endMs: clock(endMs) });
  }
}

function framesOf(sound: Uint8Array): readonly Uint8Array[] {
  const frameBytes = (FRAME_MS * RATE_HZ * 2) / 1000;
  return Array.from({ length: Math.ceil(sound.length / frameBytes) }, (_, index) =>
    sound.subarray(index * frameBytes, (index + 1) * frameBytes),
  );
}
