import type { Tool } from "../realtime/types";
import { createStoredStore } from "../ui/store";
import { setMemory } from "./memory";
import { type OwnTool, toolOf } from "./own";
import { calculateSum } from "./sum";
import { getWeather } from "./weather";

export const builtInTools: readonly Tool[] = [getWeather, setMemory, calculateSum];

/** The names switched off; all others are offered to the model. */
export const disabledTools = createStoredStore<readonly string[]>(
  "localStorage",
  "louro.tools.off",
  (raw) => (Array.isArray(raw) ? raw.filter((each) => typeof each === "string") : []),
);

export function offeredTools(own: readonly OwnTool[], off: readonly string[]): readonly Tool[] {
  const names = new Set(own.map((tool) => tool.name));
  const builtIn = builtInTools.filter((tool) => !names.has(tool.name));
  return [...builtIn, ...own.map(toolOf)].filter((tool) => !off.includes(tool.name));
}

export function toggled(off: readonly string[], name: string, on: boolean): readonly string[] {
  const others = off.filter((each) => each !== name);
  return on ? others : [...others, name];
}
