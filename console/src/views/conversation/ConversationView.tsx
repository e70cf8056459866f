import { X } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "../../i18n/translation";
import type { ProtocolError } from "../../protocol/model";
import { useStore } from "../../ui/store";
import { useConsole, useConsoleState } from "../context";
import { type Opened, openedConversation, showLive } from "../opened";
import { ConnectPanel } from "./ConnectPanel";
import { Items } from "./Items";
import { Perch } from "./Perch";
import { refusedFile } from "./sound_file";
import { TapeBar } from "./TapeBar";

export function ConversationView() {
  const opened = useStore(openedConversation);
  const status = useConsoleState((state) => state.status);
  const empty = useConsoleState((state) => state.conversation.items.length === 0);
  const away = status === "idle" || status === "failed" || (status === "connecting" && empty);
  if (opened) return <OpenedConversation opened={opened} />;
  if (away && empty) return <ConnectPanel />;
  return (
    <div className="conversation">
      <Banner />
      <Items />
      {away ? <ConnectPanel compact /> : <Perch />}
    </div>
  );
}

function OpenedConversation({ opened }: { readonly opened: Opened }) {
  const { t, language } = useTranslation();
  const when = new Date(opened.saved.savedAt).toLocaleString(language);
  return (
    <div className="conversation">
      <div className="banner warning">
        <p>{t("conversation.opened", { when })}</p>
        <button type="button" className="button quiet" onClick={showLive}>
          {t("close")}
        </button>
      </div>
      <Items />
      <TapeBar tape={opened.tape} />
    </div>
  );
}

function Banner() {
  const { t } = useTranslation();
  const console = useConsole();
  const status = useConsoleState((state) => state.status);
  const lastError = useConsoleState((state) => state.conversation.errors.at(-1));
  const [seen, setSeen] = useState<ProtocolError | null>(null);
  const refused = useStore(refusedFile);
  if (status === "reconnecting") {
    return (
      <div className="banner warning">
        <p>{t("reconnecting")}</p>
        <button type="button" className="button quiet" onClick={() => console.disconnect()}>
          {t("giveUp")}
        </button>
      </div>
    );
  }
  if (refused !== null) {
    return (
      <Trouble text={t("file.refused", { name: refused })} onSeen={() => refusedFile.set(null)} />
    );
  }
  if (!lastError || lastError === seen) return null;
  return <Trouble text={lastError.message} onSeen={() => setSeen(lastError)} />;
}

function Trouble({ text, onSeen }: { readonly text: string; readonly onSeen: () => void }) {
  const { t } = useTranslation();
  return (
    <div className="banner" role="alert">
      <p>{text}</p>
      <button type="button" className="icon-button small" aria-label={t("close")} onClick={onSeen}>
        <X aria-hidden="true" />
      </button>
    </div>
  );
}
