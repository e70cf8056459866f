import { BookOpenText, Keyboard, Languages, Moon, Sun } from "lucide-react";
import { useTranslation } from "../i18n/translation";
import { preferences, systemTheme, usePreferences } from "../settings/preferences";
import { useConsoleState } from "./context";
import { Mark } from "./Mark";
import { showPlace, usePlace } from "./places";

interface HeaderProps {
  readonly accountsOffered: boolean;
  readonly onShowKeys: () => void;
}

export function Header({ accountsOffered, onShowKeys }: HeaderProps) {
  const { t } = useTranslation();
  const chosen = usePreferences();
  const status = useConsoleState((state) => state.status);
  const theme = chosen.theme ?? systemTheme();
  const otherTheme = theme === "dark" ? "light" : "dark";
  const otherLanguage = chosen.language === "en" ? "pt" : "en";
  return (
    <header className="header">
      <h1 className="brand">
        <Mark />
        Louro
      </h1>
      <p className="status" data-status={status}>
        {t(`status.${status}`)}
      </p>
      <div className="header-actions">
        {accountsOffered && <AccountsButton />}
        <button
          type="button"
          className="icon-button with-text"
          lang={otherLanguage}
          aria-label={otherLanguage === "pt" ? "PT, Português" : "EN, English"}
          onClick={() => preferences.set({ ...chosen, language: otherLanguage })}
        >
          <Languages aria-hidden="true" />
          <span aria-hidden="true">{otherLanguage.toUpperCase()}</span>
        </button>
        <button
          type="button"
          className="icon-button"
          aria-label={t(`theme.${otherTheme}`)}
          onClick={() => preferences.set({ ...chosen, theme: otherTheme })}
        >
          {theme === "dark" ? <Sun aria-hidden="true" /> : <Moon aria-hidden="true" />}
        </button>
        <button
          type="button"
          className="icon-button keys-button"
          aria-label={t("keys.title")}
          onClick={onShowKeys}
        >
          <Keyboard aria-hidden="true" />
        </button>
      </div>
    </header>
  );
}

function AccountsButton() {
  const { t } = useTranslation();
  const open = usePlace() === "accounts";
  return (
    <button
      type="button"
      className="icon-button with-text accounts-button"
      aria-pressed={open}
      aria-label={t("accounts.title")}
      onClick={() => showPlace(open ? "talk" : "accounts")}
    >
      <BookOpenText aria-hidden="true" />
      <span aria-hidden="true">{t("accounts.title")}</span>
    </button>
  );
}
