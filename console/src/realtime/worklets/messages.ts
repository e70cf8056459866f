import type { PlayEvent, Played } from "./play_queue";

export const PLAYER = "louro-player";
export const CAPTURE = "louro-capture";

export type ToPlayer =
  /** *pcm* is int16. */
  | { readonly type: "sound"; readonly id: string; readonly pcm: ArrayBuffer }
  | { readonly type: "end"; readonly id: string }
  | { readonly type: "stop"; readonly request: number };

export type FromPlayer =
  | PlayEvent
  | { readonly type: "stopped"; readonly request: number; readonly played: readonly Played[] };

/** 40 ms of 24 kHz mono int16. */
export interface FromCapture {
  readonly pcm: ArrayBuffer;
}
