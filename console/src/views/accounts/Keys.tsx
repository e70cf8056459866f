import { Plus, RefreshCcw, Trash2 } from "lucide-react";
import { useRef, useState } from "react";
import { useBooks, useDeed } from "../../accounts/books";
import { date, limitWords } from "../../accounts/format";
import type { ApiKey, NewKey } from "../../accounts/model";
import { useTranslation } from "../../i18n/translation";
import { Dialog } from "../../ui/Dialog";
import { Switch } from "../../ui/Switch";
import { CreateKey } from "./CreateKey";
import { NewValue } from "./NewValue";
import { ProblemNote } from "./ProblemNote";

type Asked = { readonly what: "rotate" | "revoke"; readonly key: ApiKey };

export function Keys() {
  const { t } = useTranslation();
  const { roster } = useBooks();
  const [made, setMade] = useState<NewKey | null>(null);
  const [creating, setCreating] = useState(false);
  const [all, setAll] = useState(false);
  const [asked, setAsked] = useState<Asked | null>(null);
  const title = useRef<HTMLHeadingElement>(null);
  const shown = roster.keys.filter((key) => all || key.status === "active");
  const finish = (key: NewKey | null) => {
    setAsked(null);
    setCreating(false);
    if (key) setMade(key);
    else title.current?.focus();
  };
  return (
    <section className="accounts-card" aria-labelledby="keys-title">
      <header className="accounts-card-header">
        <h3 id="keys-title" ref={title} tabIndex={-1}>
          {t("apiKeys.list")}
        </h3>
        <Switch label={t("apiKeys.all")} checked={all} onChange={setAll} />
        <button
          type="button"
          className="button primary"
          aria-expanded={creating}
          onClick={() => setCreating(!creating)}
        >
          <Plus aria-hidden="true" />
          {t("apiKeys.new")}
        </button>
      </header>
      {made && <NewValue made={made} onDone={() => setMade(null)} />}
      {creating && <CreateKey onMade={finish} onCancel={() => finish(null)} />}
      {shown.length === 0 && <p className="hint">{t("apiKeys.empty")}</p>}
      <ul className="api-keys">
        {shown.map((key) => (
          <KeyRow key={key.id} apiKey={key} onAsk={(what) => setAsked({ what, key })} />
        ))}
      </ul>
      <Confirmation asked={asked} onCancel={() => setAsked(null)} onDone={finish} />
    </section>
  );
}

interface KeyRowProps {
  readonly apiKey: ApiKey;
  readonly onAsk: (what: Asked["what"]) => void;
}

function KeyRow({ apiKey, onAsk }: KeyRowProps) {
  const { t } = useTranslation();
  const { name, status } = apiKey;
  return (
    <li className="api-key" data-status={status}>
      <div className="api-key-name">
        <h4>
          {name}
          {status !== "active" && <span className="tag">{t(`apiKeys.status.${status}`)}</span>}
        </h4>
        <code>{apiKey.redacted}</code>
      </div>
      <KeyFacts apiKey={apiKey} />
      {status === "active" && (
        <div className="api-key-deeds">
          <button
            type="button"
            className="icon-button"
            aria-label={t("apiKeys.rotate", { name })}
            title={t("apiKeys.rotate", { name })}
            onClick={() => onAsk("rotate")}
          >
            <RefreshCcw aria-hidden="true" />
          </button>
          <button
            type="button"
            className="icon-button danger"
            aria-label={t("apiKeys.revoke", { name })}
            title={t("apiKeys.revoke", { name })}
            onClick={() => onAsk("revoke")}
          >
            <Trash2 aria-hidden="true" />
          </button>
        </div>
      )}
    </li>
  );
}

function KeyFacts({ apiKey }: { readonly apiKey: ApiKey }) {
  const { t, language } = useTranslation();
  const day = (at: number | null, otherwise: string) =>
    at === null ? otherwise : date(at, language);
  const limits = apiKey.limits.map((limit) => limitWords(limit, t, language));
  const facts = [
    [t("apiKeys.project"), apiKey.project],
    [t("apiKeys.scopes"), apiKey.scopes.join(", ")],
    [t("apiKeys.created"), day(apiKey.createdAt, "–")],
    [t("apiKeys.used"), day(apiKey.lastUsedAt, t("apiKeys.never"))],
    apiKey.revokedAt === null
      ? [t("apiKeys.expires"), day(apiKey.expiresAt, t("apiKeys.never"))]
      : [t("apiKeys.revokedAt"), day(apiKey.revokedAt, "–")],
    [t("limits.title"), limits.join("; ") || t("apiKeys.noLimits")],
  ];
  return (
    <dl className="api-key-facts">
      {facts.map(([label, value]) => (
        <div key={label}>
          <dt>{label}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

interface ConfirmationProps {
  readonly asked: Asked | null;
  readonly onCancel: () => void;
  readonly onDone: (made: NewKey | null) => void;
}

function Confirmation({ asked, onCancel, onDone }: ConfirmationProps) {
  const { t } = useTranslation();
  return (
    <Dialog
      title={asked ? t(`apiKeys.ask.${asked.what}`) : ""}
      closeLabel={t("close")}
      open={asked !== null}
      onClose={onCancel}
    >
      {asked && <Question asked={asked} onCancel={onCancel} onDone={onDone} />}
    </Dialog>
  );
}

interface QuestionProps extends ConfirmationProps {
  readonly asked: Asked;
}

function Question({ asked: { what, key }, onCancel, onDone }: QuestionProps) {
  const { t } = useTranslation();
  const { accounts, say } = useBooks();
  const { busy, problem, run } = useDeed();
  const act = async () => {
    const revoke = () => accounts.revokeKey(key).then(() => null);
    const done = await run<NewKey | null>(
      what === "rotate" ? () => accounts.rotateKey(key) : revoke,
    );
    if (!done) return;
    if (what === "revoke") say(t("apiKeys.revoked", { name: key.name }));
    onDone(done.value);
  };
  return (
    <>
      <p>
        <b>{key.name}</b> <code>{key.redacted}</code>
      </p>
      <p>{t(`apiKeys.ask.${what}.text`)}</p>
      <ProblemNote problem={problem} />
      <div className="dialog-deeds">
        <button type="button" className="button quiet" onClick={onCancel}>
          {t("cancel")}
        </button>
        <button
          type="button"
          className={what === "revoke" ? "button danger" : "button primary"}
          disabled={busy}
          onClick={() => void act()}
        >
          {t(`apiKeys.ask.${what}.do`)}
        </button>
      </div>
    </>
  );
}
