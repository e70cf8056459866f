import { Trash2 } from "lucide-react";
import { useRef, useState } from "react";
import { useBooks, useDeed } from "../../accounts/books";
import { limitWords, usedWords } from "../../accounts/format";
import { blankLimit, limitText, usedOf } from "../../accounts/limits";
import type { Limit, LimitScope } from "../../accounts/model";
import { useTranslation } from "../../i18n/translation";
import { LimitFields } from "./LimitFields";
import { ProblemNote } from "./ProblemNote";

export function Limits() {
  const { t } = useTranslation();
  const { roster, accounts, say } = useBooks();
  const { busy, problem, run } = useDeed();
  const title = useRef<HTMLHeadingElement>(null);
  const remove = async (limit: Limit) => {
    if (!(await run(() => accounts.removeLimit(limit.id)))) return;
    say(t("limits.removed"));
    title.current?.focus();
  };
  return (
    <section className="accounts-card" aria-labelledby="limits-title">
      <h3 id="limits-title" ref={title} tabIndex={-1}>
        {t("limits.title")}
      </h3>
      {roster.limits.length === 0 && <p className="hint">{t("limits.empty")}</p>}
      <ProblemNote problem={problem} />
      <ul className="limits">
        {roster.limits.map((limit) => (
          <LimitRow key={limit.id} limit={limit} busy={busy} onRemove={() => void remove(limit)} />
        ))}
      </ul>
      <SetLimit />
    </section>
  );
}

interface LimitRowProps {
  readonly limit: Limit;
  readonly busy: boolean;
  readonly onRemove: () => void;
}

function LimitRow({ limit, busy, onRemove }: LimitRowProps) {
  const { t, language } = useTranslation();
  const owner = useOwnerName(limit);
  const words = limitWords(limit.limit, t, language);
  const used = usedOf(limit.used);
  return (
    <li className="limit" data-state={limit.state ?? "none"}>
      <div className="limit-words">
        <p className="limit-owner">
          <b>{owner}</b> <span>{t(`limits.scope.${limit.scope}`)}</span>
        </p>
        <p>{used ? usedWords(used, limit.limit, t, language) : (limit.used ?? words)}</p>
      </div>
      <button
        type="button"
        className="icon-button"
        aria-label={t("limits.remove", { limit: words, owner })}
        disabled={busy}
        onClick={onRemove}
      >
        <Trash2 aria-hidden="true" />
      </button>
      {used && (
        <svg
          className="limit-bar"
          role="img"
          aria-label={t("limits.share", { percent: Math.round(used.share * 100) })}
        >
          <rect className="limit-all" width="100%" height="100%" />
          <rect className="limit-used" width={`${used.share * 100}%`} height="100%" />
        </svg>
      )}
      {limit.state && limit.state !== "within" && (
        <p className="limit-state">{t(`limits.state.${limit.state}`)}</p>
      )}
    </li>
  );
}

function useOwnerName({ scope, owner }: Limit): string {
  const { roster } = useBooks();
  if (scope === "project") return owner;
  return roster.keys.find((key) => key.id === owner)?.name ?? owner;
}

function SetLimit() {
  const { t } = useTranslation();
  const { roster, accounts, say } = useBooks();
  const { busy, problem, run } = useDeed();
  const [form, setForm] = useState(blankLimit);
  const [holder, setHolder] = useState("");
  const keys = roster.keys.filter((key) => key.status === "active");
  const chosen = holder || `project:${roster.projects[0] ?? "default"}`;
  const limit = limitText(form);
  const set = async () => {
    if (limit === null) return;
    const [scope, owner] = holderOf(chosen);
    if (!(await run(() => accounts.setLimit({ scope, owner, limit })))) return;
    say(t("limits.set"));
    setForm({ ...form, amount: "" });
  };
  return (
    <form
      className="set-limit"
      onSubmit={(event) => {
        event.preventDefault();
        void set();
      }}
    >
      <label className="field">
        <span>{t("limits.for")}</span>
        <select value={chosen} onChange={(event) => setHolder(event.target.value)}>
          <optgroup label={t("limits.projects")}>
            {roster.projects.map((project) => (
              <option key={project} value={`project:${project}`}>
                {project}
              </option>
            ))}
          </optgroup>
          <optgroup label={t("apiKeys.list")}>
            {keys.map((key) => (
              <option key={key.id} value={`key:${key.id}`}>
                {key.name}
              </option>
            ))}
          </optgroup>
        </select>
      </label>
      <LimitFields form={form} onChange={setForm} />
      <button type="submit" className="button quiet" disabled={busy || limit === null}>
        {t("limits.add")}
      </button>
      <ProblemNote problem={problem} />
    </form>
  );
}

function holderOf(value: string): readonly [LimitScope, string] {
  const at = value.indexOf(":");
  return [value.slice(0, at) === "key" ? "key" : "project", value.slice(at + 1)];
}
