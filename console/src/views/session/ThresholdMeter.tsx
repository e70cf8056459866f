import { useRef } from "react";
import { useTranslation } from "../../i18n/translation";
import { prepare, useAnimation } from "../../ui/media";
import { useConsole, useConsoleState } from "../context";

interface ThresholdMeterProps {
  readonly threshold: number;
  readonly onChange: (threshold: number) => void;
}

/** The threshold as a line over the live level. The server scores speech, not loudness: it is a guide. */
export function ThresholdMeter({ threshold, onChange }: ThresholdMeterProps) {
  const { t } = useTranslation();
  const console = useConsole();
  const canvas = useRef<HTMLCanvasElement>(null);
  const connected = useConsoleState((state) => state.status === "connected");
  useAnimation(() => {
    const element = canvas.current;
    const context = element && prepare(element);
    if (!element || !context) return;
    const style = getComputedStyle(element);
    const level = Math.min(1, console.levels().input * 2);
    context.fillStyle = style.getPropertyValue(level >= threshold ? "--accent" : "--dim");
    context.fillRect(0, 0, level * element.clientWidth, element.clientHeight);
    context.fillStyle = style.getPropertyValue("--coral");
    context.fillRect(threshold * element.clientWidth - 1, 0, 2, element.clientHeight);
  }, connected);
  return (
    <div className="field slider threshold">
      <label htmlFor="threshold">
        <code>threshold</code>
      </label>
      <div className="threshold-track">
        <canvas ref={canvas} role="img" aria-label={t("session.level")} />
        <input
          id="threshold"
          type="range"
          min={0}
          max={1}
          step={0.05}
          value={threshold}
          onChange={(event) => onChange(event.target.valueAsNumber)}
        />
      </div>
      <output htmlFor="threshold">{threshold.toFixed(2)}</output>
    </div>
  );
}
