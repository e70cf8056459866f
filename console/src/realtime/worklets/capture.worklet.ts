import { CAPTURE, type FromCapture } from "./messages";
import { Resampler } from "./resampler";
import { FrameCutter, pcmOf } from "./samples";

const RATE_HZ = 24_000;
const FRAME_SAMPLES = 960;

class Capture extends AudioWorkletProcessor {
  readonly #cutter = new FrameCutter(FRAME_SAMPLES);
  readonly #resampler = sampleRate === RATE_HZ ? null : new Resampler(sampleRate, RATE_HZ);

  override process(inputs: Float32Array[][]): boolean {
    const input = inputs[0]?.[0];
    if (!input) return true;
    this.#cutter.cut(this.#resampler?.resample(input) ?? input, (frame) => {
      const message: FromCapture = { pcm: pcmOf(frame).buffer };
      this.port.postMessage(message, [message.pcm]);
    });
    return true;
  }
}

registerProcessor(CAPTURE, Capture);
