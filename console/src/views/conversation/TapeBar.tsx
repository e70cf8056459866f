import { Pause, Play } from "lucide-react";
import { memo } from "react";
import { useTranslation } from "../../i18n/translation";
import type { Cue, Score } from "../../realtime/score";
import type { Tape } from "../../realtime/tape";
import { length } from "../../ui/format";
import { useStore } from "../../ui/store";
import { openedMoment } from "../opened";

const STEP_MS = 100;

/** A saved conversation as a score: two voices, and the moment at which it is played. */
export function TapeBar({ tape }: { readonly tape: Tape }) {
  const { t } = useTranslation();
  const { playing, clockMs } = useStore(openedMoment);
  const { startMs, endMs } = tape.score;
  const atMs = (clockMs ?? endMs) - startMs;
  const told = `${length(atMs)} / ${length(endMs - startMs)}`;
  return (
    <section className="tape" aria-label={t("tape.play")}>
      <button
        type="button"
        className="tape-button"
        aria-label={t(playing ? "tape.pause" : "tape.play")}
        onClick={() => (playing ? tape.pause() : tape.play())}
      >
        {playing ? <Pause aria-hidden="true" /> : <Play aria-hidden="true" />}
      </button>
      <div className="score">
        <Voices score={tape.score} />
        <input
          type="range"
          min={0}
          max={Math.ceil((endMs - startMs) / STEP_MS)}
          value={Math.round(atMs / STEP_MS)}
          aria-label={t("tape.moment")}
          aria-valuetext={told}
          onChange={(event) => tape.seek(startMs + event.target.valueAsNumber * STEP_MS)}
        />
      </div>
      <p className="tape-time" aria-hidden="true">
        {told}
      </p>
    </section>
  );
}

/** Above what the person said, below what was answered. */
const Voices = memo(function Voices({ score }: { readonly score: Score }) {
  const { cues, startMs, endMs } = score;
  return (
    <svg
      className="score-voices"
      viewBox={`0 0 ${Math.max(1, endMs - startMs)} 2`}
      preserveAspectRatio="none"
      aria-hidden="true"
    >
      {cues.map((cue) => (
        <rect
          key={cue.item.id}
          data-role={roleOf(cue)}
          x={cue.atMs - startMs}
          y={roleOf(cue) === "user" ? 0.1 : 1.1}
          // What was written, and calls, have no length: they are still to be seen.
          width={Math.max(cue.soundMs, (endMs - startMs) / 250)}
          height={0.8}
        />
      ))}
    </svg>
  );
});

function roleOf({ item }: Cue): string {
  return item.kind === "message" ? item.role : "call";
}
