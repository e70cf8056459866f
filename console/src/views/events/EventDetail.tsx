import { X } from "lucide-react";
import { useEffect, useState } from "react";
import { useTranslation } from "../../i18n/translation";
import type { LogEntry } from "../../realtime/types";
import { CopyButton } from "../../ui/CopyButton";
import { audioOf, readable, wavOf } from "./audio";

interface EventDetailProps {
  readonly entry: LogEntry;
  readonly onClose: () => void;
}

export function EventDetail({ entry, onClose }: EventDetailProps) {
  const { t } = useTranslation();
  const sound = useSound(audioOf(entry.event));
  return (
    <section className="event-detail" aria-label={t("events.detail")}>
      <header>
        <h2>
          <code>{entry.type}</code>
        </h2>
        <CopyButton label={t("copy")} text={() => JSON.stringify(entry.event, null, 2)} />
        <button type="button" className="icon-button" aria-label={t("close")} onClick={onClose}>
          <X aria-hidden="true" />
        </button>
      </header>
      {/* biome-ignore lint/a11y/useMediaCaption: the words of this sound are in the events beside it */}
      {sound && <audio controls src={sound} aria-label={t("events.sound")} />}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard */}
      <pre tabIndex={0}>{readable(entry.event)}</pre>
    </section>
  );
}

function useSound(base64: string | null): string | null {
  const [address, setAddress] = useState<string | null>(null);
  useEffect(() => {
    const wav = base64 === null ? null : wavOf(base64);
    if (wav === null) return;
    const made = URL.createObjectURL(wav);
    setAddress(made);
    return () => {
      URL.revokeObjectURL(made);
      setAddress(null);
    };
  }, [base64]);
  return address;
}
