import { useMemo, useState } from "react";
import { useTranslation } from "../../i18n/translation";
import { baseUrlOf, connection } from "../../settings/connection";
import {
  formOf,
  isUnchanged,
  patchBetween,
  type SessionForm,
  sessionOf,
} from "../../settings/session_form";
import { checkTools } from "../../tools/schema";
import { useStore } from "../../ui/store";
import { useConsole, useConsoleState } from "../context";
import { CodeCopies } from "./CodeCopies";
import { Fields } from "./Fields";
import { Presets } from "./Presets";

export function SessionView() {
  const session = useConsoleState((state) => state.conversation.session);
  const current = useMemo(() => formOf(session), [session]);
  const [edits, setEdits] = useState<Partial<SessionForm>>({});
  const form = { ...current, ...edits };
  const change = (part: Partial<SessionForm>) => setEdits({ ...edits, ...part });
  return (
    <div className="session">
      <Presets form={form} onChoose={change} />
      <Fields form={form} onChange={change} />
      <ApplyBar current={current} form={form} onDone={() => setEdits({})} />
      <Copies form={form} />
    </div>
  );
}

interface ApplyBarProps {
  readonly current: SessionForm;
  readonly form: SessionForm;
  readonly onDone: () => void;
}

function ApplyBar({ current, form, onDone }: ApplyBarProps) {
  const { t } = useTranslation();
  const console = useConsole();
  const connected = useConsoleState((state) => state.status === "connected");
  const valid = checkTools(form.tools) === null;
  const patch = valid && checkTools(current.tools) === null ? patchBetween(current, form) : null;
  const unchanged = patch === null || isUnchanged(patch);
  const apply = () => {
    if (patch === null) return;
    // The button must know too whether it is held or left to the turn detection.
    const push = form.detection === "none";
    if (push !== (current.detection === "none")) console.setMode(push ? "push" : "voice");
    console.updateSession(patch);
    onDone();
  };
  return (
    <div className="apply-bar">
      <p>{t(!connected ? "session.offline" : unchanged ? "session.same" : "session.changed")}</p>
      <button type="button" className="button quiet" disabled={unchanged} onClick={onDone}>
        {t("session.undo")}
      </button>
      <button
        type="button"
        className="button primary"
        disabled={unchanged || !connected}
        onClick={apply}
      >
        {t("session.apply")}
      </button>
    </div>
  );
}

function Copies({ form }: { readonly form: SessionForm }) {
  const chosen = useStore(connection);
  if (checkTools(form.tools) !== null) return null;
  let baseUrl: string;
  try {
    baseUrl = baseUrlOf(chosen.url, location.href);
  } catch {
    // An address half typed.
    return null;
  }
  return <CodeCopies snippet={{ baseUrl, model: chosen.model, session: sessionOf(form) }} />;
}
