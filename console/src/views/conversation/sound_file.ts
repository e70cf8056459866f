import type { RealtimeConsole } from "../../realtime/types";
import { createStore } from "../../ui/store";

/** The name of the last file that was to be said and could not be. */
export const refusedFile = createStore<string | null>(null);

export async function sayFile(console: RealtimeConsole, file: File): Promise<void> {
  refusedFile.set(null);
  try {
    await console.sendAudioFile(file);
  } catch {
    // Whatever is wrong with it, the cure is another file.
    refusedFile.set(file.name);
  }
}
