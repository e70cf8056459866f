import { memo, useState } from "react";
import { useTranslation } from "../../i18n/translation";
import type { TurnTimeline } from "../../protocol/model";
import { milliseconds } from "../../ui/format";
import { useConsoleState } from "../context";
import {
  lengthOf,
  median,
  mediansOf,
  originOf,
  type Stage,
  type StageName,
  slowestOf,
  stagesOf,
  waitOf,
} from "./stages";

export function TurnsView() {
  const { t } = useTranslation();
  const turns = useConsoleState((state) => state.conversation.turns);
  if (turns.length === 0) {
    return (
      <div className="empty">
        <Foretaste />
        <h2>{t("turns.emptyTitle")}</h2>
        <p>{t("turns.empty")}</p>
      </div>
    );
  }
  return (
    <div className="turns">
      <Medians turns={turns} />
      <TurnList turns={turns} />
    </div>
  );
}

/** Where the stages of a turn will stand, before there is one. In percent of the width. */
const FORETASTE: readonly (readonly [StageName, number, number])[] = [
  ["speech", 0, 26],
  ["silence", 26, 12],
  ["transcript", 38, 14],
  ["firstToken", 52, 20],
  ["firstClause", 72, 12],
  ["firstAudio", 84, 10],
  ["played", 94, 6],
];

function Foretaste() {
  const { t } = useTranslation();
  return (
    <div className="foretaste" aria-hidden="true">
      {FORETASTE.map(([name, left, width]) => (
        <p key={name}>
          <span>{t(`stage.${name}`)}</span>
          <span className="lane">
            <span className="foretaste-bar" style={{ left: `${left}%`, width: `${width}%` }} />
          </span>
        </p>
      ))}
    </div>
  );
}

/** After an hour there are hundreds, and the page should be free while the newest is spoken. */
const SHOWN_AT_FIRST = 40;

function TurnList({ turns }: { readonly turns: readonly TurnTimeline[] }) {
  const { t } = useTranslation();
  const [all, setAll] = useState(false);
  const longest = Math.max(1000, ...turns.map((turn) => waitOf(turn) ?? 0));
  const hidden = all ? 0 : Math.max(0, turns.length - SHOWN_AT_FIRST);
  return (
    <>
      <ol className="turn-list">
        {turns
          .slice(hidden)
          .toReversed()
          .map((turn, index) => (
            <li key={turn.turn}>
              <Turn turn={turn} scaleMs={longest} newest={index === 0} />
            </li>
          ))}
      </ol>
      {hidden > 0 && (
        <button type="button" className="button quiet" onClick={() => setAll(true)}>
          {t("turns.earlier", { turns: hidden })}
        </button>
      )}
    </>
  );
}

function Medians({ turns }: { readonly turns: readonly TurnTimeline[] }) {
  const { t, language } = useTranslation();
  const wait = median(turns.map(waitOf).filter((ms) => ms !== null));
  const stages = mediansOf(turns).filter(({ name }) => name !== "speech");
  const waited = stages.filter(({ waitedFor }) => waitedFor);
  const longest = Math.max(1, ...waited.map(({ ms }) => ms));
  return (
    <section className="medians" aria-label={t("turns.medians")}>
      <h2>
        <strong>{wait === null ? "–" : milliseconds(wait, language)}</strong>
        <span>{t("turns.medianWait", { turns: turns.length })}</span>
      </h2>
      <dl className="median-stages">
        {stages.map(({ name, ms, waitedFor }) => (
          <div key={name} data-slowest={waitedFor && ms === longest}>
            <dt>{t(`stage.${name}`)}</dt>
            <dd>{milliseconds(ms, language)}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

interface TurnProps {
  readonly turn: TurnTimeline;
  readonly scaleMs: number;
  readonly newest: boolean;
}

/** Hundreds stand still while one grows. The newest is open, and any that was opened. */
const Turn = memo(function Turn({ turn, scaleMs, newest }: TurnProps) {
  const [chosen, setChosen] = useState<boolean | null>(null);
  const open = chosen ?? newest;
  const { t, language } = useTranslation();
  const stages = stagesOf(turn);
  const slowest = slowestOf(stages);
  const wait = waitOf(turn);
  const silent = t(turn.doneMs === null ? "turns.underWay" : "turns.cut");
  return (
    <details
      className="turn"
      open={open}
      onToggle={({ currentTarget }) => {
        if (currentTarget.open !== open) setChosen(currentTarget.open);
      }}
    >
      <summary>
        <span className="turn-name">{t(`turns.${turn.kind}`, { turn: turn.turn })}</span>
        <span className="turn-wait">{wait === null ? silent : milliseconds(wait, language)}</span>
        <Strip stages={stages} scaleMs={scaleMs} slowest={slowest} />
      </summary>
      {slowest && lengthOf(slowest) > 0 && (
        <p className="turn-why">
          {t("turns.slowest", {
            stage: t(`stage.${slowest.name}`),
            time: milliseconds(lengthOf(slowest), language),
          })}
        </p>
      )}
      {open && <Waterfall turn={turn} stages={stages} slowest={slowest} />}
    </details>
  );
});

interface StripProps {
  readonly stages: readonly Stage[];
  readonly scaleMs: number;
  readonly slowest: Stage | null;
}

/** The whole wait on one line, on a scale shared by all turns, so that turns can be compared. */
function Strip({ stages, scaleMs, slowest }: StripProps) {
  return (
    <span className="strip" aria-hidden="true">
      {stages
        .filter((stage) => stage.waitedFor)
        .map((stage) => (
          <span
            key={stage.name}
            data-stage={stage.name}
            data-slowest={stage === slowest}
            style={{ width: `${(lengthOf(stage) / scaleMs) * 100}%` }}
          />
        ))}
    </span>
  );
}

interface WaterfallProps {
  readonly turn: TurnTimeline;
  readonly stages: readonly Stage[];
  readonly slowest: Stage | null;
}

function Waterfall({ turn, stages, slowest }: WaterfallProps) {
  const { t, language } = useTranslation();
  const origin = originOf(turn) ?? stages[0]?.startMs ?? 0;
  const span = Math.max(1, ...stages.map((stage) => stage.endMs - origin));
  // A long speech would squeeze the wait, which is what one came to see.
  const lead = Math.min(span * 0.25, origin - (turn.speechStartedMs ?? origin));
  const place = (ms: number) => `${((Math.max(-lead, ms - origin) + lead) / (span + lead)) * 100}%`;
  const width = (stage: Stage) =>
    `${((stage.endMs - Math.max(stage.startMs, origin - lead)) / (span + lead)) * 100}%`;
  return (
    <table className="waterfall">
      <caption className="visually-hidden">{t("turns.stages", { turn: turn.turn })}</caption>
      <tbody>
        {stages.map((stage) => (
          <tr key={stage.name} data-slowest={stage === slowest} data-waited={stage.waitedFor}>
            <th scope="row">{t(`stage.${stage.name}`)}</th>
            <td className="lane">
              <span
                className="bar"
                data-stage={stage.name}
                data-slowest={stage === slowest}
                style={{ left: place(stage.startMs), width: width(stage) }}
              />
            </td>
            <td className="length">{milliseconds(lengthOf(stage), language)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
