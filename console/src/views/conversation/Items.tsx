import { Save } from "lucide-react";
import { type DragEvent, memo, useLayoutEffect, useRef, useState } from "react";
import { useTranslation } from "../../i18n/translation";
import type { Item } from "../../protocol/model";
import type { RealtimeConsole } from "../../realtime/types";
import { download } from "../../ui/browser";
import { useConsole, useConsoleState } from "../context";
import { Call } from "./Call";
import { groupsOf } from "./groups";
import { Message } from "./Message";
import { OpenButton } from "./OpenButton";
import { sayFile } from "./sound_file";

export function Items() {
  const { t } = useTranslation();
  const console = useConsole();
  const items = useConsoleState((state) => state.conversation.items);
  const drop = useAudioDrop(console);
  const list = useFollowing();
  return (
    <div className="items" data-dropping={drop.over} {...drop.handlers}>
      <ConversationTools />
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard */}
      <section className="items-scroll" ref={list} tabIndex={0} aria-label={t("items")}>
        <div className="items-all">
          {groupsOf(items).map((group, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: who deletes an item moves no other group
            <Group key={index} items={group} />
          ))}
        </div>
      </section>
      {drop.over && <p className="drop-here">{t("drop")}</p>}
    </div>
  );
}

interface GroupProps {
  readonly items: readonly Item[];
}

/** Hundreds of items stand still while one grows: they are drawn, and laid out, by the group. */
const Group = memo(
  function Group({ items }: GroupProps) {
    return (
      <ol>
        {items.map((item) => (
          <Row key={item.id} item={item} />
        ))}
      </ol>
    );
  },
  (before, { items }) =>
    items.length === before.items.length &&
    items.every((item, index) => item === before.items[index]),
);

const Row = memo(function Row({ item }: { readonly item: Item }) {
  return <li>{item.kind === "message" ? <Message item={item} /> : <Call item={item} />}</li>;
});

function ConversationTools() {
  const { t } = useTranslation();
  const console = useConsole();
  return (
    <div className="items-tools">
      <button
        type="button"
        className="icon-button"
        aria-label={t("conversation.save")}
        onClick={async () => download(await console.save(), "louro-conversation.json")}
      >
        <Save aria-hidden="true" />
      </button>
      <OpenButton />
    </div>
  );
}

/** Follow the newest words, until the person scrolls up to read. */
function useFollowing() {
  const list = useRef<HTMLElement>(null);
  useLayoutEffect(() => {
    const element = list.current;
    if (!element) return;
    let atEnd = true;
    const onScroll = () => {
      atEnd = element.scrollHeight - element.scrollTop - element.clientHeight < 120;
    };
    // Observed rather than told: words, a font that arrives late and an opened call all move the end.
    const observer = new ResizeObserver(() => {
      if (atEnd) element.scrollTop = element.scrollHeight;
    });
    observer.observe(element);
    if (element.firstElementChild) observer.observe(element.firstElementChild);
    element.addEventListener("scroll", onScroll, { passive: true });
    return () => {
      observer.disconnect();
      element.removeEventListener("scroll", onScroll);
    };
  }, []);
  return list;
}

function useAudioDrop(console: RealtimeConsole) {
  const [over, setOver] = useState(false);
  const handlers = {
    onDragOver: (event: DragEvent) => {
      event.preventDefault();
      setOver(true);
    },
    onDragLeave: () => setOver(false),
    onDrop: (event: DragEvent) => {
      event.preventDefault();
      setOver(false);
      const file = event.dataTransfer.files[0];
      if (file) void sayFile(console, file);
    },
  };
  return { over, handlers };
}
