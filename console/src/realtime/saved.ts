/** A conversation in one file: the items with their sound, the timelines, and the log. */
import { blobOf, bytesOf, decodeBase64, encodeBase64, silence } from "../protocol/bytes";
import { emptyConversation } from "../protocol/conversation";
import type { AudioClip, Conversation, Item } from "../protocol/model";
import type { LogEntry, SavedConversation } from "./types";

const FORMAT = "louro-conversation";
const VERSION = 1;
/** Two hours of speech and its log. */
const LARGEST_FILE_BYTES = 500_000_000;

interface SavedClip {
  readonly pcm: string;
}

type SavedItem<T> = T extends { readonly audio: AudioClip }
  ? Omit<T, "audio"> & { readonly audio: SavedClip }
  : T;

interface SavedFile {
  readonly format: typeof FORMAT;
  readonly version: number;
  readonly savedAt: string;
  readonly conversation: Omit<Conversation, "items"> & {
    readonly items: readonly SavedItem<Item>[];
  };
  readonly log: readonly LogEntry[];
}

export async function savedFile(
  conversation: Conversation,
  log: readonly LogEntry[],
  savedAt: string,
): Promise<Blob> {
  const items = await Promise.all(conversation.items.map(packed));
  const file: SavedFile = {
    format: FORMAT,
    version: VERSION,
    savedAt,
    conversation: { ...conversation, items },
    log,
  };
  return new Blob([JSON.stringify(file)], { type: "application/json" });
}

/** Rejects with an Error that says what is wrong with the file. */
export async function openedFile(file: Blob): Promise<SavedConversation> {
  if (file.size > LARGEST_FILE_BYTES) throw new Error("The file is too large.");
  const content = parsed(await file.text());
  if (content.version !== VERSION)
    throw new Error("The file is of another version of the console.");
  const { savedAt, conversation, log } = content;
  return {
    savedAt,
    log: log ?? [],
    conversation: {
      ...emptyConversation,
      ...conversation,
      items: conversation.items.map(unpacked),
    },
  };
}

function parsed(text: string): SavedFile {
  let content: SavedFile | null = null;
  try {
    content = JSON.parse(text) as SavedFile | null;
  } catch {
    // Told below, in words.
  }
  if (content?.format === FORMAT && Array.isArray(content.conversation?.items)) return content;
  throw new Error("The file is not a conversation saved by this console.");
}

async function packed(item: Item): Promise<SavedItem<Item>> {
  if (item.kind !== "message") return item;
  return { ...item, audio: { pcm: encodeBase64(await bytesOf(item.audio)) } };
}

function unpacked(item: SavedItem<Item>): Item {
  if (item.kind !== "message") return item;
  const pcm = decodeBase64(item.audio.pcm);
  if (pcm.length === 0) return { ...item, audio: silence };
  const audio = { chunks: [pcm], samples: pcm.length / 2 };
  return { ...item, audio: { ...audio, chunks: [], putAway: blobOf(audio) } };
}
