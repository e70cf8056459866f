import { useTranslation } from "../i18n/translation";
import { Dialog } from "../ui/Dialog";

interface KeysDialogProps {
  readonly open: boolean;
  readonly onClose: () => void;
}

export function KeysDialog({ open, onClose }: KeysDialogProps) {
  const { t } = useTranslation();
  const keys = [
    [t("key.space"), t("keys.talk")],
    ["Esc", t("keys.interrupt")],
    ["M", t("keys.mute")],
    ["Enter", t("keys.send")],
    ["?", t("keys.show")],
  ];
  return (
    <Dialog title={t("keys.title")} closeLabel={t("close")} open={open} onClose={onClose}>
      <dl className="keys">
        {keys.map(([key, meaning]) => (
          <div key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{meaning}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}
