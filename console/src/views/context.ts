import { createContext, useCallback, useContext, useMemo, useSyncExternalStore } from "react";
import type { ConsoleState, EventLog, RealtimeConsole } from "../realtime/types";
import { useStore } from "../ui/store";
import { logOf, openedConversation, openedMoment, shownSaved, shownState } from "./opened";

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
      const ends = [console, openedConversation, openedMoment].map((each) =>
        each.subscribe(listener),
      );
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
  const moment = useStore(openedMoment);
  const entries = opened && shownSaved(opened, moment).log;
  // While it plays the list is a new one at each moment; a log is one as long as nothing is added to it.
  const length = entries?.length;
  // biome-ignore lint/correctness/useExhaustiveDependencies: of one conversation, the length tells them apart
  return useMemo(() => (entries ? logOf(entries) : console.log), [opened, length, console]);
}
