import type { Key } from "../i18n/dictionary";
import { isObject, textAt } from "../ui/json";
import { createStoredStore } from "../ui/store";
import { emptyForm, type SessionForm } from "./session_form";

export interface Preset {
  readonly name: string;
  readonly changes: Partial<SessionForm>;
}

export interface BuiltInPreset {
  readonly key: Key;
  readonly changes: Partial<SessionForm>;
}

export const builtInPresets: readonly BuiltInPreset[] = [
  {
    key: "preset.conversation",
    changes: { detection: "server_vad", threshold: 0.5, silenceMs: 200, prefixPaddingMs: 300 },
  },
  {
    key: "preset.patient",
    changes: { detection: "semantic_vad", eagerness: "low", interruptResponse: true },
  },
  {
    key: "preset.noisy",
    changes: { detection: "server_vad", threshold: 0.75, silenceMs: 600, prefixPaddingMs: 300 },
  },
  { key: "preset.push", changes: { detection: "none" } },
  { key: "preset.text", changes: { modality: "text" } },
];

export const ownPresets = createStoredStore<readonly Preset[]>(
  "localStorage",
  "louro.presets",
  (raw) => (Array.isArray(raw) ? raw.flatMap(presetOf) : []),
);

/** *preset* in place of any of the same name. */
export function withPreset(presets: readonly Preset[], preset: Preset): readonly Preset[] {
  return [...presets.filter((other) => other.name !== preset.name), preset];
}

function presetOf(raw: unknown): readonly Preset[] {
  const name = textAt(raw, "name");
  if (!name || !isObject(raw)) return [];
  const stored = isObject(raw.changes) ? raw.changes : {};
  const known = Object.entries(emptyForm).filter(
    ([field, value]) => typeof stored[field] === typeof value,
  );
  return [{ name, changes: Object.fromEntries(known.map(([field]) => [field, stored[field]])) }];
}
