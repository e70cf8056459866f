import { blobOf, RATE_HZ } from "../protocol/bytes";
import type { AudioClip } from "../protocol/model";

const HEADER_BYTES = 44;

/** A WAV file of 24 kHz mono int16. */
export function wavOf(clip: AudioClip): Blob {
  return new Blob([header(clip.samples * 2), blobOf(clip)], { type: "audio/wav" });
}

function header(pcmBytes: number): ArrayBuffer {
  const view = new DataView(new ArrayBuffer(HEADER_BYTES));
  ascii(view, 0, "RIFF");
  view.setUint32(4, HEADER_BYTES - 8 + pcmBytes, true);
  ascii(view, 8, "WAVEfmt ");
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true);
  view.setUint16(22, 1, true);
  view.setUint32(24, RATE_HZ, true);
  view.setUint32(28, RATE_HZ * 2, true);
  view.setUint16(32, 2, true);
  view.setUint16(34, 16, true);
  ascii(view, 36, "data");
  view.setUint32(40, pcmBytes, true);
  return view.buffer as ArrayBuffer;
}

function ascii(view: DataView, offset: number, text: string): void {
  for (let index = 0; index < text.length; index += 1) {
    view.setUint8(offset + index, text.charCodeAt(index));
  }
}
