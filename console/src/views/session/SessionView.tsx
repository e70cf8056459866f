import { useMemo } from "react";
import { useTranslation } from "../../i18n/translation";
import { merged } from "../../realtime/patch";
import { baseUrlOf, connection } from "../../settings/connection";
import {
  formOf,
  isUnchanged,
  patchBetween,
  type SessionForm,
  sessionOf,
} from "../../settings/session_form";
import { checkTools } from "../../tools/schema";
import { createStore, useStore } from "../../ui/store";
import { useConsole, useConsoleState } from "../context";
import { CodeCopies } from "./CodeCopies";
import { Fields } from "./Fields";
import { Presets } from "./Presets";

/** What is changed and not yet applied outlives a look at another view. */
const sessionEdits = createStore<Partial<SessionForm>>({});

export function SessionView() {
  const current = useCurrentForm();
  const edits = useStore(sessionEdits);
  const setEdits = sessionEdits.set;
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

/** What the server has; before there is one, what the next session will begin with. */
function useCurrentForm(): SessionForm {
  const connected = useConsoleState((state) => state.status === "connected");
  const session = useConsoleState((state) => state.conversation.session);
  const settings = useConsoleState((state) => state.settings);
  return useMemo(
    () => formOf(connected ? session : merged(session ?? {}, settings)),
    [connected, session, settings],
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
  const place = connected ? "live" : "next";
  const told = unchanged ? (`session.same.${place}` as const) : "session.changed";
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
      <p>{t(told)}</p>
      <button type="button" className="button quiet" disabled={unchanged} onClick={onDone}>
        {t("session.undo")}
      </button>
      <button type="button" className="button primary" disabled={unchanged} onClick={apply}>
        {t(connected ? "session.apply" : "session.keep")}
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
