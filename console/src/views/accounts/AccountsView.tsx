import { ArrowLeft, LogOut, RotateCw } from "lucide-react";
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import "../../ui/styles/accounts.css";
import { adminKey } from "../../accounts/admin_key";
import { AccountsProblem, createAccounts } from "../../accounts/api";
import {
  type Books,
  BooksContext,
  isRefusal,
  loadRoster,
  loadUsage,
  useLoaded,
} from "../../accounts/books";
import { useTranslation } from "../../i18n/translation";
import { baseUrlOf } from "../../settings/connection";
import { useStore } from "../../ui/store";
import { showPlace } from "../places";
import { Audit } from "./Audit";
import { Keys } from "./Keys";
import { Limits } from "./Limits";
import { ProblemNote } from "./ProblemNote";
import { SignIn } from "./SignIn";
import { Usage } from "./Usage";

export default function AccountsView() {
  const key = useStore(adminKey);
  const [refusal, setRefusal] = useState<AccountsProblem | null>(null);
  const refuse = useCallback((problem: AccountsProblem) => {
    adminKey.set("");
    setRefusal(problem);
  }, []);
  if (key === "") return <SignIn refusal={refusal} />;
  return <Opened key={key} adminKey={key} onRefused={refuse} />;
}

interface OpenedProps {
  readonly adminKey: string;
  readonly onRefused: (problem: AccountsProblem) => void;
}

function Opened({ adminKey: key, onRefused }: OpenedProps) {
  const { t } = useTranslation();
  const [days, count] = useState(30);
  const accounts = useMemo(
    () => createAccounts(baseUrlOf("", location.href), key, (url, init) => fetch(url, init)),
    [key],
  );
  const [roster, reload] = useLoaded(useCallback(() => loadRoster(accounts), [accounts]));
  const [usage, recount] = useLoaded(
    useCallback(() => loadUsage(accounts, days, Date.now()), [accounts, days]),
  );
  const refusal = [roster.problem, usage.problem].find(isRefusal);
  useEffect(() => {
    if (refusal) onRefused(refusal);
  }, [refusal, onRefused]);
  const loading = roster.loading || usage.loading;
  const reloadAll = () => {
    reload();
    recount();
  };
  // All at once: what came first would only be pushed about by what comes after.
  const ready = usage.value !== null || !usage.loading;
  return (
    <div className="accounts" aria-busy={loading}>
      <Title loading={loading} onReload={reloadAll} />
      {roster.problem instanceof AccountsProblem && <ProblemNote problem={roster.problem} />}
      {roster.value && ready ? (
        <Sections {...{ accounts, roster: roster.value, usage, days, count, reload, onRefused }} />
      ) : (
        loading && <p className="accounts-loading">{t("accounts.loading")}</p>
      )}
    </div>
  );
}

interface TitleProps {
  readonly loading: boolean;
  readonly onReload: () => void;
}

function Title({ loading, onReload }: TitleProps) {
  const { t } = useTranslation();
  const title = useRef<HTMLHeadingElement>(null);
  // The form that had the focus is gone.
  useEffect(() => {
    if (document.activeElement === document.body) title.current?.focus();
  }, []);
  return (
    <header className="accounts-title">
      <BackButton />
      <h2 ref={title} tabIndex={-1}>
        {t("accounts.title")}
      </h2>
      <div className="accounts-title-end">
        <button type="button" className="button quiet" disabled={loading} onClick={onReload}>
          <RotateCw aria-hidden="true" />
          {t("accounts.reload")}
        </button>
        <button type="button" className="button quiet" onClick={() => adminKey.set("")}>
          <LogOut aria-hidden="true" />
          {t("accounts.forget")}
        </button>
      </div>
    </header>
  );
}

export function BackButton() {
  const { t } = useTranslation();
  return (
    <button
      type="button"
      className="icon-button"
      aria-label={t("accounts.back")}
      title={t("accounts.back")}
      onClick={() => showPlace("talk")}
    >
      <ArrowLeft aria-hidden="true" />
    </button>
  );
}

interface SectionsProps extends Omit<Books, "say" | "report"> {
  readonly onRefused: (problem: AccountsProblem) => void;
}

function Sections({ onRefused, ...kept }: SectionsProps) {
  const [said, say] = useState("");
  const report = useCallback(
    (problem: unknown) => {
      if (isRefusal(problem)) {
        onRefused(problem);
        return null;
      }
      if (problem instanceof AccountsProblem) return problem;
      throw problem;
    },
    [onRefused],
  );
  const books: Books = { ...kept, report, say };
  return (
    <BooksContext value={books}>
      <div className="accounts-main">
        <Usage />
        <Keys />
      </div>
      <div className="accounts-side">
        <Limits />
        <Audit />
      </div>
      <p className="visually-hidden" role="status">
        {said}
      </p>
    </BooksContext>
  );
}
