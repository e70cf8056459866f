import { useRef } from "react";
import type { ConsoleState, RealtimeConsole } from "../../realtime/types";
import { prepare, useAnimation, useMedia } from "../../ui/media";
import { useConsole, useConsoleState } from "../context";

interface ParrotEyeProps {
  readonly className?: string;
}

interface Look {
  readonly mood: ConsoleState["assistantState"] | "asleep";
  readonly input: number;
  readonly output: number;
  readonly outputWave: Float32Array;
  readonly recording: boolean;
  readonly still: boolean;
}

/** A parrot narrows and widens its pupil when it attends: the pupil is the microphone's level. */
export function ParrotEye({ className = "eye-canvas" }: ParrotEyeProps) {
  const console = useConsole();
  const canvas = useRef<HTMLCanvasElement>(null);
  const pupil = useRef(0.4);
  const connected = useConsoleState((state) => state.status === "connected");
  const still = useMedia("(prefers-reduced-motion: reduce)");
  useAnimation((timeMs) => {
    const element = canvas.current;
    const context = element && prepare(element);
    if (!element || !context) return;
    const look = lookOf(console, still);
    const wanted = pupilOf(look, timeMs);
    pupil.current += (wanted - pupil.current) * (still ? 1 : 0.22);
    drawEye(context, element, look, pupil.current);
  }, connected);
  return <canvas ref={canvas} className={className} />;
}

function lookOf(console: RealtimeConsole, still: boolean): Look {
  const { state } = console;
  const mood = state.status === "connected" ? state.assistantState : "asleep";
  return {
    ...console.levels(),
    mood,
    recording: state.holding || state.conversation.speaking,
    still,
  };
}

function pupilOf(look: Look, timeMs: number): number {
  if (look.mood === "asleep") return 0.42;
  if (look.mood === "thinking") return look.still ? 0.3 : 0.3 + 0.1 * Math.sin(timeMs / 130);
  return 0.36 + 0.34 * Math.min(1, look.input * 2.5);
}

function drawEye(
  context: CanvasRenderingContext2D,
  element: HTMLCanvasElement,
  look: Look,
  pupil: number,
): void {
  const style = getComputedStyle(element);
  const color = (name: string) => style.getPropertyValue(name).trim();
  const half = Math.min(element.clientWidth, element.clientHeight) / 2;
  context.translate(element.clientWidth / 2, element.clientHeight / 2);
  drawVoice(context, half, look, color(look.recording ? "--coral" : "--accent"));
  const iris = half * 0.66;
  disc(context, iris + half * 0.08, color("--eye-rim"));
  disc(context, iris, color("--yellow-fill"));
  drawFibres(context, iris, color("--eye-fibre"));
  disc(context, iris * pupil, color("--eye-pupil"));
  context.translate(-iris * 0.24, -iris * 0.26);
  disc(context, iris * 0.09, color("--eye-glint"));
  context.translate(iris * 0.24, iris * 0.26);
  if (look.mood === "asleep") drawLid(context, iris + half * 0.09, color("--eye-lid"));
}

/** The answer's sound, laid around the eye as feathers. */
function drawVoice(
  context: CanvasRenderingContext2D,
  half: number,
  look: Look,
  color: string,
): void {
  const feathers = 56;
  context.strokeStyle = color;
  context.lineWidth = Math.max(1.5, half * 0.03);
  context.lineCap = "round";
  context.beginPath();
  for (let index = 0; index < feathers; index += 1) {
    const angle = (index / feathers) * Math.PI * 2 - Math.PI / 2;
    const at = Math.floor((index / feathers) * look.outputWave.length);
    const sound = Math.min(1, Math.abs(look.outputWave[at] ?? 0) * 2.2);
    const far = half * (0.82 + (look.still ? look.output : sound) * 0.16);
    context.moveTo(Math.cos(angle) * half * 0.8, Math.sin(angle) * half * 0.8);
    context.lineTo(Math.cos(angle) * far, Math.sin(angle) * far);
  }
  context.stroke();
}

function drawFibres(context: CanvasRenderingContext2D, radius: number, color: string): void {
  context.strokeStyle = color;
  context.lineWidth = 1;
  context.beginPath();
  for (let index = 0; index < 72; index += 1) {
    const angle = (index / 72) * Math.PI * 2;
    const near = radius * (0.5 + 0.12 * Math.sin(index * 2.4));
    context.moveTo(Math.cos(angle) * near, Math.sin(angle) * near);
    context.lineTo(Math.cos(angle) * radius * 0.97, Math.sin(angle) * radius * 0.97);
  }
  context.stroke();
}

function drawLid(context: CanvasRenderingContext2D, radius: number, color: string): void {
  context.fillStyle = color;
  context.beginPath();
  context.arc(0, 0, radius, Math.PI * 1.02, Math.PI * 1.98);
  context.quadraticCurveTo(0, radius * 0.42, -radius, -radius * 0.06);
  context.fill();
}

function disc(context: CanvasRenderingContext2D, radius: number, color: string): void {
  context.fillStyle = color;
  context.beginPath();
  context.arc(0, 0, radius, 0, Math.PI * 2);
  context.fill();
}
