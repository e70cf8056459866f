import type { Tool } from "../realtime/types";
import { at, textAt } from "../ui/json";
import { createStoredStore } from "../ui/store";

export interface Memory {
  readonly key: string;
  readonly value: string;
}

// A model in a loop must not fill the browser's storage.
const MOST_MEMORIES = 200;

export const memories = createStoredStore<readonly Memory[]>(
  "localStorage",
  "louro.memory",
  (raw) =>
    Array.isArray(raw)
      ? raw.flatMap((each) => {
          const key = textAt(each, "key");
          return key ? [{ key, value: textAt(each, "value") }] : [];
        })
      : [],
);

export const setMemory: Tool = {
  name: "set_memory",
  description: "Remember something about the person for later, under a short key.",
  parameters: {
    type: "object",
    properties: {
      key: {
        type: "string",
        description: "Lower case, with underscores. A key used again is replaced.",
      },
      value: { type: "string", description: "What to remember. Any text." },
    },
    required: ["key", "value"],
  },
  run(args) {
    const memory = { key: wordsAt(args, "key").trim(), value: wordsAt(args, "value") };
    if (!memory.key) return Promise.reject(new Error("key must not be empty"));
    memories.set(remembering(memories.get(), memory));
    // In words: a small model reads JSON aloud, brackets and all.
    return Promise.resolve(`I will remember: ${memory.key.replaceAll("_", " ")}, ${memory.value}.`);
  },
};

/** Models write an age as a number, whatever the schema says. */
function wordsAt(args: unknown, key: string): string {
  const found = at(args, key);
  return typeof found === "number" ? String(found) : textAt(args, key);
}

export function remembering(known: readonly Memory[], memory: Memory): readonly Memory[] {
  return [...known.filter((each) => each.key !== memory.key), memory].slice(-MOST_MEMORIES);
}
