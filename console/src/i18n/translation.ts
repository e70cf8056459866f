import { useMemo } from "react";
import { usePreferences } from "../settings/preferences";
import { type Key, type Language, translate } from "./dictionary";

export type Translate = (key: Key, values?: Readonly<Record<string, string | number>>) => string;

export function useTranslation(): { readonly t: Translate; readonly language: Language } {
  const { language } = usePreferences();
  return useMemo(() => {
    const t: Translate = (key, values) => translate(language, key, values);
    return { t, language };
  }, [language]);
}
