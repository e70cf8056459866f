import { useTranslation } from "../../i18n/translation";
import type { Detection, Eagerness, SessionForm } from "../../settings/session_form";
import { checkTools } from "../../tools/schema";
import { Switch } from "../../ui/Switch";
import { ProblemNote } from "../tools/ProblemNote";
import { DetectorScope } from "./DetectorScope";

interface FieldsProps {
  readonly form: SessionForm;
  readonly onChange: (changes: Partial<SessionForm>) => void;
}

const VOICES = [
  "alloy",
  "ash",
  "ballad",
  "cedar",
  "coral",
  "echo",
  "marin",
  "sage",
  "shimmer",
  "verse",
];

export function Fields({ form, onChange }: FieldsProps) {
  return (
    <div className="fields">
      <label className="field wide">
        <code>instructions</code>
        <textarea
          rows={5}
          value={form.instructions}
          onChange={(event) => onChange({ instructions: event.target.value })}
        />
      </label>
      <label className="field">
        <code>audio.output.voice</code>
        <input
          list="voices"
          value={form.voice}
          onChange={(event) => onChange({ voice: event.target.value })}
        />
        <datalist id="voices">
          {VOICES.map((voice) => (
            <option key={voice} value={voice} />
          ))}
        </datalist>
      </label>
      <Choice
        name="output_modalities"
        value={form.modality}
        among={["audio", "text"]}
        onChange={(modality) => onChange({ modality })}
      />
      <TurnDetection form={form} onChange={onChange} />
      <Tools form={form} onChange={onChange} />
    </div>
  );
}

const DETECTIONS: readonly Detection[] = ["server_vad", "semantic_vad", "none"];
const EAGERNESSES: readonly Eagerness[] = ["auto", "low", "medium", "high"];

function TurnDetection({ form, onChange }: FieldsProps) {
  const { t } = useTranslation();
  return (
    <fieldset className="turn-detection">
      <legend>
        <code>audio.input.turn_detection</code>
      </legend>
      <Choice
        name="type"
        value={form.detection}
        among={DETECTIONS}
        onChange={(detection) => onChange({ detection })}
      />
      {form.detection === "none" && <p className="hint">{t("session.none")}</p>}
      {form.detection === "server_vad" && <ServerVad form={form} onChange={onChange} />}
      {form.detection === "semantic_vad" && (
        <Choice
          name="eagerness"
          value={form.eagerness}
          among={EAGERNESSES}
          onChange={(eagerness) => onChange({ eagerness })}
        />
      )}
      {form.detection !== "none" && (
        <div className="switches">
          <Switch
            code
            label="create_response"
            checked={form.createResponse}
            onChange={(createResponse) => onChange({ createResponse })}
          />
          <Switch
            code
            label="interrupt_response"
            checked={form.interruptResponse}
            onChange={(interruptResponse) => onChange({ interruptResponse })}
          />
        </div>
      )}
    </fieldset>
  );
}

function ServerVad({ form, onChange }: FieldsProps) {
  return (
    <>
      <DetectorScope
        threshold={form.threshold}
        prefixPaddingMs={form.prefixPaddingMs}
        silenceMs={form.silenceMs}
      />
      <label className="field slider">
        <code>threshold</code>
        <input
          type="range"
          min={0}
          max={1}
          step={0.05}
          value={form.threshold}
          onChange={(event) => onChange({ threshold: event.target.valueAsNumber })}
        />
        <output>{form.threshold.toFixed(2)}</output>
      </label>
      <Milliseconds
        name="prefix_padding_ms"
        value={form.prefixPaddingMs}
        most={1000}
        onChange={(prefixPaddingMs) => onChange({ prefixPaddingMs })}
      />
      <Milliseconds
        name="silence_duration_ms"
        value={form.silenceMs}
        most={2000}
        onChange={(silenceMs) => onChange({ silenceMs })}
      />
    </>
  );
}

interface MillisecondsProps {
  readonly name: string;
  readonly value: number;
  readonly most: number;
  readonly onChange: (value: number) => void;
}

function Milliseconds({ name, value, most, onChange }: MillisecondsProps) {
  return (
    <label className="field slider">
      <code>{name}</code>
      <input
        type="range"
        min={0}
        max={most}
        step={20}
        value={value}
        onChange={(event) => onChange(event.target.valueAsNumber)}
      />
      <output>{value}</output>
    </label>
  );
}

interface ChoiceProps<T extends string> {
  readonly name: string;
  readonly value: T;
  readonly among: readonly T[];
  readonly onChange: (value: T) => void;
}

function Choice<T extends string>({ name, value, among, onChange }: ChoiceProps<T>) {
  return (
    <div className="field">
      <code id={`choice-${name}`}>{name}</code>
      {/* biome-ignore lint/a11y/useSemanticElements: a fieldset cannot be laid out as one row everywhere */}
      <div className="choice" role="group" aria-labelledby={`choice-${name}`}>
        {among.map((each) => (
          <button
            key={each}
            type="button"
            aria-pressed={each === value}
            onClick={() => onChange(each)}
          >
            {each}
          </button>
        ))}
      </div>
    </div>
  );
}

function Tools({ form, onChange }: FieldsProps) {
  const problem = checkTools(form.tools);
  return (
    <div className="field wide">
      <label htmlFor="session-tools">
        <code>tools</code>
      </label>
      <textarea
        id="session-tools"
        className="mono"
        rows={6}
        spellCheck={false}
        aria-invalid={problem !== null}
        aria-describedby="session-tools-problem"
        value={form.tools}
        onChange={(event) => onChange({ tools: event.target.value })}
      />
      <ProblemNote id="session-tools-problem" problem={problem} />
    </div>
  );
}
