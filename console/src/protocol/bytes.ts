/** Base64 and sound: 24 kHz mono int16, little endian. */
import type { AudioClip } from "./model";

export const RATE_HZ = 24_000;

/** Sounds longer than this are no longer merged: copying one would be felt. */
const LARGEST_MERGED_BYTES = 1 << 20;
// Larger pieces overflow the stack of `String.fromCharCode`.
const PIECE_BYTES = 0x8000;

export const silence: AudioClip = { chunks: [], samples: 0 };

export function decodeBase64(text: string): Uint8Array<ArrayBuffer> {
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let index = 0; index < binary.length; index += 1) bytes[index] = binary.charCodeAt(index);
  return bytes;
}

export function encodeBase64(bytes: Uint8Array): string {
  let binary = "";
  for (let start = 0; start < bytes.length; start += PIECE_BYTES) {
    binary += String.fromCharCode(...bytes.subarray(start, start + PIECE_BYTES));
  }
  return btoa(binary);
}

let newest: { readonly event: object; readonly sound: Uint8Array<ArrayBuffer> } | null = null;

/**
 * The sound of a delta, decoded once for all who ask before the next one comes: the log keeps events for long,
 * and should not keep their sounds twice. A delta that is not base64 is silent.
 */
export function soundOf(event: { readonly delta: string }): Uint8Array<ArrayBuffer> {
  if (newest?.event !== event) newest = { event, sound: safelyDecoded(event.delta) };
  return newest.sound;
}

function safelyDecoded(text: string): Uint8Array<ArrayBuffer> {
  try {
    return decodeBase64(text);
  } catch {
    return new Uint8Array(0);
  }
}

/**
 * The clip with *sound* at its end.
 *
 * Equal neighbours are merged, as the digits of a counter carry: an hour of deltas leaves a handful of
 * chunks, and every byte is copied a handful of times.
 */
export function appended(clip: AudioClip, sound: Uint8Array): AudioClip {
  if (sound.length === 0) return clip;
  const chunks = [...clip.chunks];
  let last = sound;
  for (;;) {
    const before = chunks.at(-1);
    if (!before || before.length > last.length || before.length > LARGEST_MERGED_BYTES) break;
    chunks.pop();
    last = joined([before, last]);
  }
  chunks.push(last);
  return { ...clip, chunks, samples: clip.samples + sound.length / 2 };
}

export function joined(chunks: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}

/** All bytes of the clip. Copies nothing that is put away already. */
export function blobOf(clip: AudioClip): Blob {
  return new Blob([...(clip.putAway ? [clip.putAway] : []), joined(clip.chunks)]);
}

export async function bytesOf(clip: AudioClip): Promise<Uint8Array<ArrayBuffer>> {
  const whole = clip.putAway ? await blobOf(clip).arrayBuffer() : null;
  return whole ? new Uint8Array(whole) : joined(clip.chunks);
}

export function clipMs(clip: AudioClip): number {
  return (clip.samples * 1000) / RATE_HZ;
}

export function bytesIn(ms: number): number {
  return Math.round((ms * RATE_HZ) / 1000) * 2;
}
