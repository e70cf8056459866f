import { useState } from "react";
import { useTranslation } from "../../i18n/translation";
import { builtInPresets, ownPresets, withPreset } from "../../settings/presets";
import type { SessionForm } from "../../settings/session_form";
import { useStore } from "../../ui/store";

interface PresetsProps {
  readonly form: SessionForm;
  readonly onChoose: (changes: Partial<SessionForm>) => void;
}

export function Presets({ form, onChoose }: PresetsProps) {
  const { t } = useTranslation();
  const own = useStore(ownPresets);
  return (
    <section className="presets" aria-label={t("presets")}>
      <h2>{t("presets")}</h2>
      <div className="chips">
        {builtInPresets.map(({ key, changes }) => (
          <button key={key} type="button" className="chip" onClick={() => onChoose(changes)}>
            {t(key)}
          </button>
        ))}
        {own.map(({ name, changes }) => (
          <button key={name} type="button" className="chip own" onClick={() => onChoose(changes)}>
            {name}
          </button>
        ))}
      </div>
      <SavePreset form={form} />
    </section>
  );
}

function SavePreset({ form }: { readonly form: SessionForm }) {
  const { t } = useTranslation();
  const [name, setName] = useState("");
  return (
    <form
      className="save-preset"
      onSubmit={(event) => {
        event.preventDefault();
        if (!name.trim()) return;
        ownPresets.set(withPreset(ownPresets.get(), { name: name.trim(), changes: form }));
        setName("");
      }}
    >
      <input
        value={name}
        aria-label={t("presets.name")}
        placeholder={t("presets.name")}
        onChange={(event) => setName(event.target.value)}
      />
      <button type="submit" className="button quiet" disabled={!name.trim()}>
        {t("presets.save")}
      </button>
    </form>
  );
}
