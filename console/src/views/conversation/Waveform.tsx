import { useRef } from "react";
import { prepare, useAnimation } from "../../ui/media";
import { useConsole, useConsoleState } from "../context";

interface WaveformProps {
  readonly side: "input" | "output";
  readonly label: string;
}

export function Waveform({ side, label }: WaveformProps) {
  const console = useConsole();
  const canvas = useRef<HTMLCanvasElement>(null);
  const connected = useConsoleState((state) => state.status === "connected");
  useAnimation(() => {
    const element = canvas.current;
    const context = element && prepare(element);
    if (!element || !context) return;
    const levels = console.levels();
    const wave = side === "input" ? levels.inputWave : levels.outputWave;
    const name = side === "input" ? "--yellow" : "--accent";
    context.fillStyle = getComputedStyle(element).getPropertyValue(name);
    drawBars(context, element, wave);
  }, connected);
  return <canvas ref={canvas} className={`wave ${side}`} role="img" aria-label={label} />;
}

function drawBars(
  context: CanvasRenderingContext2D,
  element: HTMLCanvasElement,
  wave: Float32Array,
): void {
  const step = 5;
  const middle = element.clientHeight / 2;
  const bars = Math.floor(element.clientWidth / step);
  for (let bar = 0; bar < bars; bar += 1) {
    const height = Math.max(1, peak(wave, bar / bars, (bar + 1) / bars) * middle * 1.8);
    context.fillRect(bar * step, middle - height, 2, height * 2);
  }
}

function peak(wave: Float32Array, from: number, to: number): number {
  let highest = 0;
  const end = Math.floor(to * wave.length);
  for (let index = Math.floor(from * wave.length); index < end; index += 1) {
    highest = Math.max(highest, Math.abs(wave[index] ?? 0));
  }
  return Math.min(0.55, highest);
}
