import { useBooks } from "../../accounts/books";
import { moment } from "../../accounts/format";
import { useTranslation } from "../../i18n/translation";

export function Audit() {
  const { t, language } = useTranslation();
  const { roster } = useBooks();
  const nameOf = (id: string) => roster.keys.find((key) => key.id === id)?.name ?? id;
  return (
    <section className="accounts-card" aria-labelledby="audit-title">
      <h3 id="audit-title">{t("audit.title")}</h3>
      {roster.audit.length === 0 && <p className="hint">{t("audit.empty")}</p>}
      <ol className="audit">
        {roster.audit.map((entry) => (
          <li key={entry.id}>
            <div>
              <code>{entry.type}</code>
              <time dateTime={new Date(entry.at * 1000).toISOString()}>
                {moment(entry.at, language)}
              </time>
            </div>
            <p>
              {entry.target && <b>{nameOf(entry.target)} </b>}
              <span className="audit-actor">{t("audit.by", { actor: entry.actor || "?" })}</span>
            </p>
            {entry.detail && <p className="hint">{entry.detail}</p>}
          </li>
        ))}
      </ol>
    </section>
  );
}
