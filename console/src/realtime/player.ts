/** The loudspeaker, and what of each item was heard through it. */
import { RATE_HZ } from "../protocol/bytes";
import type { Device } from "./types";
import type { FromPlayer, ToPlayer } from "./worklets/messages";
import type { Played } from "./worklets/play_queue";

/** Where the sound goes: the browser's, or a test's. */
export interface Output {
  post(order: ToPlayer): void;
  /** From the queue to the ear. */
  latencyMs(): number;
  /** Let the page sound; browsers want a click before. */
  resume(): void;
  /** Rejects where that device cannot be had; null: the system's. */
  choose(device: string | null): Promise<void>;
  wave(into: Float32Array<ArrayBuffer>): void;
}

export interface Heard {
  readonly itemId: string;
  readonly ms: number;
}

export interface PlayerListener {
  started(itemId: string, latencyMs: number): void;
  heard(heard: Heard): void;
  finished(heard: Heard): void;
}

export interface LoudspeakerSource {
  open(listen: (event: FromPlayer) => void): Promise<Output>;
  /** Those that can be chosen. */
  devices(): Promise<readonly Device[]>;
}

type Opener = LoudspeakerSource["open"];

// An audio thread that does not answer must not hold up an interruption.
const STOP_ANSWER_MS = 250;

export class Player {
  #output: Output | null = null;
  #opening: Promise<void> | null = null;
  #waiting: ToPlayer[] = [];
  #requests = 0;
  readonly #stops = new Map<number, (played: readonly Played[]) => void>();

  constructor(
    private readonly open: Opener,
    private readonly listener: PlayerListener,
  ) {}

  /** Call it from a click. Without a loudspeaker the conversation goes on unheard. */
  start(): Promise<void> {
    this.#output?.resume();
    this.#opening ??= this.#open();
    return this.#opening;
  }

  /** Sound there from now on. Resolves with whether it does. */
  async choose(device: string | null): Promise<boolean> {
    await this.#opening;
    if (!this.#output) return false;
    try {
      await this.#output.choose(device);
      return true;
    } catch (error) {
      console.warn("The loudspeaker could not be changed.", error);
      return false;
    }
  }

  play(itemId: string, pcm: Uint8Array): void {
    const whole = pcm.slice(0, pcm.length - (pcm.length % 2));
    this.#post({ type: "sound", id: itemId, pcm: whole.buffer });
  }

  end(itemId: string): void {
    this.#post({ type: "end", id: itemId });
  }

  /** Be silent at once; resolves with what was heard of the items that were begun or waiting. */
  interrupt(): Promise<readonly Heard[]> {
    const unplayed = this.#waiting.filter((order) => order.type === "sound").map(({ id }) => id);
    this.#waiting = [];
    const output = this.#output;
    if (!output) {
      return Promise.resolve([...new Set(unplayed)].map((itemId) => ({ itemId, ms: 0 })));
    }
    this.#requests += 1;
    const request = this.#requests;
    return new Promise((resolve) => {
      const answered = (played: readonly Played[]) => {
        clearTimeout(timer);
        this.#stops.delete(request);
        resolve(played.map((each) => this.#heardOf(each)));
      };
      const timer = setTimeout(() => answered([]), STOP_ANSWER_MS);
      this.#stops.set(request, answered);
      output.post({ type: "stop", request });
    });
  }

  wave(into: Float32Array<ArrayBuffer>): void {
    if (this.#output) this.#output.wave(into);
    else into.fill(0);
  }

  async #open(): Promise<void> {
    try {
      const output = await this.open((event) => this.#listen(event));
      for (const order of this.#waiting) output.post(order);
      this.#waiting = [];
      this.#output = output;
    } catch (error) {
      this.#opening = null;
      console.warn("The loudspeaker could not be opened.", error);
    }
  }

  #post(order: ToPlayer): void {
    if (this.#output) this.#output.post(order);
    else if (this.#opening) this.#waiting.push(order);
  }

  #listen(event: FromPlayer): void {
    switch (event.type) {
      case "started":
        this.listener.started(event.id, this.#output?.latencyMs() ?? 0);
        break;
      case "progress":
        this.listener.heard(this.#heardOf(event));
        break;
      case "finished":
        this.listener.finished({ itemId: event.id, ms: msOf(event.samples) });
        break;
      case "stopped":
        this.#stops.get(event.request)?.(event.played);
        break;
    }
  }

  /** What has left the queue is not heard yet: it is still on its way through the machine. */
  #heardOf({ id, samples }: Played): Heard {
    const ms = msOf(samples) - (this.#output?.latencyMs() ?? 0);
    return { itemId: id, ms: Math.max(0, ms) };
  }
}

function msOf(samples: number): number {
  return (samples * 1000) / RATE_HZ;
}
