import { count, day, money, spoken } from "../../accounts/format";
import type { Day } from "../../accounts/usage";
import { useTranslation } from "../../i18n/translation";
import { milliseconds } from "../../ui/format";

interface DayTableProps {
  readonly days: readonly Day[];
  readonly model: string;
}

/** The chart in words, for whoever wants the figures or cannot see the bars. */
export function DayTable({ days, model }: DayTableProps) {
  const { t, language } = useTranslation();
  const heads = [
    t("counts.day"),
    t("counts.cost"),
    model,
    t("counts.responses"),
    t("counts.speech"),
    t("counts.tokens"),
    t("stage.firstAudio"),
  ];
  return (
    <details className="day-table">
      <summary>{t("counts.table")}</summary>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard */}
      <section className="day-table-scroll" tabIndex={0} aria-label={t("counts.table")}>
        <table className="usage-table">
          <thead>
            <tr>
              {heads.map((head) => (
                <th key={head} scope="col">
                  {head}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {days.toReversed().map((one) => (
              <tr key={one.start}>
                <th scope="row">{day(one.start, language)}</th>
                <td>{money(one.cost, language)}</td>
                <td>{money(one.compared, language)}</td>
                <td>{count(one.responses, language)}</td>
                <td>{spoken(one.inputS + one.outputS, language)}</td>
                <td>{count(one.inputTokens + one.outputTokens, language)}</td>
                <td>
                  {one.firstAudioMs === null ? "–" : milliseconds(one.firstAudioMs, language)}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </details>
  );
}
