import { useState } from "react";
import { useTranslation } from "../../i18n/translation";
import { javascriptCode, pythonCode, type Snippet } from "../../settings/code";
import { CopyButton } from "../../ui/CopyButton";

interface CodeCopiesProps {
  readonly snippet: Snippet;
}

export function CodeCopies({ snippet }: CodeCopiesProps) {
  const { t } = useTranslation();
  const [language, setLanguage] = useState<"python" | "javascript">("python");
  const code = language === "python" ? pythonCode(snippet) : javascriptCode(snippet);
  return (
    <section className="code-copies" aria-label={t("code.title")}>
      <header>
        <h3>{t("code.title")}</h3>
        <div className="choice">
          {(["python", "javascript"] as const).map((each) => (
            <button
              key={each}
              type="button"
              aria-pressed={language === each}
              onClick={() => setLanguage(each)}
            >
              {each === "python" ? "Python" : "JavaScript"}
            </button>
          ))}
        </div>
        <CopyButton label={t("copy")} text={() => code} />
      </header>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard */}
      <pre tabIndex={0}>{code}</pre>
    </section>
  );
}
