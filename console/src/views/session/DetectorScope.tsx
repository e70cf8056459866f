import { useRef } from "react";
import { useTranslation } from "../../i18n/translation";
import { prepare, useAnimation } from "../../ui/media";
import { useConsole, useConsoleState } from "../context";
import { type Detector, type Loudness, type Span, spansOf } from "./scope";

const SHOWN_MS = 4000;
const BAR_MS = 40;
/** Of loudness: ordinary speech into an ordinary microphone then reaches the middle. */
const GAIN = 2;

/** The last seconds of the microphone, with the detector's numbers drawn where they would have cut. */
export function DetectorScope(detector: Detector) {
  const { t } = useTranslation();
  const console = useConsole();
  const canvas = useRef<HTMLCanvasElement>(null);
  const heard = useRef<Loudness[]>([]);
  const connected = useConsoleState((state) => state.status === "connected");
  useAnimation((nowMs) => {
    const element = canvas.current;
    const context = element && prepare(element);
    if (!element || !context) return;
    listen(heard.current, nowMs, Math.min(1, console.levels().input * GAIN));
    draw(context, element, heard.current, detector);
  }, connected);
  return (
    <figure className="scope">
      <canvas ref={canvas} role="img" aria-label={t("session.scope")} />
      <figcaption>
        <span data-span="threshold">
          <code>threshold</code>
        </span>
        <span data-span="prefix">
          <code>prefix_padding_ms</code>
        </span>
        <span data-span="silence">
          <code>silence_duration_ms</code>
        </span>
      </figcaption>
    </figure>
  );
}

/** One loudness for each bar: the loudest of its frames. */
function listen(heard: Loudness[], nowMs: number, level: number): void {
  const last = heard.at(-1);
  const atMs = Math.floor(nowMs / BAR_MS) * BAR_MS;
  if (last && last.atMs === atMs) {
    heard[heard.length - 1] = { atMs, level: Math.max(last.level, level) };
    return;
  }
  heard.push({ atMs, level });
  // Twice what is shown: a turn may have begun before it.
  while ((heard[0]?.atMs ?? 0) < nowMs - 2 * SHOWN_MS) heard.shift();
}

function draw(
  context: CanvasRenderingContext2D,
  element: HTMLCanvasElement,
  heard: readonly Loudness[],
  detector: Detector,
): void {
  const { clientWidth: width, clientHeight: height } = element;
  const style = getComputedStyle(element);
  const color = (name: string) => style.getPropertyValue(name).trim();
  const nowMs = (heard.at(-1)?.atMs ?? 0) + BAR_MS;
  const x = (ms: number) => width * (1 - (nowMs - ms) / SHOWN_MS);
  for (const span of spansOf(heard, detector, nowMs)) drawSpan(context, span, x, height, color);
  const step = (width * BAR_MS) / SHOWN_MS;
  for (const { atMs, level } of heard) {
    context.fillStyle = color(level >= detector.threshold ? "--accent" : "--dim");
    const tall = Math.max(1, level * height);
    context.fillRect(x(atMs), height - tall, Math.max(1, step - 1.5), tall);
  }
  context.fillStyle = color("--coral");
  context.fillRect(0, height * (1 - detector.threshold) - 1, width, 2);
}

const SPAN_COLORS = { prefix: "--yellow", speech: "--accent", silence: "--ink" } as const;

/** A wash of color, and a bracket below that can be measured by eye. */
function drawSpan(
  context: CanvasRenderingContext2D,
  { kind, fromMs, toMs }: Span,
  x: (ms: number) => number,
  height: number,
  color: (name: string) => string,
): void {
  context.fillStyle = color(SPAN_COLORS[kind]);
  const wide = x(toMs) - x(fromMs);
  context.globalAlpha = kind === "speech" ? 0.1 : 0.28;
  context.fillRect(x(fromMs), 0, wide, height);
  context.globalAlpha = 1;
  if (kind !== "speech") context.fillRect(x(fromMs), 0, wide, 4);
}
