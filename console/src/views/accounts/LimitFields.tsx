import {
  type LimitForm,
  limitText,
  type Per,
  periods,
  type Unit,
  units,
  withUnit,
} from "../../accounts/limits";
import { useTranslation } from "../../i18n/translation";

interface LimitFieldsProps {
  readonly form: LimitForm;
  readonly onChange: (form: LimitForm) => void;
}

export function LimitFields({ form, onChange }: LimitFieldsProps) {
  const { t } = useTranslation();
  return (
    <fieldset className="limit-fields">
      <legend className="visually-hidden">{t("limits.one")}</legend>
      <input
        inputMode="decimal"
        aria-label={t("limits.amount")}
        aria-invalid={form.amount.trim() !== "" && limitText(form) === null}
        placeholder="5"
        value={form.amount}
        onChange={(event) => onChange({ ...form, amount: event.target.value })}
      />
      <select
        aria-label={t("limits.unit")}
        value={form.unit}
        onChange={(event) => onChange(withUnit(form, event.target.value as Unit))}
      >
        {units.map((unit) => (
          <option key={unit} value={unit}>
            {t(`unit.${unit}`)}
          </option>
        ))}
      </select>
      <select
        aria-label={t("limits.period")}
        value={form.per}
        disabled={periods[form.unit].length === 1}
        onChange={(event) => onChange({ ...form, per: event.target.value as Per })}
      >
        {periods[form.unit].map((per) => (
          <option key={per} value={per}>
            {form.unit === "sessions" ? t("per.once") : t(`per.${per}`)}
          </option>
        ))}
      </select>
    </fieldset>
  );
}
