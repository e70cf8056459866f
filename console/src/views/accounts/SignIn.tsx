import { KeyRound } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { adminKey } from "../../accounts/admin_key";
import type { AccountsProblem } from "../../accounts/api";
import { useTranslation } from "../../i18n/translation";
import { CopyButton } from "../../ui/CopyButton";
import { BackButton } from "./AccountsView";
import { ProblemNote } from "./ProblemNote";

const COMMAND = "louro keys create --name admin --scopes admin";

export function SignIn({ refusal }: { readonly refusal: AccountsProblem | null }) {
  const { t } = useTranslation();
  const [typed, setTyped] = useState("");
  const field = useRef<HTMLInputElement>(null);
  // After a refusal, or once the key was forgotten: what had the focus is gone.
  useEffect(() => {
    if (document.activeElement === document.body) field.current?.focus();
  }, []);
  return (
    <div className="accounts-door">
      <header className="accounts-title">
        <BackButton />
        <h2>{t("accounts.title")}</h2>
      </header>
      <p>{t("accounts.door")}</p>
      <ProblemNote problem={refusal} />
      <form
        onSubmit={(event) => {
          event.preventDefault();
          adminKey.set(typed.trim());
        }}
      >
        <label className="field">
          <span>{t("accounts.key")}</span>
          <input
            ref={field}
            type="password"
            autoComplete="off"
            spellCheck={false}
            placeholder="sk-…"
            value={typed}
            aria-describedby="admin-key-hint"
            onChange={(event) => setTyped(event.target.value)}
          />
        </label>
        <p id="admin-key-hint" className="hint">
          {t("connect.keyHint")}
        </p>
        <button type="submit" className="button primary" disabled={typed.trim() === ""}>
          <KeyRound aria-hidden="true" />
          {t("accounts.open")}
        </button>
      </form>
      <p className="hint">{t("accounts.make")}</p>
      <div className="accounts-command">
        <code>{COMMAND}</code>
        <CopyButton text={() => COMMAND} label={t("copy")} />
      </div>
    </div>
  );
}
