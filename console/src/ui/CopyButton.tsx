import { Check, Copy } from "lucide-react";
import { useEffect, useState } from "react";
import { useTranslation } from "../i18n/translation";
import { copyText } from "./browser";

interface CopyButtonProps {
  readonly text: () => string;
  readonly label: string;
}

export function CopyButton({ text, label }: CopyButtonProps) {
  const { t } = useTranslation();
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return;
    const timer = setTimeout(() => setCopied(false), 1500);
    return () => clearTimeout(timer);
  }, [copied]);
  return (
    <button
      type="button"
      className="button quiet"
      onClick={() => void copyText(text()).then(setCopied)}
    >
      {copied ? <Check aria-hidden="true" /> : <Copy aria-hidden="true" />}
      <span aria-live="polite">{copied ? t("copied") : label}</span>
    </button>
  );
}
