/** What the views see of a connection: one interface, whatever carries it. */
import type { ClientEvent, ServerEvent } from "../protocol/events";
import type { Conversation } from "../protocol/model";

export type Status = "idle" | "connecting" | "connected" | "reconnecting" | "failed";
export type Mode = "push" | "voice";

export interface LogEntry {
  readonly id: number;
  readonly at: number;
  readonly direction: "in" | "out";
  readonly type: string;
  readonly event: ServerEvent | ClientEvent;
  /** The events after the first that this line stands for; the oldest sounds are not kept. */
  readonly more?: readonly (ServerEvent | ClientEvent)[];
  /** How many events of this kind, one after the other, this line stands for. */
  readonly count: number;
  readonly bytes: number;
}

export interface EventLog {
  readonly size: number;
  readonly paused: boolean;
  at(index: number): LogEntry | undefined;
  subscribe(listener: () => void): () => void;
  pause(): void;
  resume(): void;
  clear(): void;
  export(): Blob;
}

export interface Device {
  readonly id: string;
  readonly label: string;
}

export interface MicrophoneState {
  readonly state: "off" | "asking" | "denied" | "missing" | "on";
  readonly muted: boolean;
  readonly device: string | null;
  readonly devices: readonly Device[];
}

export interface LoudspeakerState {
  /** null: the system's. */
  readonly device: string | null;
  /** None where the browser lets nobody choose. */
  readonly devices: readonly Device[];
}

export interface ConsoleState {
  readonly status: Status;
  readonly failure: { readonly code: string; readonly message: string } | null;
  readonly conversation: Conversation;
  readonly microphone: MicrophoneState;
  readonly loudspeaker: LoudspeakerState;
  /** The item that sounds. */
  readonly playing: string | null;
  readonly mode: Mode;
  readonly holding: boolean;
  /** What was asked of the session; the next one begins with it. */
  readonly settings: SessionPatch;
  readonly assistantState: "idle" | "listening" | "thinking" | "speaking";
}

export interface ToolContext {
  readonly callId: string;
  readonly signal: AbortSignal;
}

export interface Tool {
  readonly name: string;
  readonly description: string;
  readonly parameters: object;
  run(args: unknown, context: ToolContext): Promise<unknown>;
}

export interface Target {
  readonly url: string;
  readonly key: string | null;
  readonly model: string;
}

export type SessionPatch = Readonly<Record<string, unknown>>;

export interface Levels {
  /** 0 to 1, of full scale. */
  readonly input: number;
  readonly output: number;
  readonly inputWave: Float32Array;
  readonly outputWave: Float32Array;
}

export interface SavedConversation {
  readonly savedAt: string;
  readonly conversation: Conversation;
  readonly log: readonly LogEntry[];
}

export interface RealtimeConsole {
  readonly state: ConsoleState;
  subscribe(listener: () => void): () => void;
  readonly log: EventLog;
  connect(target: Target): Promise<void>;
  disconnect(): void;
  enableMicrophone(deviceId?: string): Promise<void>;
  mute(on: boolean): void;
  /** *device*: null is the system's. What cannot be had leaves the one that was. */
  chooseLoudspeaker(device: string | null): Promise<void>;
  setMode(mode: Mode): void;
  startTalking(): void;
  stopTalking(): void;
  interrupt(): void;
  sendText(text: string): void;
  sendAudioFile(file: File): Promise<void>;
  updateSession(patch: SessionPatch): void;
  deleteItem(id: string): void;
  replay(id: string): void;
  setTools(tools: readonly Tool[]): void;
  levels(): Levels;
  save(): Promise<Blob>;
  open(file: File): Promise<SavedConversation>;
}
