/** The conversation as the console knows it: a value, never changed in place. */
import type { ClientEvent, ServerEvent } from "./events";

export type Role = "user" | "assistant" | "system";
export type ItemStatus = "in_progress" | "completed" | "incomplete";

/** 24 kHz mono int16, little endian. */
export interface AudioClip {
  readonly chunks: readonly Uint8Array[];
  /** Of the chunks and of what is put away. */
  readonly samples: number;
  /** What stands before the chunks, kept where it does not weigh on the page: an hour of speech is 170 MB. */
  readonly putAway?: Blob;
}

export interface MessageItem {
  readonly kind: "message";
  readonly id: string;
  readonly role: Role;
  readonly status: ItemStatus;
  readonly text: string;
  readonly transcript: string;
  /** Characters of the transcript that were heard; null: all of them, as far as one knows. */
  readonly heard: number | null;
  readonly heardMs: number | null;
  /** When its first sound was played, on the page's clock. */
  readonly playedMs?: number;
  readonly audio: AudioClip;
  readonly responseId: string | null;
  readonly turn: number;
  /** Spoken of before the server said where it stands. */
  readonly unplaced?: true;
}

export interface CallItem {
  readonly kind: "call";
  readonly id: string;
  readonly callId: string;
  readonly name: string;
  readonly arguments: string;
  readonly output: string | null;
  readonly status: ItemStatus;
  readonly responseId: string | null;
  readonly turn: number;
  readonly unplaced?: true;
  /** The id of the item that carries the output. */
  readonly outputId?: string;
}

export type Item = MessageItem | CallItem;

/** Cached tokens are a part of the input. */
export interface Usage {
  readonly inputText: number;
  readonly inputAudio: number;
  readonly inputImage: number;
  readonly cachedText: number;
  readonly cachedAudio: number;
  readonly cachedImage: number;
  readonly outputText: number;
  readonly outputAudio: number;
}

/** When what happened, in milliseconds of the page's clock; null where it has not, or not that one knows. */
export interface TurnTimeline {
  readonly turn: number;
  readonly kind: "voice" | "text";
  readonly speechStartedMs: number | null;
  readonly speechEndMs: number | null;
  readonly turnEndMs: number | null;
  readonly transcriptMs: number | null;
  readonly firstTokenMs: number | null;
  readonly firstClauseMs: number | null;
  readonly firstAudioMs: number | null;
  readonly playedMs: number | null;
  readonly doneMs: number | null;
  readonly responseId: string | null;
  readonly usage: Usage | null;
}

export interface ProtocolError {
  readonly at: number;
  readonly code: string | null;
  readonly message: string;
  readonly param: string | null;
}

/** The session as the server shows it: the protocol's own object. */
export type SessionConfig = Readonly<Record<string, unknown>>;

export interface Conversation {
  readonly items: readonly Item[];
  readonly turns: readonly TurnTimeline[];
  readonly usage: Usage;
  readonly session: SessionConfig | null;
  /** Whether the user speaks. */
  readonly speaking: boolean;
  /** The response under way. */
  readonly responding: string | null;
  readonly errors: readonly ProtocolError[];
}

export type LocalEvent =
  | { readonly type: "played"; readonly itemId: string; readonly responseId: string | null }
  | { readonly type: "heard"; readonly itemId: string; readonly ms: number }
  | { readonly type: "tool_output"; readonly callId: string; readonly output: string }
  /** When, by the page's clock, the last words began and ended. */
  | {
      readonly type: "speech";
      readonly startMs: number | null;
      readonly endMs: number | null;
    }
  | { readonly type: "recorded"; readonly itemId: string; readonly sound: Uint8Array }
  /** The sound of an item that has ended is kept outside the page's memory. */
  | { readonly type: "put_away"; readonly itemId: string; readonly sound: Blob }
  /** The connection is gone, and what was under way with it. */
  | { readonly type: "lost" };

export type Incoming =
  | { readonly at: number; readonly event: ServerEvent }
  | { readonly at: number; readonly client: ClientEvent }
  | { readonly at: number; readonly local: LocalEvent };
