import { useVirtualizer } from "@tanstack/react-virtual";
import { Download, Pause, Play, Trash2 } from "lucide-react";
import { memo, useEffect, useMemo, useReducer, useRef, useState } from "react";
import { useTranslation } from "../../i18n/translation";
import type { EventLog, LogEntry } from "../../realtime/types";
import { download } from "../../ui/browser";
import { bytes, clock } from "../../ui/format";
import { useLog } from "../context";
import { EventDetail } from "./EventDetail";
import { type EventFilter, everyEvent, matching } from "./filter";

const ROW_PX = 32;

export function EventsView() {
  const log = useLog();
  const version = useLogVersion(log);
  const [filter, setFilter] = useState(everyEvent);
  const [chosen, setChosen] = useState<LogEntry | null>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the log is the same object as it grows
  const found = useMemo(() => matching(log, filter), [log, filter, version]);
  return (
    <div className="events" data-detail={chosen !== null}>
      <EventsBar filter={filter} onFilter={setFilter} shown={found?.length ?? log.size} />
      <EventList log={log} found={found} chosen={chosen} onChoose={setChosen} />
      {chosen && <EventDetail key={chosen.id} entry={chosen} onClose={() => setChosen(null)} />}
    </div>
  );
}

interface EventsBarProps {
  readonly filter: EventFilter;
  readonly onFilter: (filter: EventFilter) => void;
  readonly shown: number;
}

const FAMILIES = [
  "session",
  "input_audio_buffer",
  "conversation",
  "response",
  "rate_limits",
  "error",
];

function EventsBar({ filter, onFilter, shown }: EventsBarProps) {
  const { t, language } = useTranslation();
  return (
    <div className="events-bar">
      <input
        type="search"
        aria-label={t("events.search")}
        placeholder={t("events.search")}
        value={filter.search}
        onChange={(event) => onFilter({ ...filter, search: event.target.value })}
      />
      <Narrowing filter={filter} onFilter={onFilter} />
      <LogActions />
      <p className="events-count">
        {t("events.count", { count: new Intl.NumberFormat(language).format(shown) })}
      </p>
    </div>
  );
}

function Narrowing({ filter, onFilter }: Omit<EventsBarProps, "shown">) {
  const { t } = useTranslation();
  return (
    <>
      <select
        aria-label={t("events.direction")}
        value={filter.direction}
        onChange={(event) => onFilter({ ...filter, direction: directionOf(event.target.value) })}
      >
        <option value="both">{t("events.both")}</option>
        <option value="in">{t("events.in")}</option>
        <option value="out">{t("events.out")}</option>
      </select>
      <select
        aria-label={t("events.type")}
        value={filter.family}
        onChange={(event) => onFilter({ ...filter, family: event.target.value })}
      >
        <option value="">{t("events.everyType")}</option>
        {FAMILIES.map((family) => (
          <option key={family} value={family}>
            {family}
          </option>
        ))}
      </select>
    </>
  );
}

function LogActions() {
  const { t } = useTranslation();
  const log = useLog();
  const [paused, setPaused] = useState(log.paused);
  const pause = () => {
    if (log.paused) log.resume();
    else log.pause();
    setPaused(log.paused);
  };
  return (
    <span className="log-actions">
      <button
        type="button"
        className="icon-button"
        aria-label={t(paused ? "events.resume" : "events.pause")}
        aria-pressed={paused}
        onClick={pause}
      >
        {paused ? <Play aria-hidden="true" /> : <Pause aria-hidden="true" />}
      </button>
      <button
        type="button"
        className="icon-button"
        aria-label={t("events.clear")}
        onClick={() => log.clear()}
      >
        <Trash2 aria-hidden="true" />
      </button>
      <button
        type="button"
        className="icon-button"
        aria-label={t("events.export")}
        onClick={() => download(log.export(), "louro-events.json")}
      >
        <Download aria-hidden="true" />
      </button>
    </span>
  );
}

interface EventListProps {
  readonly log: EventLog;
  readonly found: readonly number[] | null;
  readonly chosen: LogEntry | null;
  readonly onChoose: (entry: LogEntry) => void;
}

function EventList({ log, found, chosen, onChoose }: EventListProps) {
  const { t } = useTranslation();
  const scroll = useRef<HTMLElement>(null);
  const count = found?.length ?? log.size;
  const rows = useVirtualizer({
    count,
    getScrollElement: () => scroll.current,
    estimateSize: () => ROW_PX,
    overscan: 12,
  });
  useTail(scroll, count);
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard
    <section className="event-list" ref={scroll} tabIndex={0} aria-label={t("events.list")}>
      {count === 0 && <p className="empty">{t("events.empty")}</p>}
      <div className="event-rows" style={{ height: rows.getTotalSize() }}>
        {rows.getVirtualItems().map(({ index, start }) => {
          const entry = log.at(found ? (found[index] ?? -1) : index);
          return (
            entry && (
              <EventRow
                key={entry.id}
                entry={entry}
                count={entry.count}
                top={start}
                chosen={entry.id === chosen?.id}
                onChoose={onChoose}
              />
            )
          );
        })}
      </div>
    </section>
  );
}

interface EventRowProps {
  readonly entry: LogEntry;
  /** Beside the entry, since a grouped delta may count on in the same object. */
  readonly count: number;
  readonly top: number;
  readonly chosen: boolean;
  readonly onChoose: (entry: LogEntry) => void;
}

const EventRow = memo(function EventRow({ entry, count, top, chosen, onChoose }: EventRowProps) {
  const { t, language } = useTranslation();
  return (
    <button
      type="button"
      className="event-row"
      data-direction={entry.direction}
      data-error={entry.type === "error"}
      aria-pressed={chosen}
      style={{ transform: `translateY(${top}px)` }}
      onClick={() => onChoose(entry)}
    >
      <span className="event-clock">{clock(entry.at)}</span>
      <span className="event-direction">
        <span aria-hidden="true">{entry.direction === "in" ? "↓" : "↑"}</span>
        <span className="visually-hidden">{t(`events.${entry.direction}`)}</span>
      </span>
      <span className="event-type">{entry.type}</span>
      {count > 1 && <span className="event-times">×{count}</span>}
      <span className="event-bytes">{bytes(entry.bytes, language)}</span>
    </button>
  );
});

/** Keep the newest in sight, unless the person has scrolled away from it. */
function useTail(scroll: { readonly current: HTMLElement | null }, count: number): void {
  const before = useRef({ height: 0 });
  useEffect(() => {
    const element = scroll.current;
    if (!element) return;
    const end = element.scrollTop + element.clientHeight;
    if (end >= before.current.height - ROW_PX * 2) element.scrollTop = count * ROW_PX;
    before.current.height = count * ROW_PX;
  }, [scroll, count]);
}

/** A number that changes with the log, at most once a frame: audio alone brings 25 events a second. */
function useLogVersion(log: EventLog): number {
  const [version, next] = useReducer((count: number) => count + 1, 0);
  useEffect(() => {
    let frame = 0;
    const unsubscribe = log.subscribe(() => {
      if (frame !== 0) return;
      frame = requestAnimationFrame(() => {
        frame = 0;
        next();
      });
    });
    return () => {
      cancelAnimationFrame(frame);
      unsubscribe();
    };
  }, [log]);
  return version;
}

function directionOf(raw: string): EventFilter["direction"] {
  return raw === "in" || raw === "out" ? raw : "both";
}
