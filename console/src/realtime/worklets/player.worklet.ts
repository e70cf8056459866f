import { type FromPlayer, PLAYER, type ToPlayer } from "./messages";
import { PlayQueue } from "./play_queue";
import { floatsOf } from "./samples";

const PROGRESS_SAMPLES = 2400;

class Player extends AudioWorkletProcessor {
  readonly #queue = new PlayQueue();
  #toldSamples = 0;

  constructor() {
    super();
    this.port.onmessage = ({ data }: MessageEvent<ToPlayer>) => this.#obey(data);
  }

  override process(_inputs: Float32Array[][], outputs: Float32Array[][]): boolean {
    const output = outputs[0]?.[0];
    if (!output) return true;
    this.#queue.fill(output, (event) => this.#tell(event));
    const current = this.#queue.current;
    if (current && current.samples - this.#toldSamples >= PROGRESS_SAMPLES) {
      this.#toldSamples = current.samples;
      this.#tell({ type: "progress", ...current });
    }
    return true;
  }

  #obey(order: ToPlayer): void {
    switch (order.type) {
      case "sound":
        this.#queue.add(order.id, floatsOf(new Int16Array(order.pcm)));
        break;
      case "end":
        this.#queue.end(order.id);
        break;
      case "stop":
        this.#tell({ type: "stopped", request: order.request, played: this.#queue.stop() });
        break;
    }
  }

  #tell(event: FromPlayer): void {
    if (event.type === "started") this.#toldSamples = 0;
    this.port.postMessage(event);
  }
}

registerProcessor(PLAYER, Player);
