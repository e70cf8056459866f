import type { EventLog, LogEntry } from "../../realtime/types";
import { readable } from "./audio";

export interface EventFilter {
  readonly direction: "both" | "in" | "out";
  /** The type's beginning; "": every type. */
  readonly family: string;
  readonly search: string;
}

export const everyEvent: EventFilter = { direction: "both", family: "", search: "" };

const searchable = new WeakMap<object, string>();

/** The positions in *log* of the entries that pass; null: all do. */
export function matching(
  log: Pick<EventLog, "size" | "at">,
  filter: EventFilter,
): readonly number[] | null {
  const search = filter.search.trim().toLowerCase();
  if (filter.direction === "both" && !filter.family && !search) return null;
  const found: number[] = [];
  for (let index = 0; index < log.size; index += 1) {
    const entry = log.at(index);
    if (entry && passes(entry, filter, search)) found.push(index);
  }
  return found;
}

export function familyOf(type: string): string {
  return type.split(".")[0] ?? type;
}

function passes(entry: LogEntry, filter: EventFilter, search: string): boolean {
  if (filter.direction !== "both" && entry.direction !== filter.direction) return false;
  if (filter.family && familyOf(entry.type) !== filter.family) return false;
  return !search || entry.type.includes(search) || searchableText(entry).includes(search);
}

/** A word may lie across two deltas; and in base64 everything can be found. */
function wordsOf(event: LogEntry["event"], index: number): string {
  const first = index === 0;
  if ("delta" in event && event.type !== "response.output_audio.delta") {
    return first ? JSON.stringify({ ...event, delta: "" }) + event.delta : event.delta;
  }
  return first ? readable(event) : "";
}

function searchableText(entry: LogEntry): string {
  const known = searchable.get(entry);
  if (known !== undefined) return known;
  const text = [entry.event, ...(entry.more ?? [])].map(wordsOf).join("").toLowerCase();
  searchable.set(entry, text);
  return text;
}
