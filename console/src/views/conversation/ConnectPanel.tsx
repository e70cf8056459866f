import { useState } from "react";
import { useTranslation } from "../../i18n/translation";
import { type Connection, connection, targetOf } from "../../settings/connection";
import { useStore } from "../../ui/store";
import { useConsole, useConsoleState } from "../context";
import { OpenButton } from "./OpenButton";
import { ParrotEye } from "./ParrotEye";

interface ConnectPanelProps {
  readonly compact?: boolean;
}

export function ConnectPanel({ compact = false }: ConnectPanelProps) {
  const { t } = useTranslation();
  const console = useConsole();
  const chosen = useStore(connection);
  const status = useConsoleState((state) => state.status);
  const connecting = status === "connecting";
  // Both start in the click itself: a browser lets a page hear and sound only from one.
  const begin = () => {
    void console.enableMicrophone();
    void console.connect(targetOf(chosen));
  };
  return (
    <form
      className={compact ? "connect compact" : "connect"}
      onSubmit={(event) => {
        event.preventDefault();
        begin();
      }}
    >
      {!compact && <Welcome />}
      <Failure />
      <button type="submit" className="button primary big" disabled={connecting}>
        {connecting ? t("connect.connecting") : t("connect.start")}
      </button>
      {!compact && <Server chosen={chosen} />}
      {!compact && <OpenButton inWords />}
    </form>
  );
}

function Welcome() {
  const { t } = useTranslation();
  return (
    <div className="welcome">
      <ParrotEye className="eye-welcome" />
      <h2>{t("welcome.title")}</h2>
      <p>{t("welcome.text")}</p>
    </div>
  );
}

function Failure() {
  const { t } = useTranslation();
  const failure = useConsoleState((state) => state.failure);
  if (!failure) return null;
  return (
    <div className="banner" role="alert">
      <p>
        <strong>{t("connect.failed")}</strong>{" "}
        {isKnown(failure.code) ? t(`failure.${failure.code}`) : failure.message}{" "}
        <code>{failure.code}</code>
      </p>
    </div>
  );
}

/** What this page found by itself, and can say in the person's language; the rest are the server's words. */
const known = ["unreachable", "timeout", "connection_lost", "invalid_url"] as const;

function isKnown(code: string): code is (typeof known)[number] {
  return known.some((each) => each === code);
}

function Server({ chosen }: { readonly chosen: Connection }) {
  const { t } = useTranslation();
  const failed = useConsoleState((state) => state.failure !== null);
  const [asked, setAsked] = useState<boolean | null>(null);
  const open = asked ?? (failed || chosen.url !== "" || chosen.key !== "");
  return (
    <details
      className="server"
      open={open}
      onToggle={({ currentTarget }) => {
        if (currentTarget.open !== open) setAsked(currentTarget.open);
      }}
    >
      <summary>{t("connect.server")}</summary>
      {open && <ServerFields chosen={chosen} />}
    </details>
  );
}

// Drawn only when it is open: its letters are a font that the first page does without.
function ServerFields({ chosen }: { readonly chosen: Connection }) {
  const { t } = useTranslation();
  const change = (part: Partial<Connection>) => connection.set({ ...chosen, ...part });
  return (
    <>
      <label className="field">
        <code>model</code>
        <input value={chosen.model} onChange={(event) => change({ model: event.target.value })} />
      </label>
      <label className="field">
        <span>{t("connect.url")}</span>
        <input
          type="url"
          inputMode="url"
          placeholder={t("connect.thisServer")}
          value={chosen.url}
          onChange={(event) => change({ url: event.target.value })}
        />
      </label>
      <label className="field">
        <span>{t("connect.key")}</span>
        <input
          type="password"
          autoComplete="off"
          value={chosen.key}
          onChange={(event) => change({ key: event.target.value })}
        />
      </label>
      <p className="hint">{t("connect.keyHint")}</p>
    </>
  );
}
