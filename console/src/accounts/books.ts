import { createContext, useCallback, useContext, useEffect, useRef, useState } from "react";
import { type Accounts, AccountsProblem } from "./api";
import type { ApiKey, AuditEntry, Limit, Period, UsageBucket } from "./model";
import { lastDays } from "./usage";

/** All that the view shows beside the usage. */
export interface Roster {
  readonly projects: readonly string[];
  readonly keys: readonly ApiKey[];
  readonly limits: readonly Limit[];
  readonly audit: readonly AuditEntry[];
}

export async function loadRoster(accounts: Accounts): Promise<Roster> {
  const [projects, limits, audit] = await Promise.all([
    accounts.projects(),
    accounts.limits(),
    accounts.audit(),
  ]);
  const keys = await Promise.all(projects.map((project) => accounts.keys(project)));
  return { projects, limits, audit, keys: keys.flat() };
}

/** What was used in a period. */
export interface Counted {
  readonly period: Period;
  readonly buckets: readonly UsageBucket[];
}

/** *nowMs*: of the wall clock. */
export async function loadUsage(accounts: Accounts, days: number, nowMs: number): Promise<Counted> {
  const period = lastDays(days, nowMs);
  return { period, buckets: await accounts.usage(period) };
}

export interface Books {
  readonly accounts: Accounts;
  readonly roster: Roster;
  readonly usage: Loaded<Counted>;
  /** How many days are counted. */
  readonly days: number;
  readonly count: (days: number) => void;
  /** Ask the server for the roster again; what is shown stays until it answers. */
  readonly reload: () => void;
  /** Take note of *problem*; return it if the view has to show it, null if the whole page does. */
  readonly report: (problem: unknown) => AccountsProblem | null;
  /** Say *words* to a screen reader. */
  readonly say: (words: string) => void;
}

export const BooksContext = createContext<Books | null>(null);

export function useBooks(): Books {
  const books = useContext(BooksContext);
  if (books === null) throw new Error("useBooks is called outside BooksContext");
  return books;
}

export interface Loaded<T> {
  /** What was loaded last, also while more is under way. */
  readonly value: T | null;
  readonly problem: unknown;
  readonly loading: boolean;
}

/** What *load* gives, and a way to ask again. An answer that came too late is dropped. */
export function useLoaded<T>(load: () => Promise<T>): readonly [Loaded<T>, () => void] {
  const [loaded, setLoaded] = useState<Loaded<T>>({ value: null, problem: null, loading: true });
  const latest = useRef(0);
  const reload = useCallback(() => {
    latest.current += 1;
    const mine = latest.current;
    setLoaded((before) => ({ ...before, loading: true }));
    load().then(
      (value) => {
        if (mine === latest.current) setLoaded({ value, problem: null, loading: false });
      },
      (problem: unknown) => {
        if (mine === latest.current) setLoaded((b) => ({ ...b, problem, loading: false }));
      },
    );
  }, [load]);
  useEffect(() => {
    reload();
    return () => {
      latest.current += 1;
    };
  }, [reload]);
  return [loaded, reload];
}

export interface Deed {
  readonly busy: boolean;
  readonly problem: AccountsProblem | null;
  /** What *deed* gave, or null if it failed; the roster is asked for anew once it is done. */
  readonly run: <T>(deed: () => Promise<T>) => Promise<{ readonly value: T } | null>;
}

export function useDeed(): Deed {
  const { report, reload } = useBooks();
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<AccountsProblem | null>(null);
  const run = async <T>(deed: () => Promise<T>) => {
    setBusy(true);
    setProblem(null);
    try {
      const value = await deed();
      reload();
      return { value };
    } catch (error) {
      setProblem(report(error));
      return null;
    } finally {
      setBusy(false);
    }
  };
  return { busy, problem, run };
}

/** Whether *problem* is about the administrator's own key. */
export function isRefusal(problem: unknown): problem is AccountsProblem {
  return problem instanceof AccountsProblem && (problem.status === 401 || problem.status === 403);
}
