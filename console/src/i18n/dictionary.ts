import { en } from "./en";
import { pt } from "./pt";

export type Language = "en" | "pt";
export type Key = keyof typeof en;
export type Dictionary = Readonly<Record<Key, string>>;

export const languages: readonly Language[] = ["en", "pt"];

const dictionaries: Readonly<Record<Language, Dictionary>> = { en, pt };

/** The words of *key*, each `{name}` replaced by its value. */
export function translate(
  language: Language,
  key: Key,
  values: Readonly<Record<string, string | number>> = {},
): string {
  return dictionaries[language][key].replace(/\{(\w+)\}/g, (whole, name: string) =>
    String(values[name] ?? whole),
  );
}
