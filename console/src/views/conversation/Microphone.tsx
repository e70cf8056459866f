import { useTranslation } from "../../i18n/translation";
import { useConsole, useConsoleState } from "../context";
import { DeviceChoice } from "./DeviceChoice";

/** What keeps the microphone from working, and the cure. */
export function MicrophoneNotice() {
  const { t } = useTranslation();
  const console = useConsole();
  const state = useConsoleState((each) => each.microphone.state);
  if (state === "on") return null;
  return (
    <div className="notice" role={state === "off" ? undefined : "alert"}>
      <p>
        <strong>{t(`microphone.${state}`)}</strong> {t(`microphone.${state}.cure`)}
      </p>
      {state !== "asking" && (
        <button
          type="button"
          className="button quiet"
          onClick={() => void console.enableMicrophone()}
        >
          {t("microphone.enable")}
        </button>
      )}
    </div>
  );
}

export function MicrophoneChoice() {
  const { t } = useTranslation();
  const console = useConsole();
  const devices = useConsoleState((state) => state.microphone.devices);
  const device = useConsoleState((state) => state.microphone.device);
  return (
    <DeviceChoice
      label={t("microphone.device")}
      device={device}
      devices={devices}
      unnamed={(number) => t("microphone.unnamed", { number })}
      onChoose={(id) => void console.enableMicrophone(id)}
    />
  );
}
