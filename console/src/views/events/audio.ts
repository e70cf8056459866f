import { decodeBase64 } from "../../protocol/bytes";
import { wavOf as wavOfClip } from "../../realtime/wav";
import { at, textAt } from "../../ui/json";

// Shorter strings beside audio's names are words or ids, not sound.
const SHORTEST_AUDIO = 64;

/** The base64 sound an event carries, if it carries any. */
export function audioOf(event: { readonly type: string }): string | null {
  const field = event.type === "input_audio_buffer.append" ? "audio" : "delta";
  if (field === "delta" && event.type !== "response.output_audio.delta") return null;
  const found = at(event, field);
  return typeof found === "string" && found.length >= SHORTEST_AUDIO ? found : null;
}

/** The sounds that *events* carry, one after the other. */
export function soundsOf(events: readonly { readonly type: string }[]): readonly string[] {
  return events.map(audioOf).filter((sound) => sound !== null);
}

/** What a run of deltas says, together; "" where it is one event, or sound. */
export function writtenOf(events: readonly { readonly type: string }[]): string {
  if (events.length < 2 || soundsOf(events).length > 0) return "";
  return events.map((event) => textAt(event, "delta")).join("");
}

/** 24 kHz mono int16 in pieces of base64 as a WAV file; null when one is not whole. */
export function wavOf(sounds: readonly string[]): Blob | null {
  try {
    const chunks = sounds.map(decodeBase64);
    const samples = chunks.reduce((sum, chunk) => sum + chunk.length, 0) / 2;
    return wavOfClip({ chunks, samples });
  } catch {
    return null;
  }
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
