/**
 * A stream at one rate, told at another: a windowed sinc, cut off below the lower rate's half.
 *
 * Some browsers give a microphone's sound only at the rate of the machine.
 */
const ZERO_CROSSINGS = 16;
const PHASES = 256;

export class Resampler {
  readonly #step: number;
  readonly #half: number;
  readonly #table: Float32Array;
  #kept: Float32Array;
  /** Of the next output sample, counted from the first sample kept. */
  #position: number;

  constructor(fromHz: number, toHz: number) {
    this.#step = fromHz / toHz;
    const cutoff = Math.min(1, toHz / fromHz) * 0.94;
    this.#half = Math.ceil(ZERO_CROSSINGS / cutoff);
    this.#table = kernel(this.#half, cutoff);
    this.#kept = new Float32Array(this.#half);
    this.#position = this.#half;
  }

  resample(input: Float32Array): Float32Array {
    const samples = new Float32Array(this.#kept.length + input.length);
    samples.set(this.#kept);
    samples.set(input, this.#kept.length);
    const room = samples.length - this.#half - this.#position;
    const output = new Float32Array(Math.max(0, Math.ceil(room / this.#step)));
    for (let index = 0; index < output.length; index += 1) {
      output[index] = this.#sampleAt(samples, this.#position + index * this.#step);
    }
    const next = this.#position + output.length * this.#step;
    const dropped = Math.max(0, Math.floor(next) - this.#half);
    this.#kept = samples.slice(dropped);
    this.#position = next - dropped;
    return output;
  }

  #sampleAt(samples: Float32Array, position: number): number {
    const first = Math.max(0, Math.ceil(position - this.#half));
    const last = Math.min(samples.length - 1, Math.floor(position + this.#half));
    let sum = 0;
    for (let index = first; index <= last; index += 1) {
      const phase = Math.round(Math.abs(index - position) * PHASES);
      sum += (samples[index] ?? 0) * (this.#table[phase] ?? 0);
    }
    return sum;
  }
}

/** One side of the kernel: it is symmetric. */
function kernel(half: number, cutoff: number): Float32Array {
  return Float32Array.from({ length: half * PHASES + 1 }, (_, index) => {
    const x = index / PHASES;
    const window = 0.5 + 0.5 * Math.cos((Math.PI * x) / half);
    const angle = Math.PI * x * cutoff;
    return cutoff * (angle === 0 ? 1 : Math.sin(angle) / angle) * window;
  });
}
