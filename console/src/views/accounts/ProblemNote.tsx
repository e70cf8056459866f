import type { AccountsProblem } from "../../accounts/api";
import { useTranslation } from "../../i18n/translation";

/** What went wrong, and the cure in words. The server's own words are English. */
export function ProblemNote({ problem }: { readonly problem: AccountsProblem | null }) {
  const { t } = useTranslation();
  if (problem === null) return null;
  const known = problem.status === 0 ? "0" : problem.status === 401 ? "401" : "403";
  const cured = problem.status === 0 || problem.status === 401 || problem.status === 403;
  return (
    <div className="notice accounts-problem" role="alert">
      {cured ? (
        <p>
          <strong>{t(`accounts.problem.${known}`)}</strong> {t(`accounts.problem.${known}.cure`)}
        </p>
      ) : (
        <p>
          <strong>{t("accounts.problem.other")}</strong> <span lang="en">{problem.message}</span>
        </p>
      )}
    </div>
  );
}
