import { useTranslation } from "../../i18n/translation";
import type { Problem } from "../../tools/schema";

interface ProblemNoteProps {
  readonly id: string;
  readonly problem: Problem | null;
}

export function ProblemNote({ id, problem }: ProblemNoteProps) {
  const { t } = useTranslation();
  return (
    <p id={id} className="problem" aria-live="polite">
      {problem && (
        <>
          {problem.path && <code>{problem.path}</code>} {t(`problem.${problem.reason}`)}{" "}
          {problem.detail}
        </>
      )}
    </p>
  );
}
