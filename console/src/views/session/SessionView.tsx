import { useEffect, useMemo, useRef } from "react";
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

/** What is changed and not yet the server's outlives a look at another view, and a refusal. */
const sessionEdits = createStore<Partial<SessionForm>>({});

export function SessionView() {
  const current = useCurrentForm();
  const edits = useStore(sessionEdits);
  const setEdits = sessionEdits.set;
  const form = { ...current, ...edits };
  const change = (part: Partial<SessionForm>) => setEdits({ ...edits, ...part });
  useWhenNew(current, () => {
    const patch = differences(current, form);
    if (patch !== null && isUnchanged(patch)) setEdits({});
  });
  return (
    <div className="session">
      <Presets form={form} onChoose={change} />
      <Fields form={form} onChange={change} />
      <ApplyBar current={current} form={form} onUndo={() => setEdits({})} />
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

/** Also for the first value. */
function useWhenNew<T>(value: T, then: () => void): void {
  const last = useRef<T | undefined>(undefined);
  useEffect(() => {
    if (last.current === value) return;
    last.current = value;
    then();
  });
}

/** None while the tools are no JSON. */
function differences(current: SessionForm, form: SessionForm) {
  const valid = checkTools(form.tools) === null && checkTools(current.tools) === null;
  return valid ? patchBetween(current, form) : null;
}

interface ApplyBarProps {
  readonly current: SessionForm;
  readonly form: SessionForm;
  readonly onUndo: () => void;
}

function ApplyBar({ current, form, onUndo }: ApplyBarProps) {
  const { t } = useTranslation();
  const console = useConsole();
  const connected = useConsoleState((state) => state.status === "connected");
  const patch = differences(current, form);
  const unchanged = patch === null || isUnchanged(patch);
  const place = connected ? "live" : "next";
  const told = unchanged ? (`session.same.${place}` as const) : "session.changed";
  const apply = () => {
    if (patch === null) return;
    // The button must know too whether it is held or left to the turn detection.
    const push = form.detection === "none";
    if (push !== (current.detection === "none")) console.setMode(push ? "push" : "voice");
    console.updateSession(patch);
  };
  return (
    <div className="apply-bar">
      <p>{t(told)}</p>
      <button type="button" className="button quiet" disabled={unchanged} onClick={onUndo}>
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
