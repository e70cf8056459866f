import type { Language } from "../i18n/dictionary";
import type { Translate } from "../i18n/translation";
import { limitParts, type Used } from "./limits";
import type { Measure } from "./usage";

export function money(value: number, language: Language): string {
  // A tenth of a cent is what a talk with a small model costs: it must not read as nothing.
  const digits = value !== 0 && value < 0.1 ? 4 : 2;
  return new Intl.NumberFormat(language, {
    style: "currency",
    currency: "USD",
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  }).format(value);
}

export function amount(value: number, measure: Measure, language: Language): string {
  if (measure === "cost") return money(value, language);
  if (measure === "speech") return spoken(value, language);
  return count(value, language);
}

export function count(value: number, language: Language): string {
  const compact = value >= 100_000;
  return new Intl.NumberFormat(language, {
    notation: compact ? "compact" : "standard",
    maximumFractionDigits: compact || value < 10 ? 1 : 0,
  }).format(value);
}

/** *seconds* of speech, in the largest unit that leaves a figure to read. */
export function spoken(seconds: number, language: Language): string {
  const [unit, value] =
    seconds >= 36_000
      ? ["hour", seconds / 3600]
      : seconds >= 90
        ? ["minute", seconds / 60]
        : ["second", seconds];
  return new Intl.NumberFormat(language, {
    style: "unit",
    unit: String(unit),
    unitDisplay: "short",
    maximumFractionDigits: Number(value) < 10 ? 1 : 0,
  }).format(Number(value));
}

/** A day of UTC. */
export function day(unixS: number, language: Language): string {
  return new Intl.DateTimeFormat(language, {
    day: "numeric",
    month: "short",
    timeZone: "UTC",
  }).format(unixS * 1000);
}

/** In the reader's own time. */
export function date(unixS: number, language: Language): string {
  return new Intl.DateTimeFormat(language, { dateStyle: "medium" }).format(unixS * 1000);
}

export function moment(unixS: number, language: Language): string {
  return new Intl.DateTimeFormat(language, {
    day: "numeric",
    month: "short",
    hour: "2-digit",
    minute: "2-digit",
  }).format(unixS * 1000);
}

/** A limit in the reader's words; one that this page does not know is shown as the server wrote it. */
export function limitWords(text: string, t: Translate, language: Language): string {
  const parts = limitParts(text);
  if (!parts) return text;
  const { amount, unit, per } = parts;
  return t(`limits.per.${per}`, { amount: unitWords(amount, unit, t, language) });
}

export function usedWords(used: Used, limit: string, t: Translate, language: Language): string {
  const isMoney = limitParts(limit)?.unit === "USD";
  const number = new Intl.NumberFormat(language, { maximumFractionDigits: 2 });
  const value = isMoney ? money(used.used, language) : number.format(used.used);
  return t("limits.usedOf", { used: value, limit: limitWords(limit, t, language) });
}

type Parts = NonNullable<ReturnType<typeof limitParts>>;

function unitWords(value: number, unit: Parts["unit"], t: Translate, language: Language): string {
  if (unit === "USD") {
    const money = { style: "currency", currency: "USD", minimumFractionDigits: 0 } as const;
    return new Intl.NumberFormat(language, money).format(value);
  }
  const number = new Intl.NumberFormat(language).format(value);
  return t(value === 1 ? `unit.${unit}.one` : `unit.${unit}.many`, { number });
}
