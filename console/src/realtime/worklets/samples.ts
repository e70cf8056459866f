const FULL_SCALE = 32_768;

export function floatsOf(pcm: Int16Array): Float32Array {
  const floats = new Float32Array(pcm.length);
  for (let index = 0; index < pcm.length; index += 1) {
    floats[index] = (pcm[index] ?? 0) / FULL_SCALE;
  }
  return floats;
}

export function pcmOf(floats: Float32Array): Int16Array<ArrayBuffer> {
  const pcm = new Int16Array(floats.length);
  for (let index = 0; index < floats.length; index += 1) {
    const value = Math.round((floats[index] ?? 0) * FULL_SCALE);
    pcm[index] = Math.max(-FULL_SCALE, Math.min(FULL_SCALE - 1, value));
  }
  return pcm;
}

/** Cuts a stream of any pieces into frames of the same length. */
export class FrameCutter {
  readonly #frame: Float32Array;
  #filled = 0;

  constructor(frameSamples: number) {
    this.#frame = new Float32Array(frameSamples);
  }

  /** *emit* must not keep what it is given: the next frame is written over it. */
  cut(samples: Float32Array, emit: (frame: Float32Array) => void): void {
    let at = 0;
    while (at < samples.length) {
      const count = Math.min(samples.length - at, this.#frame.length - this.#filled);
      this.#frame.set(samples.subarray(at, at + count), this.#filled);
      this.#filled += count;
      at += count;
      if (this.#filled < this.#frame.length) return;
      this.#filled = 0;
      emit(this.#frame);
    }
  }
}
