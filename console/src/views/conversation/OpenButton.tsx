import { FolderOpen } from "lucide-react";
import { useRef, useState } from "react";
import { useTranslation } from "../../i18n/translation";
import { useConsole } from "../context";
import { showSaved } from "../opened";

interface OpenButtonProps {
  /** Where there is room, and nothing beside it to tell what it opens. */
  readonly inWords?: boolean;
}

export function OpenButton({ inWords = false }: OpenButtonProps) {
  const { t } = useTranslation();
  const console = useConsole();
  const picker = useRef<HTMLInputElement>(null);
  const [refused, setRefused] = useState(false);
  const open = async (file: File) => {
    try {
      showSaved(await console.open(file));
      setRefused(false);
    } catch {
      // Whatever is wrong with the file, the cure is another file.
      setRefused(true);
    }
  };
  return (
    <>
      {refused && (
        <span className="problem" role="alert">
          {t("conversation.refused")}
        </span>
      )}
      <button
        type="button"
        className={inWords ? "button quiet" : "icon-button"}
        {...(!inWords && { "aria-label": t("conversation.open") })}
        onClick={() => picker.current?.click()}
      >
        <FolderOpen aria-hidden="true" />
        {inWords && t("conversation.open")}
      </button>
      <input
        ref={picker}
        type="file"
        accept="application/json,.json"
        hidden
        onChange={(event) => {
          const file = event.target.files?.[0];
          if (file) void open(file);
          event.target.value = "";
        }}
      />
    </>
  );
}
