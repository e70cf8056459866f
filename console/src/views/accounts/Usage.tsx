import { useState } from "react";
import { AccountsProblem } from "../../accounts/api";
import { type Counted, useBooks } from "../../accounts/books";
import { count, money, spoken } from "../../accounts/format";
import {
  daysOf,
  type Measure,
  measures,
  partsOf,
  resultsOf,
  type Side,
  type Sum,
  sumOf,
} from "../../accounts/usage";
import { useTranslation } from "../../i18n/translation";
import { DayChart } from "./DayChart";
import { DayTable } from "./DayTable";
import { PartChart } from "./PartChart";
import { ProblemNote } from "./ProblemNote";

const lengths = [7, 30, 90];

export function Usage() {
  const { t } = useTranslation();
  const { usage, days, count } = useBooks();
  const [measure, setMeasure] = useState<Measure>("cost");
  const { value, problem, loading } = usage;
  return (
    <section
      className="accounts-card usage-card"
      aria-labelledby="counts-title"
      aria-busy={loading}
    >
      <header className="accounts-card-header">
        <h3 id="counts-title">{t("counts.title")}</h3>
        <Choice
          label={t("counts.period")}
          options={lengths.map((length) => [length, t("counts.days", { days: length })])}
          chosen={days}
          onChoose={count}
        />
        <Choice
          label={t("counts.measure")}
          options={measures.map((one) => [one, t(`counts.${one}`)])}
          chosen={measure}
          onChoose={setMeasure}
        />
      </header>
      {problem instanceof AccountsProblem && <ProblemNote problem={problem} />}
      {value && <Charts counted={value} measure={measure} />}
    </section>
  );
}

interface ChoiceProps<T> {
  readonly label: string;
  readonly options: readonly (readonly [T, string])[];
  readonly chosen: T;
  readonly onChoose: (value: T) => void;
}

function Choice<T extends string | number>({ label, options, chosen, onChoose }: ChoiceProps<T>) {
  return (
    <fieldset className="choice" aria-label={label}>
      {options.map(([value, words]) => (
        <button
          key={value}
          type="button"
          aria-pressed={value === chosen}
          onClick={() => onChoose(value)}
        >
          {words}
        </button>
      ))}
    </fieldset>
  );
}

interface ChartsProps {
  readonly counted: Counted;
  readonly measure: Measure;
}

function Charts({ counted: { period, buckets }, measure }: ChartsProps) {
  const { t } = useTranslation();
  const results = resultsOf(buckets);
  const compared = results.find((one) => one.comparedModel !== null)?.comparedModel;
  const model = compared ?? "gpt-realtime";
  const days = daysOf(buckets, period);
  const parts = (side: Side) => partsOf(results, side, measure);
  return (
    <>
      <Totals sum={sumOf(results)} model={model} />
      {results.length === 0 && <p className="hint">{t("counts.empty")}</p>}
      <DayChart days={days} measure={measure} model={model} />
      <div className="part-charts">
        {(["keyId", "project", "model"] as const).map((side) => (
          <PartChart key={side} side={side} parts={parts(side)} measure={measure} />
        ))}
      </div>
      <DayTable
        days={days.filter((day) => day.responses + day.inputS + day.inputTokens > 0)}
        model={model}
      />
    </>
  );
}

interface TotalsProps {
  readonly sum: Sum;
  readonly model: string;
}

function Totals({ sum, model }: TotalsProps) {
  const { t, language } = useTranslation();
  const tokens = sum.inputTokens + sum.outputTokens;
  return (
    <dl className="totals">
      <div className="here">
        <dt>{t("counts.cost")}</dt>
        <dd>{money(sum.cost, language)}</dd>
      </div>
      <div className="there">
        <dt>{t("counts.there", { model })}</dt>
        <dd>{money(sum.compared, language)}</dd>
      </div>
      <div>
        <dt>{t("counts.responses")}</dt>
        <dd>{count(sum.responses, language)}</dd>
      </div>
      <div>
        <dt>{t("counts.speech")}</dt>
        <dd>{spoken(sum.inputS + sum.outputS, language)}</dd>
      </div>
      <div>
        <dt>{t("counts.tokens")}</dt>
        <dd>{count(tokens, language)}</dd>
      </div>
    </dl>
  );
}
