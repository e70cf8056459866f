import { createContext, useCallback, useContext, useMemo, useSyncExternalStore } from "react";
import type { ConsoleState, EventLog, RealtimeConsole } from "../realtime/types";
import { useStore } from "../ui/store";
import { logOf, openedConversation, shownState } from "./opened";

export const ConsoleContext = createContext<RealtimeConsole | null>(null);

export function useConsole(): RealtimeConsole {
  const console = useContext(ConsoleContext);
  if (console === null) throw new Error("useConsole is called outside ConsoleContext");
  return console;
}

/** What *select* picks from the state; it must return the same object until that part changes. */
export function useConsoleState<T>(select: (state: ConsoleState) => T): T {
  const console = useConsole();
  const subscribe = useCallback(
    (listener: () => void) => {
      const ends = [console.subscribe(listener), openedConversation.subscribe(listener)];
      return () => {
        for (const end of ends) end();
      };
    },
    [console],
  );
  return useSyncExternalStore(subscribe, () => select(shownState(console.state)));
}

/** The log of what is shown: the live one, or that of the opened conversation. */
export function useLog(): EventLog {
  const console = useConsole();
  const opened = useStore(openedConversation);
  return useMemo(() => (opened ? logOf(opened.log) : console.log), [opened, console]);
}
