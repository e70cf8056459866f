import { useEffect } from "react";
import type { RealtimeConsole } from "../realtime/types";
import { isEditable, isPressable } from "../ui/browser";
import { useConsole } from "./context";

export function useShortcuts(showKeys: () => void): void {
  const console = useConsole();
  useEffect(() => {
    const down = (event: KeyboardEvent) => pressed(event, console, showKeys);
    const up = (event: KeyboardEvent) => released(event, console);
    // A key let go in another window never tells this one.
    const blur = () => stopHolding(console);
    addEventListener("keydown", down);
    addEventListener("keyup", up);
    addEventListener("blur", blur);
    return () => {
      removeEventListener("keydown", down);
      removeEventListener("keyup", up);
      removeEventListener("blur", blur);
    };
  }, [console, showKeys]);
}

function pressed(event: KeyboardEvent, console: RealtimeConsole, showKeys: () => void): void {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  if (event.key === "Escape") {
    if (console.state.assistantState !== "idle") console.interrupt();
    return;
  }
  if (isEditable(event.target)) return;
  if (event.key === "?") showKeys();
  else if (event.key.toLowerCase() === "m") console.mute(!console.state.microphone.muted);
  else if (event.key === " ") hold(event, console);
}

function hold(event: KeyboardEvent, console: RealtimeConsole): void {
  const { mode, status, holding } = console.state;
  if (isPressable(event.target) || mode !== "push" || status !== "connected") return;
  event.preventDefault();
  if (!event.repeat && !holding) console.startTalking();
}

function released(event: KeyboardEvent, console: RealtimeConsole): void {
  if (event.key === " ") stopHolding(console);
}

function stopHolding(console: RealtimeConsole): void {
  if (console.state.holding) console.stopTalking();
}
