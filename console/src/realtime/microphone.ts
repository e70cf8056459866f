/** The microphone as a stream of frames, and why it may be silent. */
import type { Device, MicrophoneState } from "./types";

export interface Input {
  readonly device: string | null;
  setMuted(muted: boolean): void;
  wave(into: Float32Array<ArrayBuffer>): void;
  close(): void;
}

export interface InputListener {
  /** 40 ms of 24 kHz mono int16. */
  frame(pcm: Uint8Array): void;
  /** The device is gone. */
  ended(): void;
}

export interface MicrophoneSource {
  open(device: string | undefined, listener: InputListener): Promise<Input>;
  /** Labels are empty until the microphone was allowed once. */
  devices(): Promise<readonly Device[]>;
  onDevicesChanged(listener: () => void): void;
}

export const microphoneOff: MicrophoneState = {
  state: "off",
  muted: false,
  device: null,
  devices: [],
};

export class Microphone {
  state: MicrophoneState = microphoneOff;
  #input: Input | null = null;
  #attempt = 0;

  constructor(
    private readonly source: MicrophoneSource,
    private readonly hear: (pcm: Uint8Array) => void,
    private readonly changed: () => void,
  ) {
    source.onDevicesChanged(() => void this.#list());
  }

  /** Ask for the microphone, or change over to another. Resolves whether or not it was given. */
  async enable(device?: string): Promise<void> {
    this.#attempt += 1;
    const attempt = this.#attempt;
    this.#become({ state: "asking" });
    try {
      const input = await this.source.open(device, {
        frame: (pcm) => attempt === this.#attempt && this.hear(pcm),
        ended: () => attempt === this.#attempt && this.#lost(),
      });
      if (attempt !== this.#attempt) return input.close();
      this.#input?.close();
      this.#input = input;
      input.setMuted(this.state.muted);
      this.#become({ state: "on", device: input.device });
      await this.#list();
    } catch (error) {
      if (attempt === this.#attempt) this.#become({ state: reasonOf(error) });
    }
  }

  mute(muted: boolean): void {
    this.#input?.setMuted(muted);
    this.#become({ muted });
  }

  close(): void {
    this.#attempt += 1;
    this.#input?.close();
    this.#input = null;
    this.#become({ state: "off" });
  }

  wave(into: Float32Array<ArrayBuffer>): void {
    if (this.#input) this.#input.wave(into);
    else into.fill(0);
  }

  #lost(): void {
    this.close();
    this.#become({ state: "missing" });
  }

  async #list(): Promise<void> {
    this.#become({ devices: await this.source.devices() });
  }

  #become(part: Partial<MicrophoneState>): void {
    this.state = { ...this.state, ...part };
    this.changed();
  }
}

function reasonOf(error: unknown): "denied" | "missing" {
  const name = error instanceof Error ? error.name : "";
  return name === "NotAllowedError" || name === "SecurityError" ? "denied" : "missing";
}
