/** Plays what was said once more: each sound at its moment, with the pauses that were between. */
import { bytesOf, RATE_HZ } from "../protocol/bytes";
import type { AudioClip } from "../protocol/model";
import { type Cue, type Score, sounds } from "./score";

/** Where the sound goes, and whose clock is followed: the browser's, or a test's. */
export interface Deck {
  /** Since it was opened. */
  nowMs(): number;
  /** Sound *pcm* at that moment of the deck's clock, or what is left of it if that has passed. */
  sound(pcm: Uint8Array, atMs: number): void;
  /** Be silent at once, and forget what was to sound. */
  stop(): void;
  close(): void;
  /** Calls *tick* every so often until what it returns is called. */
  every(ms: number, tick: () => void): () => void;
}

export interface Moment {
  readonly playing: boolean;
  /** On the clock of the page that the conversation was had in; null: all of it is shown. */
  readonly clockMs: number | null;
}

export const whole: Moment = { playing: false, clockMs: null };

const TICK_MS = 80;
/** Sounds are fetched from their blobs this long before they are due. */
const AHEAD_MS = 1500;

export class Tape {
  moment: Moment = whole;
  #deck: Deck | null = null;
  #ticking: (() => void) | null = null;
  /** Of the deck's clock, where the page's clock was zero. */
  #zeroMs = 0;
  #begun = new Set<Cue>();

  constructor(
    readonly score: Score,
    private readonly changed: (moment: Moment) => void,
    private readonly open: () => Deck = openDeck,
  ) {}

  /** Call it from a click. Goes on from where it was, or from the beginning. */
  play(fromMs: number = this.moment.clockMs ?? this.score.startMs): void {
    this.#halt();
    this.#deck ??= this.open();
    this.#zeroMs = this.#deck.nowMs() - fromMs;
    this.#begun = new Set();
    this.#become({ playing: true, clockMs: fromMs });
    this.#ticking = this.#deck.every(TICK_MS, () => this.#tick());
    this.#tick();
  }

  pause(): void {
    this.#halt();
    this.#become({ ...this.moment, playing: false });
  }

  seek(clockMs: number): void {
    if (this.moment.playing) this.play(clockMs);
    else this.#become({ playing: false, clockMs });
  }

  close(): void {
    this.#halt();
    this.#deck?.close();
    this.#deck = null;
    this.#become(whole);
  }

  /** The item that sounds, or that a pause cut into. */
  get sounding(): string | null {
    const { clockMs } = this.moment;
    if (clockMs === null) return null;
    return this.score.cues.findLast((cue) => sounds(cue, clockMs))?.item.id ?? null;
  }

  #tick(): void {
    const clockMs = (this.#deck?.nowMs() ?? 0) - this.#zeroMs;
    if (clockMs >= this.score.endMs) {
      this.#halt();
      this.#become(whole);
      return;
    }
    for (const cue of this.score.cues) {
      const due = cue.atMs < clockMs + AHEAD_MS && cue.atMs + cue.soundMs > clockMs;
      if (due && !this.#begun.has(cue)) void this.#begin(cue);
    }
    this.#become({ playing: true, clockMs });
  }

  async #begin(cue: Cue): Promise<void> {
    const begun = this.#begun;
    begun.add(cue);
    if (cue.item.kind !== "message") return;
    const pcm = await heardOf(cue.item.audio, cue.soundMs);
    // Somebody has paused, or jumped elsewhere, while it was fetched.
    if (begun === this.#begun) this.#deck?.sound(pcm, cue.atMs + this.#zeroMs);
  }

  #halt(): void {
    this.#ticking?.();
    this.#ticking = null;
    this.#begun = new Set();
    this.#deck?.stop();
  }

  #become(moment: Moment): void {
    this.moment = moment;
    this.changed(moment);
  }
}

async function heardOf(clip: AudioClip, ms: number): Promise<Uint8Array> {
  return (await bytesOf(clip)).subarray(0, Math.floor((ms * RATE_HZ) / 1000) * 2);
}

function openDeck(): Deck {
  const context = new AudioContext({ sampleRate: RATE_HZ });
  void context.resume();
  const playing = new Set<AudioBufferSourceNode>();
  return {
    nowMs: () => context.currentTime * 1000,
    sound(pcm, atMs) {
      const lateS = Math.max(0, context.currentTime - atMs / 1000);
      const buffer = bufferOf(context, pcm);
      if (!buffer || lateS >= buffer.duration) return;
      const source = new AudioBufferSourceNode(context, { buffer });
      source.connect(context.destination);
      source.onended = () => playing.delete(source);
      playing.add(source);
      source.start(Math.max(0, atMs / 1000), lateS);
    },
    stop() {
      for (const source of playing) source.stop();
      playing.clear();
    },
    close: () => void context.close(),
    every(ms, tick) {
      const timer = setInterval(tick, ms);
      return () => clearInterval(timer);
    },
  };
}

function bufferOf(context: AudioContext, pcm: Uint8Array): AudioBuffer | null {
  const samples = pcm.length >> 1;
  if (samples === 0) return null;
  const buffer = context.createBuffer(1, samples, RATE_HZ);
  const into = buffer.getChannelData(0);
  const from = new DataView(pcm.buffer, pcm.byteOffset, samples * 2);
  for (let index = 0; index < samples; index += 1) {
    into[index] = from.getInt16(index * 2, true) / 32_768;
  }
  return buffer;
}
