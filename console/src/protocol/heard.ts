import { clipMs } from "./bytes";
import type { MessageItem } from "./model";

/** Of ordinary speech. Words arrive before their sound: while it is still coming, its length is a guess. */
const MS_PER_CHARACTER = 60;

/**
 * How many characters of the transcript had been spoken after the item's `heardMs`, in whole words; null
 * for all. An estimate: words are taken to last as long as they are written.
 */
export function heardCharacters(item: MessageItem): number | null {
  const { heardMs, transcript } = item;
  const soundMs = clipMs(item.audio);
  const isWhole = item.status === "completed";
  if (heardMs === null || (isWhole && heardMs >= soundMs)) return null;
  const wholeMs = isWhole ? soundMs : Math.max(soundMs, transcript.length * MS_PER_CHARACTER);
  const reached = Math.min(1, heardMs / Math.max(1, wholeMs)) * transcript.length;
  let heard = 0;
  for (const word of transcript.matchAll(/\S+\s*/g)) {
    // A word is heard when most of it is.
    if (word.index + word[0].trimEnd().length / 2 > reached) break;
    heard = word.index + word[0].trimEnd().length;
  }
  return heard;
}

/** The item with what was heard of it told anew, after its words, sound or listener moved on. */
export function withHeard(item: MessageItem): MessageItem {
  return item.heardMs === null ? item : { ...item, heard: heardCharacters(item) };
}
