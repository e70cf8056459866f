/** One conversation's line to the server: opened, lost, opened again. */
import type { ClientEvent, ServerEvent } from "../protocol/events";
import { ConnectionRefused, type Failure, type Ticket, ticketFor } from "./address";
import type { Status, Target } from "./types";

/** What is used of a WebSocket. */
export type Socket = Pick<WebSocket, "bufferedAmount" | "onmessage" | "onclose" | "send" | "close">;

export interface Network {
  readonly page: string;
  readonly fetch: typeof globalThis.fetch;
  open(url: string, protocols: readonly string[]): Socket;
  /** Resolves after *ms*, or at once when *signal* is aborted. */
  delay(ms: number, signal: AbortSignal): Promise<void>;
  random(): number;
}

export interface ConnectionListener {
  /** *again*: after a loss, with an empty conversation at the other end. */
  opened(again: boolean): void;
  received(event: ServerEvent, bytes: number): void;
  sent(event: ClientEvent, bytes: number): void;
  lost(): void;
  changed(): void;
}

/** Before a retry; then one gives up. */
const RETRY_AFTER_MS = [500, 1000, 2000, 4000, 8000, 8000, 8000, 8000];
const OPENING_MS = 15_000;
/** A minute of sound: what lies behind it would be heard too late to matter. */
const MOST_BUFFERED_BYTES = 4_000_000;
/** What a person does while the line is down. */
const MOST_QUEUED = 64;
/** The server has said no, and would again. */
const REFUSALS = new Set([3000, 4000]);

export class Connection {
  status: Status = "idle";
  failure: Failure | null = null;
  #socket: Socket | null = null;
  #live: AbortController | null = null;
  #queue: ClientEvent[] = [];
  #lastError: Failure | null = null;

  constructor(
    private readonly network: Network,
    private readonly listener: ConnectionListener,
  ) {}

  /** Resolves when the first attempt has ended, however it ended: `status` tells. */
  async connect(target: Target): Promise<void> {
    this.disconnect();
    const live = new AbortController();
    this.#live = live;
    this.#become("connecting", null);
    await this.#attempt(target, live, false, (failure) => this.#give(failure));
  }

  disconnect(): void {
    this.#live?.abort();
    this.#live = null;
    this.#hangUp();
    this.#queue = [];
    if (this.status !== "idle") this.#become("idle", null);
  }

  /** Whether the event was sent, or will be: sound that cannot go now is not worth sending later. */
  send(event: ClientEvent): boolean {
    const isSound = event.type === "input_audio_buffer.append";
    const socket = this.status === "connected" ? this.#socket : null;
    if (!socket) return !isSound && this.#enqueue(event);
    if (isSound && socket.bufferedAmount > MOST_BUFFERED_BYTES) return false;
    const text = JSON.stringify(event);
    socket.send(text);
    this.listener.sent(event, text.length);
    return true;
  }

  #enqueue(event: ClientEvent): boolean {
    const waits = this.status === "connecting" || this.status === "reconnecting";
    if (!waits || this.#queue.length >= MOST_QUEUED) return false;
    this.#queue.push(event);
    return true;
  }

  async #attempt(
    target: Target,
    live: AbortController,
    again: boolean,
    failed: (failure: Failure) => void,
  ): Promise<void> {
    try {
      const ticket = await ticketFor(target, this.network.page, this.network.fetch);
      if (live.signal.aborted) return;
      await this.#open(ticket, live, again);
      const lost = () => void this.#reconnect(target, live);
      this.#watch(live, lost);
    } catch (error) {
      if (!(error instanceof ConnectionRefused)) throw error;
      if (!live.signal.aborted) failed(error.failure);
    }
  }

  /** Resolves when the session has begun; rejects with ConnectionRefused. */
  #open(ticket: Ticket, live: AbortController, again: boolean): Promise<void> {
    const socket = this.network.open(ticket.url, ticket.protocols);
    this.#socket = socket;
    this.#lastError = null;
    const opened = new AbortController();
    return new Promise((resolve, reject) => {
      const refuse = (failure: Failure) => {
        opened.abort();
        this.#hangUp();
        reject(new ConnectionRefused(failure));
      };
      void this.network.delay(OPENING_MS, opened.signal).then(() => {
        const slow = { code: "timeout", message: "The server took too long to begin." };
        if (!opened.signal.aborted) refuse(slow);
      });
      live.signal.addEventListener("abort", () => refuse(LEFT), { signal: opened.signal });
      socket.onclose = (close) => refuse(this.#reasonOf(close));
      socket.onmessage = ({ data }) => {
        if (this.#receive(data) !== "session.created" || opened.signal.aborted) return;
        opened.abort();
        this.#begin(again);
        resolve();
      };
    });
  }

  #begin(again: boolean): void {
    this.#become("connected", null);
    this.listener.opened(again);
    const queue = this.#queue;
    this.#queue = [];
    for (const event of queue) this.send(event);
  }

  #watch(live: AbortController, lost: () => void): void {
    const socket = this.#socket;
    if (!socket) return;
    socket.onmessage = ({ data }) => this.#receive(data);
    socket.onclose = (close) => {
      if (live.signal.aborted) return;
      this.#socket = null;
      this.listener.lost();
      if (REFUSALS.has(close.code)) this.#give(this.#reasonOf(close));
      else lost();
    };
  }

  async #reconnect(target: Target, live: AbortController): Promise<void> {
    let last: Failure = { code: "connection_lost", message: "The connection was lost." };
    this.#become("reconnecting", null);
    for (const ms of RETRY_AFTER_MS) {
      // All pages of a server that restarts would otherwise come back in the same moment.
      await this.network.delay(ms * (0.8 + 0.4 * this.network.random()), live.signal);
      if (live.signal.aborted) return;
      await this.#attempt(target, live, true, (failure) => {
        last = failure;
      });
      if (this.status !== "reconnecting" || live.signal.aborted) return;
    }
    this.#give(last);
  }

  #receive(data: unknown): string | null {
    if (typeof data !== "string") return null;
    const event = eventOf(data);
    if (!event) return null;
    if (event.type === "error") {
      this.#lastError = {
        code: event.error.code ?? event.error.type,
        message: event.error.message,
      };
    }
    this.listener.received(event, data.length);
    return event.type;
  }

  #reasonOf(close: { readonly code: number; readonly reason: string }): Failure {
    if (this.#lastError) return this.#lastError;
    const message = close.reason || "The server could not be reached.";
    return { code: close.code === 1006 ? "unreachable" : `close_${close.code}`, message };
  }

  #give(failure: Failure): void {
    this.#live?.abort();
    this.#live = null;
    this.#queue = [];
    this.#become("failed", failure);
  }

  #hangUp(): void {
    const socket = this.#socket;
    this.#socket = null;
    if (!socket) return;
    socket.onclose = null;
    socket.onmessage = null;
    socket.close(1000);
  }

  #become(status: Status, failure: Failure | null): void {
    this.status = status;
    this.failure = failure;
    this.listener.changed();
  }
}

const LEFT: Failure = { code: "disconnected", message: "The connection was given up." };

function eventOf(text: string): ServerEvent | null {
  try {
    const event: unknown = JSON.parse(text);
    const hasType = typeof (event as { type?: unknown } | null)?.type === "string";
    return hasType ? (event as ServerEvent) : null;
  } catch {
    return null;
  }
}
