import { ChevronLeft, ChevronRight, X } from "lucide-react";
import { useEffect, useState } from "react";
import { useTranslation } from "../../i18n/translation";
import type { LogEntry } from "../../realtime/types";
import { CopyButton } from "../../ui/CopyButton";
import { readable, soundsOf, wavOf, writtenOf } from "./audio";

interface EventDetailProps {
  readonly entry: LogEntry;
  readonly onClose: () => void;
}

export function EventDetail({ entry, onClose }: EventDetailProps) {
  const { t } = useTranslation();
  const all = [entry.event, ...(entry.more ?? [])];
  const [at, setAt] = useState(0);
  const event = all[Math.min(at, all.length - 1)] ?? entry.event;
  const sound = useSound(soundsOf(all));
  const written = writtenOf(all);
  return (
    <section className="event-detail" aria-label={t("events.detail")}>
      <header>
        <h2>
          <code>{entry.type}</code>
        </h2>
        {all.length > 1 && <Steps at={at} count={all.length} onStep={setAt} />}
        <CopyButton label={t("copy")} text={() => JSON.stringify(event, null, 2)} />
        <button type="button" className="icon-button" aria-label={t("close")} onClick={onClose}>
          <X aria-hidden="true" />
        </button>
      </header>
      {/* biome-ignore lint/a11y/useMediaCaption: the words of this sound are in the events beside it */}
      {sound && <audio controls src={sound} aria-label={t("events.sound")} />}
      {written && (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard
        <p className="event-written" tabIndex={0}>
          {written}
        </p>
      )}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard */}
      <pre tabIndex={0}>{readable(event)}</pre>
    </section>
  );
}

interface StepsProps {
  readonly at: number;
  readonly count: number;
  readonly onStep: (at: number) => void;
}

/** Through the deltas that stand on one line. */
function Steps({ at, count, onStep }: StepsProps) {
  const { t } = useTranslation();
  return (
    <span className="event-steps">
      <button
        type="button"
        className="icon-button small"
        aria-label={t("events.before")}
        disabled={at === 0}
        onClick={() => onStep(at - 1)}
      >
        <ChevronLeft aria-hidden="true" />
      </button>
      <output>
        {at + 1}/{count}
      </output>
      <button
        type="button"
        className="icon-button small"
        aria-label={t("events.after")}
        disabled={at >= count - 1}
        onClick={() => onStep(at + 1)}
      >
        <ChevronRight aria-hidden="true" />
      </button>
    </span>
  );
}

function useSound(sounds: readonly string[]): string | null {
  const [address, setAddress] = useState<string | null>(null);
  const all = sounds.join("\n");
  useEffect(() => {
    const wav = all === "" ? null : wavOf(all.split("\n"));
    if (wav === null) return;
    const made = URL.createObjectURL(wav);
    setAddress(made);
    return () => {
      URL.revokeObjectURL(made);
      setAddress(null);
    };
  }, [all]);
  return address;
}
