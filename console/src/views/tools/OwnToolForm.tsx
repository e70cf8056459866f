import { useTranslation } from "../../i18n/translation";
import { blankTool, type OwnTool, ownTools, withTool } from "../../tools/own";
import { checkParameters, isToolName } from "../../tools/schema";
import { createStore, useStore } from "../../ui/store";
import { ProblemNote } from "./ProblemNote";

/** What is being written outlives a look at another view; null: the form is closed. */
const draft = createStore<OwnTool | null>(null);

/** Open the form on *tool*, to change it. */
export function editTool(tool: OwnTool): void {
  draft.set(tool);
}

export function OwnToolForm() {
  const { t } = useTranslation();
  const begun = useStore(draft);
  const tool = begun ?? blankTool;
  const change = (part: Partial<OwnTool>) => draft.set({ ...tool, ...part });
  const problem = checkParameters(tool.parameters);
  const ready = problem === null && isToolName(tool.name) && tool.source.trim() !== "";
  return (
    <details
      className="own-tool"
      open={begun !== null}
      onToggle={({ currentTarget: { open } }) => {
        if (open !== (draft.get() !== null)) draft.set(open ? blankTool : null);
      }}
    >
      <summary>{t("own.title")}</summary>
      <form
        className="fields"
        onSubmit={(event) => {
          event.preventDefault();
          if (!ready) return;
          ownTools.set(withTool(ownTools.get(), tool));
          draft.set(blankTool);
        }}
      >
        <label className="field">
          <code>name</code>
          <input
            value={tool.name}
            pattern="[a-zA-Z0-9_\-]+"
            placeholder="look_up_order"
            onChange={(event) => change({ name: event.target.value })}
          />
        </label>
        <label className="field">
          <code>description</code>
          <input
            value={tool.description}
            onChange={(event) => change({ description: event.target.value })}
          />
        </label>
        <Parameters tool={tool} onChange={change} />
        <Source tool={tool} onChange={change} />
        <button type="submit" className="button primary" disabled={!ready}>
          {t("own.add")}
        </button>
      </form>
    </details>
  );
}

interface PartProps {
  readonly tool: OwnTool;
  readonly onChange: (part: Partial<OwnTool>) => void;
}

function Parameters({ tool, onChange }: PartProps) {
  const problem = checkParameters(tool.parameters);
  return (
    <div className="field wide">
      <label htmlFor="own-parameters">
        <code>parameters</code>
      </label>
      <textarea
        id="own-parameters"
        className="mono"
        rows={4}
        spellCheck={false}
        aria-describedby="own-problem"
        value={tool.parameters}
        onChange={(event) => onChange({ parameters: event.target.value })}
      />
      <ProblemNote id="own-problem" problem={problem} />
    </div>
  );
}

function Source({ tool, onChange }: PartProps) {
  const { t } = useTranslation();
  return (
    <div className="field wide">
      <label htmlFor="own-kind">{t("own.kind")}</label>
      <select
        id="own-kind"
        value={tool.kind}
        onChange={(event) =>
          onChange(
            event.target.value === "http"
              ? { kind: "http", source: "" }
              : { kind: "code", source: blankTool.source },
          )
        }
      >
        <option value="code">{t("own.code")}</option>
        <option value="http">{t("own.http")}</option>
      </select>
      <textarea
        className="mono"
        rows={tool.kind === "code" ? 5 : 1}
        spellCheck={false}
        aria-label={t(tool.kind === "code" ? "own.code" : "own.http")}
        value={tool.source}
        onChange={(event) => onChange({ source: event.target.value })}
      />
    </div>
  );
}
