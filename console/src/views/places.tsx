import {
  AudioLines,
  ChartNoAxesGantt,
  Coins,
  type LucideIcon,
  ScrollText,
  SlidersHorizontal,
  Wrench,
} from "lucide-react";
import { type ComponentType, useSyncExternalStore } from "react";
import type { Key } from "../i18n/dictionary";
import { ConversationView } from "./conversation/ConversationView";
import { EventsView } from "./events/EventsView";
import { SessionView } from "./session/SessionView";
import { ToolsView } from "./tools/ToolsView";
import { TurnsView } from "./turns/TurnsView";
import { UsageView } from "./usage/UsageView";

export interface Place {
  readonly id: string;
  readonly label: Key;
  readonly Icon: LucideIcon;
  readonly View: ComponentType;
}

export const places: readonly Place[] = [
  { id: "talk", label: "place.talk", Icon: AudioLines, View: ConversationView },
  { id: "turns", label: "place.turns", Icon: ChartNoAxesGantt, View: TurnsView },
  { id: "events", label: "place.events", Icon: ScrollText, View: EventsView },
  { id: "session", label: "place.session", Icon: SlidersHorizontal, View: SessionView },
  { id: "tools", label: "place.tools", Icon: Wrench, View: ToolsView },
  { id: "usage", label: "place.usage", Icon: Coins, View: UsageView },
];

/** The place in the address, so that a reload or a link comes back to it. */
export function usePlace(): string {
  return useSyncExternalStore(subscribe, () => location.hash.slice(1));
}

export function showPlace(id: string): void {
  history.replaceState(null, "", `#${id}`);
  dispatchEvent(new HashChangeEvent("hashchange"));
}

function subscribe(listener: () => void): () => void {
  addEventListener("hashchange", listener);
  return () => removeEventListener("hashchange", listener);
}
