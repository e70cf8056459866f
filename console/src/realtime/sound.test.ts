import fc from "fast-check";
import { expect, test } from "vitest";
import {
  appended,
  blobOf,
  bytesOf,
  decodeBase64,
  encodeBase64,
  joined,
  silence,
} from "../protocol/bytes";
import { InputTimeline } from "./input_timeline";
import { wavOf } from "./wav";
import { PlayQueue } from "./worklets/play_queue";
import { Resampler } from "./worklets/resampler";
import { FrameCutter, floatsOf, pcmOf } from "./worklets/samples";

const none = () => undefined;

test("base64 there and back is the same sound", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 70_000 }), (bytes) => {
      expect(decodeBase64(encodeBase64(bytes))).toEqual(bytes);
    }),
    { numRuns: 20 },
  );
});

test("a clip holds what was appended, in order", () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 50 })), (sounds) => {
      const clip = sounds.reduce(appended, silence);
      expect([...joined(clip.chunks)]).toEqual(sounds.flatMap((each) => [...each]));
    }),
  );
});

test("a wav file says what is in it", async () => {
  const wav = new DataView(await wavOf(appended(silence, new Uint8Array(480))).arrayBuffer());
  expect(wav.byteLength).toBe(44 + 480);
  expect([wav.getUint32(24, true), wav.getUint16(34, true), wav.getUint32(40, true)]).toEqual([
    24_000, 16, 480,
  ]);
});

test("samples there and back are the same, and too loud ones are cut off", () => {
  const pcm = new Int16Array([-32_768, -1, 0, 1, 32_767]);
  expect(pcmOf(floatsOf(pcm))).toEqual(pcm);
  expect(pcmOf(new Float32Array([2, -2]))).toEqual(new Int16Array([32_767, -32_768]));
});

test("frames are cut alike from pieces of any length", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(40), { maxLength: 20 }), (lengths) => {
      const cutter = new FrameCutter(16);
      const frames: number[][] = [];
      let next = 0;
      for (const length of lengths) {
        const piece = Float32Array.from({ length }, () => next++);
        cutter.cut(piece, (frame) => frames.push([...frame]));
      }
      expect(frames.flat()).toEqual(
        Array.from({ length: next - (next % 16) }, (_, index) => index),
      );
    }),
  );
});

function sine(hz: number, rateHz: number, samples: number): Float32Array {
  return Float32Array.from({ length: samples }, (_, at) =>
    Math.sin((2 * Math.PI * hz * at) / rateHz),
  );
}

function inPieces(resampler: Resampler, input: Float32Array, length: number): Float32Array {
  const pieces: number[] = [];
  for (let at = 0; at < input.length; at += length) {
    pieces.push(...resampler.resample(input.subarray(at, at + length)));
  }
  return Float32Array.from(pieces);
}

function loudness(wave: Float32Array): number {
  return Math.sqrt(wave.reduce((sum, value) => sum + value * value, 0) / wave.length);
}

test.each([44_100, 48_000, 16_000])("a tone at %i Hz is the same tone at 24 kHz", (rateHz) => {
  const output = inPieces(new Resampler(rateHz, 24_000), sine(1000, rateHz, rateHz), 128);
  expect(Math.abs(output.length - 24_000)).toBeLessThan(60);
  const settled = output.subarray(1000, 23_000);
  const crossings = settled.filter((value, at) => value >= 0 && (settled[at - 1] ?? 0) < 0).length;
  expect(crossings).toBeGreaterThan(914);
  expect(crossings).toBeLessThan(919);
  expect(loudness(settled)).toBeCloseTo(Math.SQRT1_2, 1);
});

test("what 24 kHz cannot hold does not come back as another tone", () => {
  const output = inPieces(new Resampler(48_000, 24_000), sine(18_000, 48_000, 48_000), 128);
  expect(loudness(output.subarray(1000))).toBeLessThan(0.01);
});

test("a queue plays item after item, and counts what it played", () => {
  const queue = new PlayQueue();
  const told: unknown[] = [];
  queue.add("a", new Float32Array([1, 2, 3]));
  queue.add("b", new Float32Array([4, 5]));
  queue.end("b");
  const output = new Float32Array(8);
  queue.fill(output, (event) => told.push(event));
  expect([...output]).toEqual([1, 2, 3, 4, 5, 0, 0, 0]);
  expect(told).toEqual([
    { type: "started", id: "a" },
    { type: "finished", id: "a", samples: 3 },
    { type: "started", id: "b" },
    { type: "finished", id: "b", samples: 2 },
  ]);
});

test("a gap in the sound is silence, and is not counted as heard", () => {
  const queue = new PlayQueue();
  const output = new Float32Array(4);
  queue.add("a", new Float32Array([1, 1]));
  queue.fill(output, none);
  queue.fill(output, none);
  expect(queue.current).toEqual({ id: "a", samples: 2 });
  queue.add("a", new Float32Array([1]));
  queue.fill(output, none);
  expect(queue.stop()).toEqual([{ id: "a", samples: 3 }]);
});

test("a stopped queue is silent, and tells what was heard of each item", () => {
  const queue = new PlayQueue();
  queue.add("a", new Float32Array(10));
  queue.add("b", new Float32Array(10).fill(1));
  queue.fill(new Float32Array(4), none);
  expect(queue.stop()).toEqual([
    { id: "a", samples: 4 },
    { id: "b", samples: 0 },
  ]);
  const output = new Float32Array(4).fill(9);
  queue.fill(output, none);
  expect([...output]).toEqual([0, 0, 0, 0]);
});

test("a voice that is stopped fades out within 5 ms", () => {
  const queue = new PlayQueue();
  queue.add("a", new Float32Array(1000).fill(1));
  queue.fill(new Float32Array(10), none);
  expect(queue.stop()).toEqual([{ id: "a", samples: 10 }]);
  const output = new Float32Array(128);
  queue.fill(output, none);
  expect(output[0]).toBeGreaterThan(0.9);
  expect([...output]).toEqual([...output].sort((a, b) => b - a));
  expect(output[119]).toBe(0);
});

function frame(ms: number, level = 0): Uint8Array {
  return new Uint8Array(new Int16Array(ms * 24).fill(level).buffer);
}

test("a millisecond of the sound has its moment on the page's clock", () => {
  const timeline = new InputTimeline();
  for (let index = 1; index <= 10; index += 1) timeline.append(frame(40), 5000 + index * 40);
  expect(timeline.clockAt(0)).toBe(5000);
  expect(timeline.clockAt(100)).toBe(5100);
  expect(timeline.clockAt(400)).toBe(5400);
  expect(new InputTimeline().clockAt(0)).toBeNull();
});

test("a part of what was sent can be had again", () => {
  const timeline = new InputTimeline();
  timeline.append(frame(40, 1), 40);
  timeline.append(frame(40, 2), 80);
  timeline.beginPending();
  timeline.append(frame(40, 3), 120);
  const sound = new Int16Array(timeline.soundBetween(30, 50).slice().buffer);
  expect([sound.length, sound[0], sound.at(-1)]).toEqual([480, 1, 2]);
  expect(timeline.pending).toEqual({ startMs: 80, endMs: 120 });
});

test("speech ends with its last loud sound", () => {
  const timeline = new InputTimeline();
  timeline.append(frame(400, 4000), 400);
  timeline.append(frame(600, 20), 1000);
  expect(timeline.lastLoudMs(0, 1000)).toBe(400);
  expect(timeline.lastLoudMs(2000, 3000)).toBe(3000);
});

test("old sound is forgotten, and a new session counts from zero", () => {
  const timeline = new InputTimeline();
  for (let index = 0; index < 400; index += 1) timeline.append(frame(1000), index * 1000);
  expect(timeline.clockAt(1000)).toBeNull();
  timeline.reset();
  timeline.append(frame(40), 7040);
  expect(timeline.clockAt(0)).toBe(7000);
});

test("a sound that is put away is the same sound, also when more comes after it", async () => {
  const clip = appended(silence, new Uint8Array([1, 2, 3, 4]));
  const away = { chunks: [], samples: clip.samples, putAway: blobOf(clip) };
  expect([...(await bytesOf(away))]).toEqual([1, 2, 3, 4]);
  const longer = appended(away, new Uint8Array([5, 6]));
  expect([...(await bytesOf(longer))]).toEqual([1, 2, 3, 4, 5, 6]);
  expect(wavOf(longer).size).toBe(44 + 6);
});
