/** The sounds to play, item after item, and how much of each went out. Runs where no garbage should be made. */

export type PlayEvent =
  | { readonly type: "started"; readonly id: string }
  | { readonly type: "progress"; readonly id: string; readonly samples: number }
  | { readonly type: "finished"; readonly id: string; readonly samples: number };

export interface Played {
  readonly id: string;
  readonly samples: number;
}

interface Track {
  readonly id: string;
  readonly chunks: Float32Array[];
  chunk: number;
  offset: number;
  played: number;
  ended: boolean;
}

const EMPTY = new Float32Array(0);
/** 5 ms: a wave that is cut off in its middle clicks. */
const FADE_SAMPLES = 120;

export class PlayQueue {
  #tracks: Track[] = [];
  /** The end of what was stopped, growing quiet. */
  #fading: Float32Array = EMPTY;

  /** Put *sound* behind what is there. An item that follows another one ends it. */
  add(id: string, sound: Float32Array): void {
    let track = this.#tracks.find((each) => each.id === id);
    if (!track) {
      for (const before of this.#tracks) before.ended = true;
      track = { id, chunks: [], chunk: 0, offset: 0, played: 0, ended: false };
      this.#tracks.push(track);
    }
    if (sound.length > 0) track.chunks.push(sound);
  }

  /** No more will come of that item. */
  end(id: string): void {
    for (const track of this.#tracks) if (track.id === id) track.ended = true;
  }

  /** Forget everything; return what was begun or waiting, with how much of it was played. */
  stop(): readonly Played[] {
    const stopped = this.#tracks.map(({ id, played }) => ({ id, samples: played }));
    const track = this.#tracks[0];
    this.#fading = track && track.played > 0 ? faded(track) : EMPTY;
    this.#tracks = [];
    return stopped;
  }

  /** The item that sounds, or is about to. */
  get current(): Played | null {
    const track = this.#tracks[0];
    return track ? { id: track.id, samples: track.played } : null;
  }

  /** Fill *output* whole, with silence where nothing is there. */
  fill(output: Float32Array, tell: (event: PlayEvent) => void): void {
    let at = this.#fade(output);
    while (at < output.length) {
      const track = this.#tracks[0];
      if (!track) break;
      const copied = copy(track, output, at);
      if (copied > 0 && track.played === 0) tell({ type: "started", id: track.id });
      track.played += copied;
      at += copied;
      if (copied > 0) continue;
      if (!track.ended) break;
      this.#tracks.shift();
      tell({ type: "finished", id: track.id, samples: track.played });
    }
    output.fill(0, at);
  }

  #fade(output: Float32Array): number {
    const count = Math.min(this.#fading.length, output.length);
    output.set(this.#fading.subarray(0, count));
    this.#fading = this.#fading.subarray(count);
    return count;
  }
}

function faded(track: Track): Float32Array {
  const chunk = track.chunks[track.chunk] ?? EMPTY;
  const rest = chunk.slice(track.offset, track.offset + FADE_SAMPLES);
  return rest.map((value, index) => value * (1 - (index + 1) / rest.length));
}

function copy(track: Track, output: Float32Array, at: number): number {
  const chunk = track.chunks[track.chunk];
  if (!chunk) return 0;
  const count = Math.min(chunk.length - track.offset, output.length - at);
  output.set(chunk.subarray(track.offset, track.offset + count), at);
  track.offset += count;
  if (track.offset === chunk.length) {
    // Played sound is not needed again: let it go before the item ends.
    track.chunks[track.chunk] = EMPTY;
    track.chunk += 1;
    track.offset = 0;
  }
  return count;
}
