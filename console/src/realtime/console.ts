/** The console behind the views: the line, the ear and the voice, and one conversation between them. */
import { blobOf, bytesOf, clipMs, RATE_HZ, silence, soundOf } from "../protocol/bytes";
import { emptyConversation, reduce } from "../protocol/conversation";
import type { ClientEvent, ResponseObject, ServerEvent, SessionUpdate } from "../protocol/events";
import type { AudioClip, Incoming, Item, LocalEvent } from "../protocol/model";
import { browserLoudspeaker, browserMicrophone, decodeAudioFile } from "./browser";
import { Connection, type Network } from "./connection";
import { Ear } from "./ear";
import { Listeners, type Schedule, withNextFrame } from "./listeners";
import { WireLog } from "./log";
import { Microphone, type MicrophoneSource, microphoneOff } from "./microphone";
import { browserNetwork } from "./network";
import { merged, turnDetection, turnDetectionIn } from "./patch";
import { type Heard, type LoudspeakerSource, Player } from "./player";
import { replayed } from "./replay";
import { openedFile, savedFile } from "./saved";
import { callsOf, definitionOf, outputOf } from "./toolbox";
import type {
  ConsoleState,
  Levels,
  Mode,
  RealtimeConsole,
  SavedConversation,
  SessionPatch,
  Target,
  Tool,
} from "./types";

export interface Deps {
  readonly network: Network;
  readonly microphone: MicrophoneSource;
  readonly loudspeaker: LoudspeakerSource;
  readonly schedule: Schedule;
  /** Milliseconds; never goes back. */
  now(): number;
  decode(file: File): Promise<Uint8Array>;
}

export function createConsole(deps: Partial<Deps> = {}): RealtimeConsole {
  return new Console({
    network: deps.network ?? browserNetwork(),
    microphone: deps.microphone ?? browserMicrophone,
    loudspeaker: deps.loudspeaker ?? browserLoudspeaker,
    schedule: deps.schedule ?? withNextFrame,
    now: deps.now ?? (() => performance.now()),
    decode: deps.decode ?? decodeAudioFile,
  });
}

const WAVE_SAMPLES = 512;
/** Ten minutes: the server holds no longer turn. */
const LONGEST_FILE_BYTES = 10 * 60 * RATE_HZ * 2;
/** A minute. */
const MOST_SAMPLES_AT_HAND = 60 * RATE_HZ;
/** Before the id of an item that is played once more: it was heard already. */
const AGAIN = "again:";
const HELLO = "Hello!";
const FIRST_SETTINGS: SessionPatch = {
  type: "realtime",
  audio: { input: { transcription: { model: "whisper-1" } } },
};

class Console implements RealtimeConsole {
  state: ConsoleState = {
    status: "idle",
    failure: null,
    conversation: emptyConversation,
    microphone: microphoneOff,
    loudspeaker: { device: null, devices: [] },
    playing: null,
    mode: "voice",
    holding: false,
    settings: FIRST_SETTINGS,
    assistantState: "idle",
  };
  readonly log: WireLog;
  readonly #listeners: Listeners;
  readonly #connection: Connection;
  readonly #microphone: Microphone;
  readonly #player: Player;
  readonly #ear: Ear;
  readonly #inputWave = new Float32Array(WAVE_SAMPLES);
  readonly #outputWave = new Float32Array(WAVE_SAMPLES);
  /** To come back to after the button. */
  #voiceDetection: unknown = { type: "server_vad" };
  #tools: readonly Tool[] = [];
  /** The responses that were interrupted: their sound may still be on its way. */
  #silenced = new Set<string>();
  #running = new AbortController();
  /** How often the person has broken in: an answer that was wanted before is not wanted after. */
  #interruptions = 0;
  #sendingFile = false;

  constructor(private readonly deps: Deps) {
    this.#listeners = new Listeners(deps.schedule);
    this.log = new WireLog(deps.schedule);
    this.#connection = new Connection(deps.network, {
      opened: (again) => this.#opened(again),
      received: (event, bytes) => this.#received(event, bytes),
      sent: (event, bytes) => this.log.record("out", event, deps.now(), bytes),
      lost: () => this.#lost(),
      changed: () => this.#connectionChanged(),
    });
    this.#ear = new Ear({
      send: (event) => this.#send(event),
      tell: (local) => this.#dispatch(local),
      now: deps.now,
      delay: (ms, signal) => deps.network.delay(ms, signal),
    });
    this.#microphone = new Microphone(
      deps.microphone,
      (pcm) => this.#hear(pcm),
      () => this.#microphoneChanged(),
    );
    this.#player = new Player((listen) => deps.loudspeaker.open(listen), {
      started: (id, latencyMs) => this.#started(id, latencyMs),
      heard: (heard) => this.#heard(heard),
      finished: (heard) => this.#finished(heard),
    });
  }

  subscribe(listener: () => void): () => void {
    return this.#listeners.add(listener);
  }

  async connect(target: Target): Promise<void> {
    void this.#player.start();
    this.disconnect();
    this.#update({ conversation: emptyConversation });
    this.log.clear();
    await this.#connection.connect(target);
  }

  disconnect(): void {
    this.#running.abort();
    void this.#player.interrupt();
    if (this.state.status !== "idle") this.#dispatch({ type: "lost" });
    this.#connection.disconnect();
    this.#update({ holding: false, playing: null });
  }

  enableMicrophone(device?: string): Promise<void> {
    return this.#microphone.enable(device);
  }

  mute(on: boolean): void {
    this.#microphone.mute(on);
  }

  async chooseLoudspeaker(device: string | null): Promise<void> {
    const chosen = await this.#player.choose(device);
    if (chosen) this.#update({ loudspeaker: { ...this.state.loudspeaker, device } });
  }

  setMode(mode: Mode): void {
    if (mode === this.state.mode) return;
    if (this.state.holding) this.stopTalking();
    this.#update({ mode });
    this.updateSession(turnDetection(mode === "push" ? null : this.#voiceDetection));
  }

  startTalking(): void {
    if (this.state.mode !== "push" || this.state.holding || this.state.status !== "connected")
      return;
    if (this.state.microphone.state === "off") void this.enableMicrophone();
    void this.#silence("client");
    this.#ear.beginTurn();
    this.#update({ holding: true });
  }

  stopTalking(): void {
    if (!this.state.holding) return;
    this.#update({ holding: false });
    this.#ear.endTurn();
  }

  interrupt(): void {
    void this.#silence("client");
  }

  sendText(text: string): void {
    // The answer must not be given before the server knows how much of the last one was heard.
    void this.#silence("client").then(() => {
      this.#say(text);
      this.#send({ type: "response.create" });
    });
  }

  async sendAudioFile(file: File): Promise<void> {
    const sound = (await this.deps.decode(file)).slice(0, LONGEST_FILE_BYTES);
    await this.#silence("client");
    this.#sendingFile = true;
    try {
      if (this.state.mode === "push") this.#ear.hearTurn(sound);
      else await this.#ear.hearSlowly(sound, this.#running.signal);
    } finally {
      this.#sendingFile = false;
    }
  }

  updateSession(patch: SessionPatch): void {
    this.#update({ settings: merged(this.state.settings, patch) });
    this.#voiceDetection = turnDetectionIn(patch) ?? this.#voiceDetection;
    if (this.state.status === "connected") this.#sendSettings({ type: "realtime", ...patch });
  }

  deleteItem(id: string): void {
    this.#send({ type: "conversation.item.delete", item_id: id });
  }

  replay(id: string): void {
    const clip = this.#clip(id);
    if (clip.samples === 0) return;
    void this.#player.start();
    const sound = bytesOf(clip);
    void this.#silence("player").then(async () => {
      this.#player.play(AGAIN + id, await sound);
      this.#player.end(AGAIN + id);
    });
  }

  setTools(tools: readonly Tool[]): void {
    this.#tools = tools;
    this.updateSession({ type: "realtime", tools: tools.map(definitionOf) });
  }

  levels(): Levels {
    this.#microphone.wave(this.#inputWave);
    this.#player.wave(this.#outputWave);
    return {
      input: loudnessOf(this.#inputWave),
      output: loudnessOf(this.#outputWave),
      inputWave: this.#inputWave,
      outputWave: this.#outputWave,
    };
  }

  save(): Promise<Blob> {
    return savedFile(this.state.conversation, this.log.entries(), new Date().toISOString());
  }

  open(file: File): Promise<SavedConversation> {
    return openedFile(file);
  }

  // The line

  #opened(again: boolean): void {
    this.#ear.begin();
    this.#silenced.clear();
    this.#running = new AbortController();
    this.#sendSettings(this.state.settings);
    if (again) {
      for (const event of replayed(this.state.conversation.items)) this.#send(event);
      return;
    }
    this.#say(HELLO);
    this.#send({ type: "response.create" });
  }

  #lost(): void {
    this.#running.abort();
    void this.#player.interrupt();
    this.#dispatch({ type: "lost" });
    this.#update({ playing: null, holding: false });
  }

  #connectionChanged(): void {
    const { status, failure } = this.#connection;
    this.#update({ status, failure });
  }

  #received(event: ServerEvent, bytes: number): void {
    const at = this.deps.now();
    this.log.record("in", event, at, bytes);
    this.#reduce({ at, event });
    this.#react(event);
  }

  #send(event: ClientEvent): boolean {
    const sent = this.#connection.send(event);
    if (sent) this.#reduce({ at: this.deps.now(), client: event });
    return sent;
  }

  #sendSettings(patch: SessionPatch): void {
    // What the form makes is the server's to judge.
    this.#send({ type: "session.update", session: patch as unknown as SessionUpdate["session"] });
  }

  #react(event: ServerEvent): void {
    switch (event.type) {
      case "session.updated":
        this.#followMode();
        break;
      case "input_audio_buffer.speech_started":
        this.#ear.speechStarted(event.audio_start_ms);
        if (this.#detection()?.interrupt_response !== false) void this.#silence("server");
        break;
      case "input_audio_buffer.speech_stopped":
        this.#ear.speechStopped(event.audio_end_ms, this.#silenceMs());
        break;
      case "input_audio_buffer.committed":
        this.#ear.committed(event.item_id);
        break;
      case "response.output_audio.delta":
        if (this.#silenced.has(event.response_id)) break;
        this.#player.play(event.item_id, soundOf(event));
        break;
      case "response.output_audio.done":
        this.#player.end(event.item_id);
        break;
      case "response.done":
        this.#silenced.delete(event.response.id);
        this.#putSoundsAway();
        void this.#runTools(event.response);
        break;
      case "conversation.item.truncated":
        this.#send({ type: "conversation.item.retrieve", item_id: event.item_id });
        break;
    }
  }

  #followMode(): void {
    const detection = turnDetectionIn(this.state.conversation.session);
    if (detection === undefined) return;
    this.#voiceDetection = detection ?? this.#voiceDetection;
    this.#update({ mode: detection === null ? "push" : "voice" });
  }

  async #runTools(response: ResponseObject): Promise<void> {
    const calls = callsOf(response);
    if (calls.length === 0) return;
    const { signal } = this.#running;
    const interruptions = this.#interruptions;
    const answers = calls.map(async (call) => {
      const output = await outputOf(call, this.#tools, signal);
      if (signal.aborted) return;
      const item = { type: "function_call_output", call_id: call.callId, output } as const;
      this.#send({ type: "conversation.item.create", item });
    });
    await Promise.all(answers);
    // Who has said something meanwhile gets an answer to that, and it knows the outputs too.
    if (signal.aborted || interruptions !== this.#interruptions) return;
    this.#send({ type: "response.create" });
  }

  // The ear

  #hear(pcm: Uint8Array): void {
    const wanted = this.state.mode === "voice" || this.state.holding;
    if (wanted && !this.#sendingFile) this.#ear.hear(pcm);
  }

  /** Of what the detector takes for the end of speech, how much is silence; null where that varies. */
  #silenceMs(): number | null {
    const ms = this.#detection()?.silence_duration_ms;
    return typeof ms === "number" ? ms : null;
  }

  #detection(): { silence_duration_ms?: unknown; interrupt_response?: unknown } | null {
    const detection = turnDetectionIn(this.state.conversation.session);
    return typeof detection === "object" ? detection : null;
  }

  #microphoneChanged(): void {
    const microphone = this.#microphone.state;
    const listed = microphone.devices !== this.state.microphone.devices;
    this.#update({ microphone });
    if (listed) void this.#listLoudspeakers();
  }

  // The voice

  /** Whenever the microphones were: browsers tell of both when one was allowed, plugged in or out. */
  async #listLoudspeakers(): Promise<void> {
    const devices = await this.deps.loudspeaker.devices();
    this.#update({ loudspeaker: { ...this.state.loudspeaker, devices } });
    const { device } = this.state.loudspeaker;
    const gone = device !== null && devices.every(({ id }) => id !== device);
    if (gone) await this.chooseLoudspeaker(null);
  }

  #say(text: string): void {
    const id = `item_${crypto.randomUUID().replaceAll("-", "").slice(0, 20)}`;
    const content = [{ type: "input_text", text }] as const;
    const item = { type: "message", role: "user", id, content } as const;
    this.#send({ type: "conversation.item.create", item });
  }

  /**
   * Stop the voice, and tell the server how much of it was heard.
   *
   * The server stops by itself when it hears speech; when the client wants quiet, it must say so.
   */
  async #silence(by: "client" | "server" | "player"): Promise<void> {
    const { responding } = this.state.conversation;
    if (by !== "player") this.#interruptions += 1;
    if (responding && by !== "player") this.#silenced.add(responding);
    if (responding && by === "client") this.#send({ type: "response.cancel" });
    const heard = await this.#player.interrupt();
    this.#update({ playing: null });
    for (const each of heard) this.#truncate(each);
  }

  #truncate({ itemId, ms }: Heard): void {
    const clip = this.#clip(itemId);
    if (itemId.startsWith(AGAIN) || clip.samples === 0) return;
    const heardMs = Math.floor(Math.min(ms, clipMs(clip)));
    this.#dispatch({ type: "heard", itemId, ms: heardMs });
    this.#send({
      type: "conversation.item.truncate",
      item_id: itemId,
      content_index: 0,
      audio_end_ms: heardMs,
    });
  }

  /** All but the newest sounds: those may still be cut, and are the likeliest to be played once more. */
  #putSoundsAway(): void {
    let kept = 0;
    for (const item of this.state.conversation.items.toReversed()) {
      if (item.kind !== "message" || item.audio.chunks.length === 0) continue;
      kept += item.audio.samples;
      if (kept <= MOST_SAMPLES_AT_HAND || item.status === "in_progress") continue;
      this.#dispatch({ type: "put_away", itemId: item.id, sound: blobOf(item.audio) });
      for (const chunk of item.audio.chunks) emptied(chunk);
    }
  }

  #started(id: string, latencyMs: number): void {
    const isAgain = id.startsWith(AGAIN);
    this.#update({ playing: isAgain ? id.slice(AGAIN.length) : id });
    if (isAgain) return;
    const responseId = this.#item(id)?.responseId ?? null;
    const local: LocalEvent = { type: "played", itemId: id, responseId };
    this.#reduce({ at: this.deps.now() + latencyMs, local });
  }

  #heard({ itemId, ms }: Heard): void {
    if (!itemId.startsWith(AGAIN)) this.#dispatch({ type: "heard", itemId, ms });
  }

  #finished(heard: Heard): void {
    this.#heard(heard);
    this.#update({ playing: null });
  }

  #clip(id: string): AudioClip {
    const item = this.#item(id);
    return item?.kind === "message" ? item.audio : silence;
  }

  #item(id: string): Item | undefined {
    return this.state.conversation.items.findLast((item) => item.id === id);
  }

  // The state

  #dispatch(local: LocalEvent): void {
    this.#reduce({ at: this.deps.now(), local });
  }

  #reduce(incoming: Incoming): void {
    const conversation = reduce(this.state.conversation, incoming);
    if (conversation !== this.state.conversation) this.#update({ conversation });
  }

  #update(part: Partial<ConsoleState>): void {
    const state = { ...this.state, ...part };
    this.state = { ...state, assistantState: assistantStateOf(state) };
    this.#listeners.notify();
  }
}

/**
 * The sound is in a blob by now, and its item as it was is history; but React keeps that one as long as the new one
 * is shown, and its sound with it (measured: 106 of 172 MB after an hour). What is transferred away weighs nothing.
 */
function emptied(chunk: Uint8Array): void {
  if (chunk.buffer instanceof ArrayBuffer)
    structuredClone(chunk.buffer, { transfer: [chunk.buffer] });
}

function assistantStateOf(state: ConsoleState): ConsoleState["assistantState"] {
  const { conversation, microphone } = state;
  if (state.status !== "connected") return "idle";
  if (state.holding || conversation.speaking) return "listening";
  if (state.playing) return "speaking";
  const turn = conversation.turns.at(-1);
  const isWaitedFor = turn?.turnEndMs != null && turn.responseId === null && turn.doneMs === null;
  if (conversation.responding || isWaitedFor) return "thinking";
  const hears = state.mode === "voice" && microphone.state === "on" && !microphone.muted;
  return hears ? "listening" : "idle";
}

/** The loudness of *wave*: the root of its mean square. */
function loudnessOf(wave: Float32Array): number {
  let squares = 0;
  for (const value of wave) squares += value * value;
  return Math.min(1, Math.sqrt(squares / wave.length));
}
