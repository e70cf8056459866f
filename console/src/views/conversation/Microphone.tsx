import { useTranslation } from "../../i18n/translation";
import { useConsole, useConsoleState } from "../context";

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
  if (devices.length < 2) return null;
  return (
    <select
      className="device"
      aria-label={t("microphone.device")}
      value={device ?? ""}
      onChange={(event) => void console.enableMicrophone(event.target.value)}
    >
      {devices.map(({ id, label }, index) => (
        <option key={id} value={id}>
          {label || t("microphone.unnamed", { number: index + 1 })}
        </option>
      ))}
    </select>
  );
}
