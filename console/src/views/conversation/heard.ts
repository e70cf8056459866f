import type { MessageItem } from "../../protocol/model";

export interface HeardWords {
  readonly heard: string;
  readonly unheard: string;
}

/** Split the spoken words where the listener stopped hearing them, at a word's edge. */
export function splitHeard(item: Pick<MessageItem, "text" | "transcript" | "heard">): HeardWords {
  const words = item.transcript || item.text;
  if (item.heard === null || item.heard >= words.length || !item.transcript) {
    return { heard: words, unheard: "" };
  }
  const next = words.slice(item.heard).search(/\s/);
  const cut = item.heard === 0 ? 0 : next < 0 ? words.length : item.heard + next;
  return { heard: words.slice(0, cut), unheard: words.slice(cut) };
}
