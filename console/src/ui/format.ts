import type { Language } from "../i18n/dictionary";

export function milliseconds(value: number, language: Language): string {
  if (value < 9_950) return `${new Intl.NumberFormat(language).format(Math.round(value))} ms`;
  return `${new Intl.NumberFormat(language, { maximumFractionDigits: 1 }).format(value / 1000)} s`;
}

export function bytes(value: number, language: Language): string {
  if (value < 1024) return `${value} B`;
  const format = oneDigit(language);
  if (value < 1_048_576) return `${format.format(value / 1024)} KiB`;
  return `${format.format(value / 1_048_576)} MiB`;
}

const formats = new Map<Language, Intl.NumberFormat>();

/** Making one takes longer than using it, and every row of a log would. */
function oneDigit(language: Language): Intl.NumberFormat {
  const known = formats.get(language);
  if (known) return known;
  const made = new Intl.NumberFormat(language, { maximumFractionDigits: 1 });
  formats.set(language, made);
  return made;
}

export function dollars(value: number, language: Language): string {
  return new Intl.NumberFormat(language, {
    style: "currency",
    currency: "USD",
    minimumFractionDigits: 4,
    maximumFractionDigits: 4,
  }).format(value);
}

/** Minutes, seconds and milliseconds since the page opened: what two log lines are compared by. */
export function clock(atMs: number): string {
  const minutes = Math.floor(atMs / 60_000);
  const seconds = Math.floor((atMs % 60_000) / 1000);
  const rest = Math.floor(atMs % 1000);
  return `${pad(minutes, 2)}:${pad(seconds, 2)}.${pad(rest, 3)}`;
}

/** Minutes and seconds, as players write them. */
export function length(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  return `${Math.floor(seconds / 60)}:${pad(seconds % 60, 2)}`;
}

function pad(value: number, width: number): string {
  return String(value).padStart(width, "0");
}
