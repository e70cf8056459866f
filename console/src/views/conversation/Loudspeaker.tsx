import { useTranslation } from "../../i18n/translation";
import { useConsole, useConsoleState } from "../context";
import { DeviceChoice } from "./DeviceChoice";

export function LoudspeakerChoice() {
  const { t } = useTranslation();
  const console = useConsole();
  const { device, devices } = useConsoleState((state) => state.loudspeaker);
  return (
    <DeviceChoice
      label={t("loudspeaker.device")}
      // Browsers list the system's first.
      device={device ?? devices[0]?.id ?? null}
      devices={devices}
      unnamed={(number) => t("loudspeaker.unnamed", { number })}
      onChoose={(id) => void console.chooseLoudspeaker(id)}
    />
  );
}
