/** Runs *task* soon: with the next frame, so that a burst of events is drawn once. */
export type Schedule = (task: () => void) => void;

// A hidden page gets no frames, and yet what it shows (its title, a screen reader) must go on.
const HIDDEN_MS = 100;

export function withNextFrame(task: () => void): void {
  if (typeof document === "undefined" || document.hidden) setTimeout(task, HIDDEN_MS);
  else requestAnimationFrame(task);
}

export class Listeners {
  readonly #listeners = new Set<() => void>();
  #scheduled = false;

  constructor(private readonly schedule: Schedule) {}

  add(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  notify(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.schedule(() => {
      this.#scheduled = false;
      for (const listener of [...this.#listeners]) listener();
    });
  }
}
