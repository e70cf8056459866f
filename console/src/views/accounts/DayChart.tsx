import { type KeyboardEvent, type PointerEvent, useState } from "react";
import { amount, day, money } from "../../accounts/format";
import { axisTop, type Day, type Measure, measured, weight } from "../../accounts/usage";
import { useTranslation } from "../../i18n/translation";

interface DayChartProps {
  readonly days: readonly Day[];
  readonly measure: Measure;
  readonly model: string;
}

/** One bar a day; the arrow keys, the pointer or a finger go from day to day and read it out. */
export function DayChart({ days, measure, model }: DayChartProps) {
  const { t, language } = useTranslation();
  const [picked, setPicked] = useState<number | null>(null);
  const last = days.length - 1;
  const index = Math.min(picked ?? last, last);
  const words = useWords(days[index], measure, model);
  const pick = (event: PointerEvent<HTMLDivElement>) => {
    const box = event.currentTarget.getBoundingClientRect();
    const at = Math.floor(((event.clientX - box.left) / box.width) * days.length);
    setPicked(Math.max(0, Math.min(last, at)));
  };
  const step = (event: KeyboardEvent) => {
    const to = steppedTo(event.key, index, last);
    if (to === null) return;
    event.preventDefault();
    setPicked(to);
  };
  const top = axisTop(Math.max(...days.map((one) => weight(one, measure))));
  return (
    <figure className="day-chart">
      <figcaption>
        <span aria-hidden="true">{words}</span>
        {measure === "cost" && <Legend model={model} />}
      </figcaption>
      <div className="day-chart-body">
        <div className="axis" aria-hidden="true">
          <span>{amount(top, measure, language)}</span>
          <span>{amount(top / 2, measure, language)}</span>
          <span>{amount(0, measure, language)}</span>
        </div>
        <div
          className="day-plot"
          role="slider"
          tabIndex={0}
          aria-label={t("counts.byDay", { measure: t(`counts.${measure}`) })}
          aria-valuemin={1}
          aria-valuemax={days.length}
          aria-valuenow={index + 1}
          aria-valuetext={words}
          onKeyDown={step}
          onPointerMove={pick}
          onPointerDown={pick}
          onPointerLeave={() => setPicked(null)}
        >
          <Bars days={days} measure={measure} top={top} picked={picked} />
        </div>
        <DayLabels days={days} />
      </div>
    </figure>
  );
}

function useWords(one: Day | undefined, measure: Measure, model: string): string {
  const { t, language } = useTranslation();
  if (!one) return "";
  const value = amount(measured(one, measure), measure, language);
  const values = { day: day(one.start, language), value, model };
  if (measure !== "cost") return t("counts.onDay", values);
  return t("counts.costOnDay", { ...values, compared: money(one.compared, language) });
}

function Legend({ model }: { readonly model: string }) {
  const { t } = useTranslation();
  return (
    <span className="legend" aria-hidden="true">
      <span className="legend-here">{t("usage.here")}</span>
      <span className="legend-there">{model}</span>
    </span>
  );
}

interface BarsProps {
  readonly days: readonly Day[];
  readonly measure: Measure;
  readonly top: number;
  readonly picked: number | null;
}

function Bars({ days, measure, top, picked }: BarsProps) {
  const slot = 100 / days.length;
  return (
    <svg className="day-bars" aria-hidden="true">
      {[0, 50, 100].map((y) => (
        <line key={y} className="grid-line" x1="0" x2="100%" y1={`${y}%`} y2={`${y}%`} />
      ))}
      {days.map((one, index) => {
        const x = index * slot;
        const value = measured(one, measure);
        return (
          <g key={one.start} data-picked={index === picked}>
            <rect className="hit" x={`${x}%`} width={`${slot}%`} height="100%" />
            {measure === "cost" && (
              <Bar
                className="there"
                x={x + slot * 0.12}
                width={slot * 0.76}
                share={one.compared / top}
              />
            )}
            <Bar className="here" x={x + slot * 0.12} width={slot * 0.76} share={value / top} />
          </g>
        );
      })}
    </svg>
  );
}

interface BarProps {
  readonly className: string;
  readonly x: number;
  readonly width: number;
  readonly share: number;
}

function Bar({ className, x, width, share }: BarProps) {
  const height = share * 100;
  return (
    <rect
      className={className}
      x={`${x}%`}
      y={`${100 - height}%`}
      width={`${width}%`}
      height={`${height}%`}
    />
  );
}

/** The first, the last and the middle: what fits a phone. */
function DayLabels({ days }: { readonly days: readonly Day[] }) {
  const { language } = useTranslation();
  const marked = [days[0], days[Math.floor((days.length - 1) / 2)], days.at(-1)];
  return (
    <div className="day-labels" aria-hidden="true">
      {marked.map((one) => one && <span key={one.start}>{day(one.start, language)}</span>)}
    </div>
  );
}

function steppedTo(key: string, index: number, last: number): number | null {
  switch (key) {
    case "ArrowLeft":
    case "ArrowDown":
      return Math.max(0, index - 1);
    case "ArrowRight":
    case "ArrowUp":
      return Math.min(last, index + 1);
    case "Home":
      return 0;
    case "End":
      return last;
    default:
      return null;
  }
}
