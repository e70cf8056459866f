import { useTranslation } from "../../i18n/translation";
import { dollars } from "../../ui/format";
import { useConsoleState } from "../context";
import { costOf, growthOf, rowsOf } from "./cost";

export function UsageView() {
  const { t, language } = useTranslation();
  const usage = useConsoleState((state) => state.conversation.usage);
  const cost = costOf(usage);
  return (
    <div className="usage">
      <dl className="costs">
        <div className="cost here">
          <dt>{t("usage.here")}</dt>
          <dd>{dollars(0, language)}</dd>
        </div>
        <div className="cost">
          <dt>{t("usage.there")}</dt>
          <dd>{dollars(cost, language)}</dd>
        </div>
      </dl>
      <Growth />
      <UsageTable />
      <p className="hint">{t("usage.hint")}</p>
    </div>
  );
}

function Growth() {
  const { t } = useTranslation();
  const turns = useConsoleState((state) => state.conversation.turns);
  const growth = growthOf(turns.map((turn) => turn.usage));
  const most = growth.at(-1) ?? 0;
  if (most === 0) return null;
  const points = growth.map((total, index) => {
    const x = growth.length === 1 ? 100 : (index / (growth.length - 1)) * 100;
    return `${x.toFixed(2)},${(38 - (total / most) * 34).toFixed(2)}`;
  });
  return (
    <svg
      className="growth"
      viewBox="0 0 100 40"
      preserveAspectRatio="none"
      role="img"
      aria-label={t("usage.growth")}
    >
      <polygon points={`0,40 ${points.join(" ")} 100,40`} />
      <polyline points={points.join(" ")} vectorEffect="non-scaling-stroke" />
    </svg>
  );
}

function UsageTable() {
  const { t, language } = useTranslation();
  const usage = useConsoleState((state) => state.conversation.usage);
  const number = new Intl.NumberFormat(language);
  return (
    <table className="usage-table">
      <caption>{t("usage.tokens")}</caption>
      <thead>
        <tr>
          <th scope="col">{t("usage.kind")}</th>
          <th scope="col">{t("usage.input")}</th>
          <th scope="col">{t("usage.cached")}</th>
          <th scope="col">{t("usage.output")}</th>
          <th scope="col">USD</th>
        </tr>
      </thead>
      <tbody>
        {rowsOf(usage).map((row) => (
          <tr key={row.kind}>
            <th scope="row">{t(`usage.${row.kind}`)}</th>
            <td>{number.format(row.input)}</td>
            <td>{number.format(row.cached)}</td>
            <td>{number.format(row.output)}</td>
            <td>{dollars(row.dollars, language)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
