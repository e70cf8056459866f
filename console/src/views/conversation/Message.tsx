import { Download, Play, Trash2 } from "lucide-react";
import { memo } from "react";
import { useTranslation } from "../../i18n/translation";
import type { MessageItem } from "../../protocol/model";
import { wavOf } from "../../realtime/wav";
import { download } from "../../ui/browser";
import { useStore } from "../../ui/store";
import { useConsole, useConsoleState } from "../context";
import { momentOfItem, openedConversation } from "../opened";
import { splitHeard } from "./heard";

interface MessageProps {
  readonly item: MessageItem;
}

// Deltas change one item at a time; the others need not be drawn again.
export const Message = memo(function Message({ item }: MessageProps) {
  const { t } = useTranslation();
  const playing = useConsoleState((state) => state.playing === item.id);
  return (
    <article className="item message" data-role={item.role} data-playing={playing}>
      <header className="item-header">
        <h2>{t(`role.${item.role}`)}</h2>
        <ItemActions item={item} />
      </header>
      <Words item={item} playing={playing} />
    </article>
  );
});

interface WordsProps extends MessageProps {
  readonly playing: boolean;
}

function Words({ item, playing }: WordsProps) {
  const { t } = useTranslation();
  const { heard, unheard } = splitHeard(item);
  const waiting = item.status === "in_progress" && !item.transcript && !item.text;
  if (waiting) {
    return (
      <p className="words waiting">
        <span className="visually-hidden">{t("waiting")}</span>
      </p>
    );
  }
  if (!item.transcript && !item.text) {
    return <p className="words silent">{t(item.audio.samples > 0 ? "noTranscript" : "noWords")}</p>;
  }
  const toCome = playing || item.status === "in_progress";
  return (
    <p className="words">
      {heard}
      {unheard && toCome && <span className="to-come">{unheard}</span>}
      {unheard && !toCome && (
        <del className="unheard">
          <span className="visually-hidden">{t("unheard")} </span>
          {unheard}
        </del>
      )}
    </p>
  );
}

function ItemActions({ item }: MessageProps) {
  const { t } = useTranslation();
  const console = useConsole();
  const tape = useStore(openedConversation)?.tape;
  const play = () => {
    if (tape) tape.play(momentOfItem(tape.score, item.id) ?? undefined);
    else console.replay(item.id);
  };
  return (
    <span className="item-actions">
      {item.audio.samples > 0 && (
        <>
          <button
            type="button"
            className="icon-button small"
            aria-label={t(tape ? "tape.fromHere" : "replay")}
            onClick={play}
          >
            <Play aria-hidden="true" />
          </button>
          <button
            type="button"
            className="icon-button small"
            aria-label={t("downloadWav")}
            onClick={() => download(wavOf(item.audio), `${item.id}.wav`)}
          >
            <Download aria-hidden="true" />
          </button>
        </>
      )}
      {!tape && (
        <button
          type="button"
          className="icon-button small"
          aria-label={t("delete")}
          onClick={() => console.deleteItem(item.id)}
        >
          <Trash2 aria-hidden="true" />
        </button>
      )}
    </span>
  );
}
