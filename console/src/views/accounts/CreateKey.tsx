import { Plus, X } from "lucide-react";
import { useState } from "react";
import { useBooks, useDeed } from "../../accounts/books";
import { limitWords } from "../../accounts/format";
import { blankLimit, type LimitForm, limitText } from "../../accounts/limits";
import type { KeyWish, NewKey } from "../../accounts/model";
import { useTranslation } from "../../i18n/translation";
import { LimitFields } from "./LimitFields";
import { ProblemNote } from "./ProblemNote";

const DAY_S = 86_400;
const lifetimes = [1, 7, 30, 90, 365];
const scopes = ["realtime", "admin"] as const;

interface Draft {
  readonly name: string;
  readonly project: string;
  readonly scopes: readonly string[];
  /** 0: for ever. */
  readonly days: number;
  readonly limits: readonly string[];
  /** Being typed: it counts too, whether or not it was added to the others. */
  readonly next: LimitForm;
}

interface CreateKeyProps {
  readonly onMade: (made: NewKey) => void;
  readonly onCancel: () => void;
}

export function CreateKey({ onMade, onCancel }: CreateKeyProps) {
  const { t } = useTranslation();
  const { accounts, roster } = useBooks();
  const { busy, problem, run } = useDeed();
  const [draft, setDraft] = useState<Draft>({
    name: "",
    project: roster.projects[0] ?? "default",
    scopes: ["realtime"],
    days: 0,
    limits: [],
    next: blankLimit,
  });
  const change = (part: Partial<Draft>) => setDraft({ ...draft, ...part });
  const create = async () => {
    const done = await run(() => accounts.createKey(draft.project.trim(), wishOf(draft)));
    if (done) onMade(done.value);
  };
  return (
    <form
      className="create-key"
      aria-label={t("apiKeys.new")}
      onSubmit={(event) => {
        event.preventDefault();
        if (isReady(draft)) void create();
      }}
    >
      <NameAndProject draft={draft} onChange={change} />
      <ScopesAndLife draft={draft} onChange={change} />
      <DraftLimits draft={draft} onChange={change} />
      <ProblemNote problem={problem} />
      <div className="dialog-deeds">
        <button type="button" className="button quiet" onClick={onCancel}>
          {t("cancel")}
        </button>
        <button type="submit" className="button primary" disabled={busy || !isReady(draft)}>
          {t("apiKeys.create")}
        </button>
      </div>
    </form>
  );
}

function isReady({ name, project, scopes, next }: Draft): boolean {
  const named = name.trim() !== "" && project.trim() !== "";
  return named && scopes.length > 0 && (next.amount.trim() === "" || limitText(next) !== null);
}

function wishOf({ name, scopes, days, limits, next }: Draft): KeyWish {
  return {
    name: name.trim(),
    scopes,
    expiresAfterS: days === 0 ? null : days * DAY_S,
    limits: withLimit(limits, next),
  };
}

function withLimit(limits: readonly string[], next: LimitForm): readonly string[] {
  const limit = limitText(next);
  return limit === null || limits.includes(limit) ? limits : [...limits, limit];
}

interface PartProps {
  readonly draft: Draft;
  readonly onChange: (part: Partial<Draft>) => void;
}

function NameAndProject({ draft, onChange }: PartProps) {
  const { t } = useTranslation();
  const { roster } = useBooks();
  return (
    <>
      <label className="field">
        <span>{t("apiKeys.name")}</span>
        <input
          // biome-ignore lint/a11y/noAutofocus: the form has just been asked for
          autoFocus
          value={draft.name}
          maxLength={100}
          autoComplete="off"
          onChange={(event) => onChange({ name: event.target.value })}
        />
      </label>
      <label className="field">
        <span>{t("apiKeys.project")}</span>
        <input
          list="projects"
          value={draft.project}
          autoComplete="off"
          onChange={(event) => onChange({ project: event.target.value })}
        />
        <datalist id="projects">
          {roster.projects.map((project) => (
            <option key={project} value={project} />
          ))}
        </datalist>
      </label>
    </>
  );
}

function ScopesAndLife({ draft, onChange }: PartProps) {
  const { t } = useTranslation();
  const toggled = (scope: string, on: boolean) =>
    scopes.filter((one) => (one === scope ? on : draft.scopes.includes(one)));
  return (
    <>
      <fieldset className="scopes">
        <legend>{t("apiKeys.scopes")}</legend>
        {scopes.map((scope) => (
          <label key={scope}>
            <input
              type="checkbox"
              checked={draft.scopes.includes(scope)}
              onChange={(event) => onChange({ scopes: toggled(scope, event.target.checked) })}
            />
            <span>
              <code>{scope}</code> {t(`apiKeys.scope.${scope}`)}
            </span>
          </label>
        ))}
      </fieldset>
      <label className="field">
        <span>{t("apiKeys.expires")}</span>
        <select
          value={draft.days}
          onChange={(event) => onChange({ days: Number(event.target.value) })}
        >
          <option value={0}>{t("apiKeys.never")}</option>
          {lifetimes.map((days) => (
            <option key={days} value={days}>
              {days === 1 ? t("apiKeys.inOneDay") : t("apiKeys.inDays", { days })}
            </option>
          ))}
        </select>
      </label>
    </>
  );
}

function DraftLimits({ draft, onChange }: PartProps) {
  const { t, language } = useTranslation();
  const { next, limits } = draft;
  const add = () => onChange({ limits: withLimit(limits, next), next: { ...next, amount: "" } });
  return (
    <div className="draft-limits">
      <p>{t("limits.title")}</p>
      <div className="draft-limit">
        <LimitFields form={next} onChange={(form) => onChange({ next: form })} />
        <button
          type="button"
          className="button quiet"
          disabled={limitText(next) === null}
          onClick={add}
        >
          <Plus aria-hidden="true" />
          {t("limits.add")}
        </button>
      </div>
      <ul className="chips">
        {limits.map((one) => (
          <li key={one}>
            <button
              type="button"
              className="chip"
              aria-label={t("tools.remove", { name: limitWords(one, t, language) })}
              onClick={() => onChange({ limits: limits.filter((other) => other !== one) })}
            >
              {limitWords(one, t, language)} <X aria-hidden="true" />
            </button>
          </li>
        ))}
      </ul>
    </div>
  );
}
