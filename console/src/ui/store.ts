import { useSyncExternalStore } from "react";

export interface Store<T> {
  get(): T;
  set(value: T): void;
  subscribe(listener: () => void): () => void;
}

export function createStore<T>(initial: T): Store<T> {
  let value = initial;
  const listeners = new Set<() => void>();
  return {
    get: () => value,
    set(next) {
      if (Object.is(next, value)) return;
      value = next;
      for (const listener of [...listeners]) listener();
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

/** Where a store outlives the page: for this browser, or for this tab. */
export type Keeping = "localStorage" | "sessionStorage";

/** A store that outlives the page; *parse* turns away what an older page or another hand wrote. */
export function createStoredStore<T>(
  keeping: Keeping,
  key: string,
  parse: (raw: unknown) => T,
): Store<T> {
  const store = createStore(parse(readStored(keeping, key)));
  store.subscribe(() => writeStored(keeping, key, store.get()));
  return store;
}

export function useStore<T>(store: Store<T>): T {
  return useSyncExternalStore(store.subscribe, store.get);
}

function readStored(keeping: Keeping, key: string): unknown {
  try {
    return JSON.parse(globalThis[keeping].getItem(key) ?? "null");
  } catch {
    // Forbidden by the browser, or not our JSON: begin afresh.
    return null;
  }
}

function writeStored(keeping: Keeping, key: string, value: unknown): void {
  try {
    globalThis[keeping].setItem(key, JSON.stringify(value));
  } catch {
    // A full or forbidden storage costs the next visit its settings, not this one.
  }
}
