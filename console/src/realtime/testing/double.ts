/** A server, a microphone and a loudspeaker for tests: they do what the test says, when it says so. */
import type { ClientEvent, ServerEvent } from "../../protocol/events";
import type { Network, Socket } from "../connection";
import type { Input, InputListener, MicrophoneSource } from "../microphone";
import type { Output } from "../player";
import type { FromPlayer, ToPlayer } from "../worklets/messages";
import { PlayQueue } from "../worklets/play_queue";
import { floatsOf } from "../worklets/samples";

/** Let everything happen that waits for nothing but its turn. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

export class FakeSocket implements Socket {
  bufferedAmount = 0;
  onmessage: Socket["onmessage"] = null;
  onclose: Socket["onclose"] = null;
  closed = false;
  readonly sent: ClientEvent[] = [];

  constructor(
    readonly url: string,
    readonly protocols: readonly string[],
  ) {}

  send(text: string): void {
    this.sent.push(JSON.parse(text) as ClientEvent);
  }

  close(): void {
    this.closed = true;
  }

  /** The server says *event*. */
  say(event: { readonly type: ServerEvent["type"]; readonly [key: string]: unknown }): void {
    this.onmessage?.call(this.real, new MessageEvent("message", { data: JSON.stringify(event) }));
  }

  drop(code: number, reason = ""): void {
    const close = { code, reason } as CloseEvent;
    this.onclose?.call(this.real, close);
  }

  types(): readonly string[] {
    return this.sent.map(({ type }) => type);
  }

  private get real(): WebSocket {
    return this as unknown as WebSocket;
  }
}

interface Delay {
  readonly ms: number;
  readonly end: () => void;
}

export class FakeNetwork implements Network {
  readonly page = "http://localhost:8765/";
  readonly sockets: FakeSocket[] = [];
  delays: Delay[] = [];
  answer: () => Response = () => new Response(JSON.stringify({ value: "ek_1" }));

  fetch = () => Promise.resolve().then(() => this.answer());

  open(url: string, protocols: readonly string[]): FakeSocket {
    const socket = new FakeSocket(url, protocols);
    this.sockets.push(socket);
    return socket;
  }

  delay(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const end = () => {
        this.delays = this.delays.filter((each) => each.end !== end);
        signal.removeEventListener("abort", end);
        resolve();
      };
      this.delays.push({ ms, end });
      if (signal.aborted) end();
      else signal.addEventListener("abort", end);
    });
  }

  random(): number {
    return 0.5;
  }

  get socket(): FakeSocket {
    const newest = this.sockets.at(-1);
    if (!newest) throw new Error("nothing was opened");
    return newest;
  }

  /** The shortest delay is over. */
  async pass(): Promise<void> {
    const [first] = [...this.delays].sort((a, b) => a.ms - b.ms);
    first?.end();
    await settled();
  }
}

export class FakeLoudspeaker {
  readonly queue = new PlayQueue();
  resumed = 0;
  device: string | null = null;
  plugged = ["default", "headset"];
  #listen: (event: FromPlayer) => void = () => undefined;

  open = (listen: (event: FromPlayer) => void): Promise<Output> => {
    this.#listen = listen;
    return Promise.resolve({
      post: (order: ToPlayer) => this.#obey(order),
      latencyMs: () => 0,
      resume: () => {
        this.resumed += 1;
      },
      choose: (device) => this.#choose(device),
      wave: (into: Float32Array) => into.fill(0.5),
    });
  };

  devices() {
    return Promise.resolve(this.plugged.map((id) => ({ id, label: id })));
  }

  /** That many milliseconds go out. */
  sound(ms: number): void {
    this.queue.fill(new Float32Array(ms * 24), this.#listen);
    const { current } = this.queue;
    if (current) this.#listen({ type: "progress", ...current });
  }

  async #choose(device: string | null): Promise<void> {
    if (device !== null && !this.plugged.includes(device)) throw new Error("gone");
    this.device = device;
  }

  #obey(order: ToPlayer): void {
    if (order.type === "sound") this.queue.add(order.id, floatsOf(new Int16Array(order.pcm)));
    else if (order.type === "end") this.queue.end(order.id);
    else this.#listen({ type: "stopped", request: order.request, played: this.queue.stop() });
  }
}

export class FakeMicrophone implements MicrophoneSource {
  listener: InputListener | null = null;
  error: Error | null = null;
  muted = false;
  closed = 0;
  changed: () => void = () => undefined;

  open(device: string | undefined, listener: InputListener): Promise<Input> {
    if (this.error) return Promise.reject(this.error);
    this.listener = listener;
    return Promise.resolve({
      device: device ?? "built-in",
      setMuted: (muted: boolean) => {
        this.muted = muted;
      },
      wave: (into: Float32Array) => into.fill(0.25),
      close: () => {
        this.closed += 1;
      },
    });
  }

  devices() {
    return Promise.resolve([{ id: "built-in", label: "Built-in" }]);
  }

  onDevicesChanged(listener: () => void): void {
    this.changed = listener;
  }

  /** 40 ms are heard, *count* times. */
  hear(count = 1): void {
    for (let index = 0; index < count; index += 1) this.listener?.frame(new Uint8Array(1920));
  }
}
