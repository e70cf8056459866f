import type { Language } from "../i18n/dictionary";
import { textAt } from "../ui/json";
import { createStoredStore, useStore } from "../ui/store";

export type Theme = "light" | "dark";

export interface Preferences {
  /** null: as the system says. */
  readonly theme: Theme | null;
  readonly language: Language;
}

export const preferences = createStoredStore("localStorage", "louro.preferences", (raw) => {
  const asked = new URLSearchParams(location.search);
  return {
    theme: themeOf(asked.get("theme") ?? textAt(raw, "theme")),
    language: languageOf(asked.get("lang") ?? textAt(raw, "language", navigator.language)),
  } satisfies Preferences as Preferences;
});

export function usePreferences(): Preferences {
  return useStore(preferences);
}

/** Write the preferences on the document, where the style sheets and screen readers look for them. */
export function applyPreferences({ theme, language }: Preferences): void {
  const root = document.documentElement;
  root.lang = language === "pt" ? "pt-BR" : "en";
  root.dataset.theme = theme ?? systemTheme();
}

export function systemTheme(): Theme {
  return matchMedia("(prefers-color-scheme: light)").matches ? "light" : "dark";
}

function themeOf(raw: string): Theme | null {
  return raw === "light" || raw === "dark" ? raw : null;
}

function languageOf(raw: string): Language {
  return raw.toLowerCase().startsWith("pt") ? "pt" : "en";
}
