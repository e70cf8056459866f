import { Wrench } from "lucide-react";
import { memo } from "react";
import { useTranslation } from "../../i18n/translation";
import type { CallItem } from "../../protocol/model";

interface CallProps {
  readonly item: CallItem;
}

export const Call = memo(function Call({ item }: CallProps) {
  const { t } = useTranslation();
  return (
    <details className="item call" data-status={item.status}>
      <summary>
        <Wrench aria-hidden="true" />
        <code>{item.name}</code>
        <span className="call-state">
          {item.output === null ? t("call.running") : t("call.answered")}
        </span>
      </summary>
      <h3>{t("call.arguments")}</h3>
      <pre>{pretty(item.arguments)}</pre>
      {item.output !== null && (
        <>
          <h3>{t("call.output")}</h3>
          <pre>{pretty(item.output)}</pre>
        </>
      )}
    </details>
  );
});

/** As written when it is no JSON: arguments arrive in pieces, and are none until the last. */
function pretty(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
