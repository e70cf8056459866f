/** The last events of the wire, for people to read. */
import type { ClientEvent, ConversationItemRetrieved, ServerEvent } from "../protocol/events";
import { Listeners, type Schedule } from "./listeners";
import type { EventLog, LogEntry } from "./types";

/** A long talk's worth of lines; the browser holds some tens of MB for them. */
export const MOST_ENTRIES = 20_000;
/** Of base64, over all entries: about three minutes of sound. The oldest sounds go first. */
export const MOST_AUDIO_CHARACTERS = 12_000_000;

type Event = ServerEvent | ClientEvent;
type AudioEvent = Extract<
  Event,
  { type: "input_audio_buffer.append" | "response.output_audio.delta" }
>;

export class WireLog implements EventLog {
  readonly #ring: (LogEntry | undefined)[] = [];
  readonly #listeners: Listeners;
  #first = 0;
  #size = 0;
  #nextId = 0;
  /** What happens during a pause: bounded as the log itself. */
  #waiting: WireLog | null = null;
  #audioCharacters = 0;
  /** The oldest id that may still hold a sound. */
  #oldestSound = 0;

  constructor(
    schedule: Schedule,
    private readonly most = MOST_ENTRIES,
    private readonly mostAudio = MOST_AUDIO_CHARACTERS,
  ) {
    this.#listeners = new Listeners(schedule);
  }

  get size(): number {
    return this.#size;
  }

  get paused(): boolean {
    return this.#waiting !== null;
  }

  at(index: number): LogEntry | undefined {
    return index < 0 || index >= this.#size ? undefined : this.#ring[this.#placeOf(index)];
  }

  subscribe(listener: () => void): () => void {
    return this.#listeners.add(listener);
  }

  /** What happens meanwhile is kept, and shown when one resumes. */
  pause(): void {
    this.#waiting ??= new WireLog(() => undefined, this.most, this.mostAudio);
    this.#listeners.notify();
  }

  resume(): void {
    const waiting = this.#waiting?.entries() ?? [];
    this.#waiting = null;
    for (const entry of waiting) this.#add(entry);
    this.#listeners.notify();
  }

  clear(): void {
    this.#ring.length = 0;
    this.#first = 0;
    this.#size = 0;
    this.#audioCharacters = 0;
    this.#oldestSound = this.#nextId;
    this.#listeners.notify();
  }

  export(): Blob {
    return new Blob([JSON.stringify(this.entries(), null, 1)], { type: "application/json" });
  }

  entries(): readonly LogEntry[] {
    return Array.from({ length: this.#size }, (_, index) => this.at(index)).filter(
      (entry) => entry !== undefined,
    );
  }

  record(direction: LogEntry["direction"], event: Event, at: number, bytes: number): void {
    if (this.#waiting) {
      this.#waiting.record(direction, event, at, bytes);
      return;
    }
    const kept = event.type === "conversation.item.retrieved" ? withoutSoundInItem(event) : event;
    this.#add({ id: 0, at, direction, type: event.type, event: kept, count: 1, bytes });
    this.#listeners.notify();
  }

  #add(entry: LogEntry): void {
    const last = this.at(this.#size - 1);
    if (last && isSameRun(last, entry)) {
      this.#ring[this.#placeOf(this.#size - 1)] = grouped(last, entry);
      this.#audioCharacters += soundIn(entry);
      this.#forgetSounds(last.id - this.#size + 1);
      return;
    }
    this.#push({ ...entry, id: this.#nextId });
    this.#nextId += 1;
  }

  #push(entry: LogEntry): void {
    if (this.#size < this.most) {
      this.#size += 1;
    } else {
      this.#audioCharacters -= soundIn(this.at(0));
      this.#first = (this.#first + 1) % this.most;
    }
    this.#ring[this.#placeOf(this.#size - 1)] = entry;
    this.#audioCharacters += soundIn(entry);
    this.#forgetSounds(entry.id - this.#size + 1);
  }

  #forgetSounds(firstId: number): void {
    const newestId = firstId + this.#size - 1;
    this.#oldestSound = Math.max(this.#oldestSound, firstId);
    while (this.#audioCharacters > this.mostAudio && this.#oldestSound <= newestId) {
      const place = this.#placeOf(this.#oldestSound - firstId);
      const entry = this.#ring[place];
      if (!entry) return;
      this.#audioCharacters -= soundIn(entry);
      this.#ring[place] = silenced(entry);
      // The newest may grow on, and hold sounds again.
      if (this.#oldestSound === newestId) return;
      this.#oldestSound += 1;
    }
  }

  #placeOf(index: number): number {
    return (this.#first + index) % this.most;
  }
}

function isSameRun(last: LogEntry, next: LogEntry): boolean {
  const repeats = next.type.endsWith(".delta") || next.type === "input_audio_buffer.append";
  return repeats && last.type === next.type && last.direction === next.direction;
}

/** The list grows in place: a run of deltas would otherwise be copied at each of them. */
function grouped(run: LogEntry, next: LogEntry): LogEntry {
  const more = (run.more ?? []) as Event[];
  more.push(next.event);
  for (const event of next.more ?? []) more.push(event);
  return { ...run, more, count: run.count + next.count, bytes: run.bytes + next.bytes };
}

function hasSound(event: Event): event is AudioEvent {
  return event.type === "input_audio_buffer.append" || event.type === "response.output_audio.delta";
}

function soundIn(entry: LogEntry | undefined): number {
  if (!entry || !hasSound(entry.event)) return 0;
  return [entry.event, ...(entry.more ?? [])].reduce((sum, event) => sum + charactersIn(event), 0);
}

function charactersIn(event: Event): number {
  if (!hasSound(event)) return 0;
  return event.type === "input_audio_buffer.append" ? event.audio.length : event.delta.length;
}

/** Of a run of sounds nothing else is worth keeping than that it was. */
function silenced(entry: LogEntry): LogEntry {
  if (!hasSound(entry.event)) return entry;
  const { more: _, ...first } = entry;
  return { ...first, event: withoutSound(entry.event) };
}

/** A whole answer's sound; it came in the deltas already. */
function withoutSoundInItem(event: ConversationItemRetrieved): ConversationItemRetrieved {
  const { item } = event;
  if (item.type !== "message") return event;
  const content = item.content.map((part) => ("audio" in part ? { ...part, audio: "" } : part));
  return { ...event, item: { ...item, content } };
}

function withoutSound(event: Event): Event {
  if (!hasSound(event)) return event;
  return event.type === "input_audio_buffer.append"
    ? { ...event, audio: "" }
    : { ...event, delta: "" };
}
