import { useTranslation } from "../i18n/translation";
import type { ConsoleState } from "../realtime/types";
import { useConsoleState } from "./context";

/** Says finished words to a screen reader: a growing text would be read again at every delta. */
export function Announcer() {
  const { t } = useTranslation();
  const spoken = useConsoleState(lastSpoken);
  const status = useConsoleState((state) => state.status);
  return (
    <div className="visually-hidden">
      <p role="status">{t(`status.${status}`)}</p>
      <p aria-live="polite">{spoken}</p>
    </div>
  );
}

function lastSpoken(state: ConsoleState): string {
  const last = state.conversation.items.findLast(
    (item) => item.kind === "message" && item.role === "assistant" && item.status !== "in_progress",
  );
  return last?.kind === "message" ? last.transcript || last.text : "";
}
