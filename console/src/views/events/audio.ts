import { at } from "../../ui/json";

const SAMPLE_RATE_HZ = 24_000;
// Shorter strings beside audio's names are words or ids, not sound.
const SHORTEST_AUDIO = 64;

/** The base64 sound an event carries, if it carries any. */
export function audioOf(event: { readonly type: string }): string | null {
  const field = event.type === "input_audio_buffer.append" ? "audio" : "delta";
  if (field === "delta" && event.type !== "response.output_audio.delta") return null;
  const found = at(event, field);
  return typeof found === "string" && found.length >= SHORTEST_AUDIO ? found : null;
}

/** 24 kHz mono int16 in base64 as a WAV file; null when it is not whole. */
export function wavOf(base64: string): Blob | null {
  let pcm: Uint8Array<ArrayBuffer>;
  try {
    pcm = Uint8Array.from(atob(base64), (each) => each.charCodeAt(0));
  } catch {
    return null;
  }
  return new Blob([wavHeader(pcm.length), pcm], { type: "audio/wav" });
}

/** JSON for reading: a long sound is told by its length. */
export function readable(event: unknown): string {
  return JSON.stringify(
    event,
    (key, value: unknown) =>
      typeof value === "string" && value.length > 256 && (key === "audio" || key === "delta")
        ? `${value.slice(0, 48)}… (${value.length} base64)`
        : value,
    2,
  );
}

function wavHeader(length: number): ArrayBuffer {
  const header = new DataView(new ArrayBuffer(44));
  const write = (offset: number, text: string) => {
    for (const [index, letter] of [...text].entries()) {
      header.setUint8(offset + index, letter.charCodeAt(0));
    }
  };
  write(0, "RIFF");
  header.setUint32(4, 36 + length, true);
  write(8, "WAVEfmt ");
  header.setUint32(16, 16, true);
  header.setUint16(20, 1, true);
  header.setUint16(22, 1, true);
  header.setUint32(24, SAMPLE_RATE_HZ, true);
  header.setUint32(28, SAMPLE_RATE_HZ * 2, true);
  header.setUint16(32, 2, true);
  header.setUint16(34, 16, true);
  write(36, "data");
  header.setUint32(40, length, true);
  return header.buffer;
}
