import type {
  AudioClip,
  CallItem,
  Item,
  MessageItem,
  TurnTimeline,
  Usage,
} from "../../protocol/model";
import type { ConsoleState, EventLog, LogEntry, RealtimeConsole } from "../../realtime/types";
import { memories } from "../../tools/memory";
import { weathers } from "../../tools/weather";
import { openedConversation, showSaved } from "../opened";

/** A console with a conversation already had: for screenshots, tests, and work on the views. */
export function createDemoConsole(search: URLSearchParams): RealtimeConsole {
  const place = { name: "São Paulo", latitude: -23.55, longitude: -46.63 };
  const farther = { name: "Sydney", latitude: -33.87, longitude: 151.21 };
  weathers.set([
    { place, now: { celsius: 23.4, windKmh: 9, code: 1 } },
    { place: farther, now: null },
  ]);
  memories.set([
    { key: "name", value: "Ana" },
    { key: "favourite_bird", value: "papagaio-verdadeiro" },
  ]);
  const demo = new DemoConsole(search);
  if (search.get("demo") === "saved") showOpened(demo);
  return demo;
}

/** As from a file, in the middle of being played. */
function showOpened({ state: { conversation }, log }: DemoConsole): void {
  const entries = Array.from({ length: log.size }, (_, index) => log.at(index));
  const saved = {
    savedAt: "2026-11-20T15:04:00Z",
    conversation: { ...conversation, responding: null },
    log: entries.filter((entry) => entry !== undefined),
  };
  showSaved(saved);
  openedConversation.get()?.tape.seek(32_000);
}

const NO_SOUND: AudioClip = { chunks: [], samples: 0 };
const SOUND: AudioClip = { chunks: [tone(72_000)], samples: 72_000 };

class DemoConsole implements RealtimeConsole {
  state: ConsoleState;
  readonly log: DemoLog;
  private readonly listeners = new Set<() => void>();
  private readonly inputWave = new Float32Array(512);
  private readonly outputWave = new Float32Array(512);

  constructor(search: URLSearchParams) {
    this.log = new DemoLog(Number(search.get("events") ?? 240));
    this.state = startingState(search.get("demo") ?? "");
  }

  subscribe(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  connect(): Promise<void> {
    this.become({ ...startingState(""), mode: this.state.mode });
    return Promise.resolve();
  }

  disconnect(): void {
    this.become({ status: "idle", assistantState: "idle", playing: null });
  }

  enableMicrophone(device = "built-in"): Promise<void> {
    this.become({ microphone: { ...this.state.microphone, state: "on", device } });
    return Promise.resolve();
  }

  mute(muted: boolean): void {
    this.become({ microphone: { ...this.state.microphone, muted } });
  }

  chooseLoudspeaker(device: string | null): Promise<void> {
    this.become({ loudspeaker: { ...this.state.loudspeaker, device } });
    return Promise.resolve();
  }

  setMode(mode: ConsoleState["mode"]): void {
    this.become({ mode });
  }

  startTalking(): void {
    this.become({ holding: true, assistantState: "listening", playing: null });
  }

  stopTalking(): void {
    this.become({ holding: false, assistantState: "thinking" });
  }

  interrupt(): void {
    this.become({ assistantState: "idle", playing: null });
  }

  sendText(text: string): void {
    const { items } = this.state.conversation;
    this.setItems([...items, message(`demo_${items.length}`, "user", { text, turn: 9 })]);
  }

  sendAudioFile(): Promise<void> {
    return Promise.resolve();
  }

  updateSession(): void {}

  deleteItem(id: string): void {
    this.setItems(this.state.conversation.items.filter((item) => item.id !== id));
  }

  replay(id: string): void {
    this.become({ playing: id });
  }

  setTools(): void {}

  levels() {
    const now = performance.now() / 1000;
    const speaking = this.state.assistantState === "speaking" ? 0.45 : 0.01;
    const listening = this.state.holding ? 0.4 : 0.08;
    fill(this.inputWave, now, listening);
    fill(this.outputWave, now * 1.3 + 9, speaking);
    const swing = 0.6 + 0.4 * Math.sin(now * 3);
    return {
      // Words of a second, and pauses between: what the detector's numbers are drawn over.
      input: listening * swing * (now % 2 < 1.2 ? 4 : 0.2),
      output: speaking * swing,
      inputWave: this.inputWave,
      outputWave: this.outputWave,
    };
  }

  async save(): Promise<Blob> {
    return new Blob([JSON.stringify(this.state.conversation.items)]);
  }

  open(): Promise<never> {
    return Promise.reject(new Error("The demo opens no files."));
  }

  private setItems(items: readonly Item[]): void {
    this.become({ conversation: { ...this.state.conversation, items } });
  }

  private become(part: Partial<ConsoleState>): void {
    this.state = { ...this.state, ...part };
    for (const listener of [...this.listeners]) listener();
  }
}

class DemoLog implements EventLog {
  readonly paused = false;
  private readonly entries: readonly LogEntry[];

  constructor(size: number) {
    this.entries = Array.from({ length: size }, (_, index) => entryOf(index));
  }

  get size(): number {
    return this.entries.length;
  }

  at(index: number): LogEntry | undefined {
    return this.entries[index];
  }

  subscribe(): () => void {
    return () => undefined;
  }

  pause(): void {}

  resume(): void {}

  clear(): void {}

  export(): Blob {
    return new Blob([JSON.stringify(this.entries)]);
  }
}

const LOST = ["in", "error", 1] as const;

const EXCHANGE: readonly (readonly ["in" | "out", string, number])[] = [
  ["out", "input_audio_buffer.append", 38],
  ["in", "input_audio_buffer.speech_started", 1],
  ["out", "input_audio_buffer.append", 61],
  ["in", "input_audio_buffer.speech_stopped", 1],
  ["in", "input_audio_buffer.committed", 1],
  ["in", "conversation.item.added", 1],
  ["in", "conversation.item.done", 1],
  ["in", "response.created", 1],
  ["in", "conversation.item.input_audio_transcription.completed", 1],
  ["in", "response.output_item.added", 1],
  ["in", "response.content_part.added", 1],
  ["in", "response.output_audio_transcript.delta", 14],
  ["in", "response.output_audio.delta", 52],
  ["in", "response.output_audio.done", 1],
  ["in", "response.content_part.done", 1],
  ["in", "response.output_item.done", 1],
  ["in", "response.done", 1],
  ["in", "rate_limits.updated", 1],
];

function entryOf(index: number): LogEntry {
  const [direction, type, count] = EXCHANGE[index % EXCHANGE.length] ?? LOST;
  const audio = type === "input_audio_buffer.append" || type === "response.output_audio.delta";
  const event = {
    type,
    event_id: `event_${String(index).padStart(6, "0")}`,
    ...(type === "response.output_audio_transcript.delta" ? { delta: "papagaio, " } : {}),
    ...(audio ? { [type.startsWith("in") ? "audio" : "delta"]: base64(tone(1920)) } : {}),
  };
  // The demo's events are sketches: the log shows any object with a type.
  const sketched = event as unknown as LogEntry["event"];
  const bytes = audio ? 2680 * count : 180 + type.length;
  const more = Array.from({ length: count - 1 }, () => sketched);
  return {
    id: index,
    at: 1200 + index * 137,
    direction,
    type,
    event: sketched,
    more,
    count,
    bytes,
  };
}

function startingState(scene: string): ConsoleState {
  const away = scene === "connect" || scene === "failed";
  return {
    status: statusOf(scene),
    failure:
      scene === "failed" ? { code: "unreachable", message: "No answer from the server." } : null,
    conversation: {
      items: away ? [] : demoItems(),
      turns: away ? [] : demoTurns(),
      usage: away ? noUsage : demoUsage,
      session: away ? null : demoSession,
      speaking: false,
      responding: away ? null : "resp_5",
      errors: [],
    },
    microphone: {
      state: scene === "denied" ? "denied" : "on",
      muted: false,
      device: "built-in",
      devices: [
        { id: "built-in", label: "Built-in microphone" },
        { id: "usb", label: "USB microphone" },
      ],
    },
    loudspeaker: {
      device: null,
      devices: [
        { id: "default", label: "Default" },
        { id: "headset", label: "Headset" },
      ],
    },
    playing: away ? null : "a5",
    mode: scene === "push" ? "push" : "voice",
    holding: false,
    settings: { type: "realtime" },
    assistantState: away || scene === "push" ? "idle" : "speaking",
  };
}

function statusOf(scene: string): ConsoleState["status"] {
  if (scene === "reconnecting" || scene === "failed") return scene;
  return scene === "connect" ? "idle" : "connected";
}

function demoItems(): readonly Item[] {
  const said = (id: string, transcript: string, turn: number) =>
    message(id, "user", { transcript, turn, audio: SOUND });
  const answered = (
    id: string,
    transcript: string,
    turn: number,
    part: Partial<MessageItem> = {},
  ) =>
    message(id, "assistant", {
      transcript,
      turn,
      audio: SOUND,
      responseId: `resp_${turn}`,
      ...part,
    });
  return [
    message("u1", "user", { text: "Hello!", turn: 1 }),
    answered("a1", "Hello! I am Louro. What shall we talk about?", 1),
    said("u2", "What is the weather like in São Paulo today?", 2),
    weatherCall,
    answered("a2", "In São Paulo it is twenty-three degrees, with a light wind from the south.", 2),
    said("u3", "Tell me something about parrots.", 3),
    answered(
      "a3",
      "Parrots have four toes on each foot, two forward and two back, which lets them hold food like a hand. They also name their chicks, and the young keep",
      3,
      { heard: 69, heardMs: 4120, status: "incomplete" },
    ),
    said("u4", "Sorry, what were you saying about their feet?", 4),
    answered("a4", "That they work like hands: a parrot eats with one and stands on the other.", 4),
    said("u5", "And why do their eyes flash like that?", 5),
    answered(
      "a5",
      "It is called eye pinning. They widen and narrow the pupil at will, mostly when something catches their attention",
      5,
      { heard: 61, heardMs: 3100, status: "in_progress" },
    ),
  ];
}

const weatherCall: CallItem = {
  kind: "call",
  id: "c2",
  callId: "call_2",
  name: "get_weather",
  arguments: '{"location":"São Paulo","latitude":-23.55,"longitude":-46.63}',
  output: '{"location":"São Paulo","temperature":{"value":23,"units":"°C"}}',
  status: "completed",
  responseId: "resp_2",
  turn: 2,
};

function message(id: string, role: MessageItem["role"], part: Partial<MessageItem>): MessageItem {
  return {
    kind: "message",
    id,
    role,
    status: "completed",
    text: "",
    transcript: "",
    heard: null,
    heardMs: null,
    audio: NO_SOUND,
    responseId: null,
    turn: 0,
    ...part,
  };
}

const noUsage: Usage = {
  inputText: 0,
  inputAudio: 0,
  inputImage: 0,
  cachedText: 0,
  cachedAudio: 0,
  cachedImage: 0,
  outputText: 0,
  outputAudio: 0,
};

const turnUsage: Usage = {
  inputText: 812,
  inputAudio: 240,
  inputImage: 0,
  cachedText: 640,
  cachedAudio: 128,
  cachedImage: 0,
  outputText: 42,
  outputAudio: 188,
};

const demoUsage: Usage = {
  inputText: 4060,
  inputAudio: 1200,
  inputImage: 0,
  cachedText: 3200,
  cachedAudio: 640,
  cachedImage: 0,
  outputText: 210,
  outputAudio: 940,
};

/** Marks in ms after the end of speech; silence, transcript, token, clause, audio, played. */
const MARKS: readonly (readonly number[])[] = [
  [0, 0, 150, 260, 340, 375],
  [210, 330, 520, 1180, 1310, 1352],
  [205, 302, 430, 540, 655, 690],
  [200, 640, 760, 850, 930, 968],
  [212, 560, 410, 525, 620, 655],
];

function demoTurns(): readonly TurnTimeline[] {
  return MARKS.map((marks, index) => {
    const origin = 4000 + index * 9000;
    const after = (place: number) => origin + (marks[place] ?? 0);
    const written = index === 0;
    return {
      turn: index + 1,
      kind: written ? "text" : "voice",
      speechStartedMs: written ? null : origin - 1900 - index * 210,
      speechEndMs: written ? null : origin,
      turnEndMs: after(0),
      transcriptMs: written ? null : after(1),
      firstTokenMs: after(2),
      firstClauseMs: after(3),
      firstAudioMs: after(4),
      playedMs: after(5),
      doneMs: origin + 4000,
      responseId: `resp_${index + 1}`,
      usage: { ...turnUsage, outputAudio: 60 + ((index * 7) % 5) * 90 },
    };
  });
}

const demoSession = {
  type: "realtime",
  model: "gpt-realtime",
  output_modalities: ["audio"],
  instructions: "You are Louro, a helpful voice. Answer in one or two short sentences.",
  audio: {
    input: {
      turn_detection: {
        type: "server_vad",
        threshold: 0.5,
        prefix_padding_ms: 300,
        silence_duration_ms: 200,
        create_response: true,
        interrupt_response: true,
      },
    },
    output: { voice: "alloy" },
  },
  tools: [],
} as unknown as NonNullable<ConsoleState["conversation"]["session"]>;

function fill(wave: Float32Array, at: number, loudness: number): void {
  for (let index = 0; index < wave.length; index += 1) {
    const envelope =
      0.35 + 0.65 * Math.abs(Math.sin(index * 0.021 + at * 2.1) * Math.sin(index * 0.047));
    wave[index] = loudness * envelope * Math.sin(index * 0.9 + at * 7);
  }
}

function tone(samples: number): Uint8Array {
  const pcm = Int16Array.from({ length: samples }, (_, index) => 6000 * Math.sin(index / 9));
  return new Uint8Array(pcm.buffer);
}

function base64(raw: Uint8Array): string {
  return btoa(String.fromCharCode(...raw));
}
