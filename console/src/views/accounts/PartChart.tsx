import { useBooks } from "../../accounts/books";
import { amount, money } from "../../accounts/format";
import { type Measure, measured, type Part, type Side, weight } from "../../accounts/usage";
import { useTranslation } from "../../i18n/translation";

/** What comes after is rarely more than crumbs. */
const MOST = 8;

interface PartChartProps {
  readonly side: Side;
  readonly parts: readonly Part[];
  readonly measure: Measure;
}

export function PartChart({ side, parts, measure }: PartChartProps) {
  const { t } = useTranslation();
  const { roster } = useBooks();
  const nameOf = ({ name }: Part) => {
    if (name === null) return t(`counts.no.${side}`);
    if (side !== "keyId") return name;
    return roster.keys.find((key) => key.id === name)?.name ?? name;
  };
  const top = Math.max(...parts.map((part) => weight(part, measure)), 0) || 1;
  return (
    <section className="part-chart" aria-labelledby={`by-${side}`}>
      <h4 id={`by-${side}`}>{t(`counts.by.${side}`)}</h4>
      {parts.length === 0 && <p className="hint">{t("counts.nothing")}</p>}
      <ol>
        {parts.slice(0, MOST).map((part) => (
          <PartRow
            key={part.name ?? ""}
            name={nameOf(part)}
            part={part}
            measure={measure}
            top={top}
          />
        ))}
      </ol>
      {parts.length > MOST && (
        <p className="hint">{t("counts.more", { count: parts.length - MOST })}</p>
      )}
    </section>
  );
}

interface PartRowProps {
  readonly name: string;
  readonly part: Part;
  readonly measure: Measure;
  readonly top: number;
}

function PartRow({ name, part, measure, top }: PartRowProps) {
  const { t, language } = useTranslation();
  const value = measured(part, measure);
  return (
    <li className="part">
      <span className="part-name">{name}</span>
      <span className="part-value">
        {amount(value, measure, language)}
        {measure === "cost" && (
          <span className="part-compared">
            <span className="visually-hidden">{t("usage.there")}: </span>
            {money(part.compared, language)}
          </span>
        )}
      </span>
      <svg className="part-bar" aria-hidden="true">
        {measure === "cost" && (
          <rect className="there" width={`${(part.compared / top) * 100}%`} height="100%" />
        )}
        <rect className="here" width={`${(value / top) * 100}%`} height="100%" />
      </svg>
    </li>
  );
}
