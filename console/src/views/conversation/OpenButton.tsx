import { FolderOpen } from "lucide-react";
import { useRef, useState } from "react";
import { useTranslation } from "../../i18n/translation";
import { useConsole } from "../context";
import { openedConversation } from "../opened";

export function OpenButton() {
  const { t } = useTranslation();
  const console = useConsole();
  const picker = useRef<HTMLInputElement>(null);
  const [refused, setRefused] = useState(false);
  const open = async (file: File) => {
    try {
      openedConversation.set(await console.open(file));
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
        className="icon-button"
        aria-label={t("conversation.open")}
        onClick={() => picker.current?.click()}
      >
        <FolderOpen aria-hidden="true" />
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
