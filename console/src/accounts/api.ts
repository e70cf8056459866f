import { objectAt, textAt } from "../ui/json";
import type {
  ApiKey,
  AuditEntry,
  KeyWish,
  Limit,
  LimitWish,
  NewKey,
  Period,
  UsageBucket,
} from "./model";
import { auditEntryOf, bucketOf, keyOf, limitOf, listAt } from "./read";

export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/** A page is read to its end, but a server that never ends must not hold the view for ever. */
const MAX_PAGES = 50;

/** *status* 0: the server was not reached, or did not answer in JSON. */
export class AccountsProblem extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

/** The administrator's API. Every method raises AccountsProblem. */
export interface Accounts {
  projects(): Promise<readonly string[]>;
  keys(project: string): Promise<readonly ApiKey[]>;
  createKey(project: string, wish: KeyWish): Promise<NewKey>;
  /** The old value opens nothing any more. */
  rotateKey(key: ApiKey): Promise<NewKey>;
  revokeKey(key: ApiKey): Promise<void>;
  limits(): Promise<readonly Limit[]>;
  setLimit(wish: LimitWish): Promise<Limit>;
  removeLimit(id: string): Promise<void>;
  /** By day, project, key and model. */
  usage(period: Period): Promise<readonly UsageBucket[]>;
  /** The newest first. */
  audit(): Promise<readonly AuditEntry[]>;
}

/** *base* ends in `/v1`. The key travels in a header only: addresses end up in logs. */
export function createAccounts(base: string, key: string, fetch: Fetch): Accounts {
  const ask = (method: string, path: string, body?: unknown) =>
    answer(fetch, `${base}/organization/${path}`, { method, key, body });
  const list = (path: string) => wholeList((query) => ask("GET", `${path}?${query}`));
  const made = async (path: string, body: unknown): Promise<NewKey> => {
    const raw = await ask("POST", path, body);
    return { key: keyOf(raw), value: textAt(raw, "value") };
  };
  return {
    projects: async () => (await list("projects")).map((raw) => textAt(raw, "id")),
    keys: async (project) => (await list(keysPath(project))).map(keyOf),
    createKey: (project, wish) => made(keysPath(project), wishBody(wish)),
    rotateKey: (old) => made(`${keyPath(old)}/rotate`, {}),
    revokeKey: async (old) => void (await ask("DELETE", keyPath(old))),
    limits: async () => (await list("limits")).map(limitOf),
    setLimit: async (wish) => limitOf(await ask("POST", "limits", wish)),
    removeLimit: async (id) => void (await ask("DELETE", `limits/${encodeURIComponent(id)}`)),
    usage: (period) => wholeUsage((query) => ask("GET", `usage/completions?${query}`), period),
    audit: async () => listAt(await ask("GET", "audit_logs?limit=50"), "data").map(auditEntryOf),
  };
}

function keysPath(project: string): string {
  return `projects/${encodeURIComponent(project)}/api_keys`;
}

function keyPath(key: ApiKey): string {
  return `${keysPath(key.project)}/${encodeURIComponent(key.id)}`;
}

function wishBody(wish: KeyWish): unknown {
  return {
    name: wish.name,
    scopes: wish.scopes,
    expires_after: wish.expiresAfterS === null ? null : { seconds: wish.expiresAfterS },
    limits: wish.limits,
  };
}

interface Question {
  readonly method: string;
  readonly key: string;
  readonly body: unknown;
}

async function answer(fetch: Fetch, url: string, { method, key, body }: Question) {
  const headers: Record<string, string> = { Authorization: `Bearer ${key}` };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const init: RequestInit = { method, headers, cache: "no-store" };
  if (body !== undefined) init.body = JSON.stringify(body);
  const response = await fetch(url, init).catch((error: unknown) => {
    throw new AccountsProblem(0, "unreachable", String(error));
  });
  const raw: unknown = await response.json().catch(() => null);
  if (!response.ok) throw problemOf(response.status, raw);
  if (raw === null) throw new AccountsProblem(0, "not_json", "The answer was no JSON.");
  return raw;
}

function problemOf(status: number, raw: unknown): AccountsProblem {
  const error = objectAt(raw, "error");
  return new AccountsProblem(status, textAt(error, "code"), textAt(error, "message", `${status}`));
}

async function wholeList(ask: (query: URLSearchParams) => Promise<unknown>) {
  const found: unknown[] = [];
  const query = new URLSearchParams({ limit: "100" });
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const raw = await ask(query);
    found.push(...listAt(raw, "data"));
    const last = textAt(raw, "last_id");
    if (objectAt(raw).has_more !== true || last === "") break;
    query.set("after", last);
  }
  return found;
}

async function wholeUsage(
  ask: (query: URLSearchParams) => Promise<unknown>,
  period: Period,
): Promise<readonly UsageBucket[]> {
  const query = new URLSearchParams({
    start_time: String(period.start),
    end_time: String(period.end),
    bucket_width: "1d",
    limit: "31",
  });
  for (const group of ["project_id", "api_key_id", "model"]) query.append("group_by", group);
  const found: UsageBucket[] = [];
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const raw = await ask(query);
    found.push(...listAt(raw, "data").map(bucketOf));
    const next = tokenOf(raw);
    if (next === null) break;
    query.set("page", next);
  }
  return found;
}

function tokenOf(raw: unknown): string | null {
  if (objectAt(raw).has_more !== true) return null;
  return textAt(raw, "next_page") || null;
}
