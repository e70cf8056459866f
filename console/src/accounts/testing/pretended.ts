/** A server with accounts, in memory: for screenshots, tests, and work on the views. */
import { adminKey } from "../admin_key";
import type { Fetch } from "../api";

const ADMIN = "sk-lr-demo-admin";
const NOW = Date.UTC(2026, 10, 23, 15) / 1000;
const DAY_S = 86_400;

interface Answer {
  readonly status: number;
  readonly body: unknown;
}

type Raw = Readonly<Record<string, unknown>>;

/** Put a pretended server in front of the real one, for what the accounts view asks. */
export function pretendAccounts(search: URLSearchParams): void {
  adminKey.set(search.get("demo") === "door" ? "" : ADMIN);
  if (search.get("demo") === "refused") adminKey.set("sk-lr-wrong");
  const real = globalThis.fetch.bind(globalThis);
  const pretended = createPretended();
  globalThis.fetch = async (input, init) => {
    const { pathname } = new URL(String(input), location.href);
    if (pathname.endsWith("/health")) return Response.json({ status: "ok", accounts: true });
    if (pathname.includes("/v1/organization/")) return pretended(String(input), init ?? {});
    return real(input, init);
  };
}

export function createPretended(): Fetch {
  const server = new Pretended();
  return async (url, init) => {
    const { status, body } = server.answer(new URL(url, "http://127.0.0.1"), init);
    return Response.json(body, { status });
  };
}

class Pretended {
  private keys: Raw[] = startingKeys();
  private limits: Raw[] = startingLimits();
  private made = 0;

  answer(url: URL, init: RequestInit): Answer {
    const key = new Headers(init.headers).get("Authorization");
    if (key === "Bearer sk-lr-talks") return refused(403, "insufficient_scope");
    if (key !== `Bearer ${ADMIN}`) return refused(401, "invalid_api_key");
    const path = url.pathname.split("/organization/")[1] ?? "";
    const body = init.body ? (JSON.parse(String(init.body)) as Raw) : {};
    return this.route(`${init.method ?? "GET"} ${path}`, body, url.searchParams);
  }

  private route(line: string, body: Raw, query: URLSearchParams): Answer {
    if (line === "GET projects") return listed(["default", "reception"].map((id) => ({ id })));
    if (line === "GET limits") return listed(this.limits);
    if (line === "POST limits") return this.setLimit(body);
    if (line === "GET audit_logs") return listed(auditLog());
    if (line === "GET usage/completions") return usagePage(query);
    const [, project = ""] = /projects\/([^/]+)\/api_keys/.exec(line) ?? [];
    const id = line.split("/")[3] ?? "";
    if (line.startsWith("GET projects/")) {
      return listed(this.keys.filter((key) => key.project === project));
    }
    if (line.endsWith("/rotate")) return this.rotate(id);
    if (line.startsWith("POST projects/")) return this.create(project, body);
    if (line.startsWith("DELETE projects/")) return this.revoke(id);
    if (line.startsWith("DELETE limits/")) return this.removeLimit(line.split("/")[1] ?? "");
    return refused(404, "not_found");
  }

  private create(project: string, body: Raw): Answer {
    this.made += 1;
    const after = body.expires_after as { seconds: number } | null;
    const key = apiKey(`key_new${this.made}`, String(body.name), {
      project,
      scopes: body.scopes,
      limits: body.limits,
      created_at: NOW,
      expires_at: after ? NOW + after.seconds : null,
    });
    this.keys = [key, ...this.keys];
    return { status: 200, body: { ...key, value: `sk-lr-demo${"0123456789abcdef".repeat(2)}` } };
  }

  private rotate(id: string): Answer {
    const old = this.keys.find((key) => key.id === id);
    if (!old) return refused(404, "not_found");
    this.revoke(id);
    return this.create(String(old.project), old);
  }

  private revoke(id: string): Answer {
    this.keys = this.keys.map((key) =>
      key.id === id ? { ...key, status: "revoked", revoked_at: NOW } : key,
    );
    return { status: 200, body: { id, deleted: true } };
  }

  private setLimit(body: Raw): Answer {
    const limit = { id: `limit_new${this.limits.length}`, state: "within", ...body };
    const made = { ...limit, used: `0.00 of ${String(body.limit)}` };
    this.limits = [...this.limits, made];
    return { status: 200, body: made };
  }

  private removeLimit(id: string): Answer {
    this.limits = this.limits.filter((limit) => limit.id !== id);
    return { status: 200, body: { id, deleted: true } };
  }
}

function refused(status: number, code: string): Answer {
  return { status, body: { error: { message: `Refused: ${code}.`, type: "error", code } } };
}

function listed(data: readonly Raw[]): Answer {
  return { status: 200, body: { object: "list", data, has_more: false } };
}

function apiKey(id: string, name: string, part: Raw): Raw {
  return {
    object: "organization.project.api_key",
    id,
    name,
    redacted_value: `sk-lr-${id.slice(-4)}1a2b...`,
    created_at: NOW - 80 * DAY_S,
    last_used_at: null,
    expires_at: null,
    revoked_at: null,
    project: "default",
    scopes: ["realtime"],
    status: "active",
    limits: [],
    ...part,
  };
}

function startingKeys(): Raw[] {
  return [
    apiKey("key_boss", "Ana's administration", { scopes: ["realtime", "admin"] }),
    apiKey("key_shop", "Shop window", {
      last_used_at: NOW - 3600,
      limits: ["5 USD/day", "20 responses/minute", "3 sessions"],
    }),
    apiKey("key_desk", "Front desk", {
      project: "reception",
      last_used_at: NOW - 2 * DAY_S,
      expires_at: NOW + 40 * DAY_S,
      limits: ["600 minutes/month"],
    }),
    apiKey("key_fair", "Trade fair in September", {
      status: "expired",
      expires_at: NOW - 50 * DAY_S,
    }),
    apiKey("key_left", "Rui's laptop", { status: "revoked", revoked_at: NOW - 9 * DAY_S }),
  ];
}

function startingLimits(): Raw[] {
  const limit = (id: string, scope: string, owner: string, text: string, used: string) => ({
    object: "organization.limit",
    id: `limit_${id}`,
    scope,
    owner,
    limit: text,
    used,
  });
  return [
    { ...limit("1", "key", "key_shop", "5 USD/day", "3.20 of 5 USD/day"), state: "within" },
    {
      ...limit("2", "key", "key_desk", "600 minutes/month", "512.40 of 600 minutes/month"),
      state: "warn",
    },
    {
      ...limit("3", "project", "reception", "2 USD/session", ""),
      used: null,
      state: null,
    },
    {
      ...limit("4", "project", "default", "200000 tokens/day", "200412 of 200000 tokens/day"),
      state: "spent",
    },
  ];
}

function auditLog(): Raw[] {
  const entry = (id: number, type: string, days: number, target: string, detail: string) => ({
    id: `audit_${id}`,
    type,
    effective_at: Math.round(NOW - days * DAY_S),
    actor: { type: "api_key", name: "Ana's administration" },
    target,
    detail,
  });
  return [
    entry(14, "limit.create", 0.2, "key_shop", "5 USD/day"),
    entry(13, "api_key.deleted", 9, "key_left", ""),
    entry(12, "api_key.created", 21, "key_desk", "scopes realtime; expires in 60 days"),
    entry(11, "api_key.created", 80, "key_shop", "scopes realtime"),
  ];
}

/** The pages of 31 days that the real server gives; `page` is the next page's first day. */
function usagePage(query: URLSearchParams): Answer {
  const start = Number(query.get("page") ?? query.get("start_time"));
  const end = Number(query.get("end_time"));
  const stop = Math.min(end, start + Number(query.get("limit")) * DAY_S);
  const data: Raw[] = [];
  for (let day = start; day < stop; day += DAY_S) {
    data.push({ object: "bucket", start_time: day, end_time: day + DAY_S, results: usedOn(day) });
  }
  const has_more = stop < end;
  return {
    status: 200,
    body: { object: "page", data, has_more, next_page: has_more ? String(stop) : null },
  };
}

function usedOn(day: number): Raw[] {
  const number = Math.round(day / DAY_S);
  // Sundays rest, and no two days are alike: a chart of equal bars would hide its faults.
  if (number % 7 === 3) return [];
  const busy = 30 + ((number * 37) % 61);
  return [
    usedBy("key_shop", "default", "gpt-realtime", busy),
    usedBy("key_desk", "reception", "qwen3-4b", Math.round(busy / 3)),
    ...(number % 3 === 0 ? [usedBy(null, "default", "qwen3-4b", 4)] : []),
  ];
}

function usedBy(key: string | null, project: string, model: string, responses: number): Raw {
  return {
    object: "organization.usage.completions.result",
    input_tokens: responses * 310,
    output_tokens: responses * 95,
    num_model_requests: responses,
    project_id: project,
    api_key_id: key,
    model,
    input_seconds: responses * 4.2,
    output_seconds: responses * 3.1,
    tool_calls: Math.round(responses / 9),
    first_audio_ms: 480 + responses,
    cost: { value: responses * 0.0021, currency: "usd" },
    compared: { model: "gpt-realtime", value: responses * 0.0164, currency: "usd" },
  };
}
