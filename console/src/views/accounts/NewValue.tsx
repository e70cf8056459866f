import { useEffect, useRef } from "react";
import type { NewKey } from "../../accounts/model";
import { useTranslation } from "../../i18n/translation";
import { CopyButton } from "../../ui/CopyButton";

interface NewValueProps {
  readonly made: NewKey;
  readonly onDone: () => void;
}

/** Stands in the page, and not in a dialog: a stray click must not lose what is told only once. */
export function NewValue({ made, onDone }: NewValueProps) {
  const { t } = useTranslation();
  const title = useRef<HTMLHeadingElement>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: each new key takes the focus anew
  useEffect(() => {
    title.current?.focus();
  }, [made]);
  return (
    <div className="new-value">
      <h4 ref={title} tabIndex={-1}>
        {t("apiKeys.made", { name: made.key.name })}
      </h4>
      <p>{t("apiKeys.once")}</p>
      <code>{made.value}</code>
      <div className="dialog-deeds">
        <CopyButton text={() => made.value} label={t("copy")} />
        <button type="button" className="button primary" onClick={onDone}>
          {t("apiKeys.kept")}
        </button>
      </div>
    </div>
  );
}
