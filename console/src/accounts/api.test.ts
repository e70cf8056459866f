import { expect, test } from "vitest";
import { AccountsProblem, createAccounts, type Fetch } from "./api";

const BASE = "http://louro.test/v1";

interface Asked {
  readonly line: string;
  readonly query: URLSearchParams;
  readonly authorization: string | null;
  readonly body: unknown;
}

/** A server that gives *answers* one after another, and what it was asked. */
function scripted(...answers: readonly (Response | Error)[]) {
  const asked: Asked[] = [];
  const fetch: Fetch = async (address, init) => {
    const url = new URL(address);
    asked.push({
      line: `${init.method} ${url.pathname}`,
      query: url.searchParams,
      authorization: new Headers(init.headers).get("Authorization"),
      body: init.body ? JSON.parse(String(init.body)) : null,
    });
    const answer = answers[asked.length - 1];
    if (answer instanceof Response) return answer;
    throw answer ?? new Error("asked once too often");
  };
  return { asked, accounts: createAccounts(BASE, "sk-secret", fetch) };
}

const json = (body: unknown, status = 200) => Response.json(body, { status });

const rawKey = {
  object: "organization.project.api_key",
  id: "key_1",
  name: "Shop",
  redacted_value: "sk-lr-1a2b3c...",
  created_at: 10,
  last_used_at: null,
  expires_at: 20,
  revoked_at: null,
  project: "default",
  scopes: ["realtime"],
  status: "expired",
  limits: ["5 USD/day"],
};

const readKey = {
  id: "key_1",
  name: "Shop",
  redacted: "sk-lr-1a2b3c...",
  createdAt: 10,
  lastUsedAt: null,
  expiresAt: 20,
  revokedAt: null,
  project: "default",
  scopes: ["realtime"],
  status: "expired",
  limits: ["5 USD/day"],
} as const;

test("the key travels in a header, and stands in no address", async () => {
  const { asked, accounts } = scripted(json({ data: [] }));
  await accounts.limits();
  expect(asked[0]?.authorization).toBe("Bearer sk-secret");
  expect(asked[0]?.query.toString()).not.toContain("secret");
});

test("a list is read to its last page", async () => {
  const { asked, accounts } = scripted(
    json({ data: [rawKey], has_more: true, last_id: "key_1" }),
    json({ data: [{ ...rawKey, id: "key_2" }], has_more: false }),
  );
  const keys = await accounts.keys("shop & co");
  expect(keys.map((key) => key.id)).toEqual(["key_1", "key_2"]);
  expect(keys[0]).toEqual(readKey);
  expect(asked[0]?.line).toBe("GET /v1/organization/projects/shop%20%26%20co/api_keys");
  expect(asked[1]?.query.get("after")).toBe("key_1");
});

test("a new key is told with its value", async () => {
  const { asked, accounts } = scripted(json({ ...rawKey, value: "sk-lr-all-of-it" }));
  const wish = { name: "Shop", scopes: ["realtime"], expiresAfterS: 60, limits: ["3 sessions"] };
  expect(await accounts.createKey("default", wish)).toEqual({
    key: readKey,
    value: "sk-lr-all-of-it",
  });
  expect(asked[0]?.body).toEqual({
    name: "Shop",
    scopes: ["realtime"],
    expires_after: { seconds: 60 },
    limits: ["3 sessions"],
  });
});

test("a key that never expires is asked for with null", async () => {
  const { asked, accounts } = scripted(json(rawKey));
  await accounts.createKey("p", { name: "a", scopes: [], expiresAfterS: null, limits: [] });
  expect(asked[0]?.body).toMatchObject({ expires_after: null });
});

test("rotating and revoking name the key under its project", async () => {
  const { asked, accounts } = scripted(json({ ...rawKey, value: "sk-2" }), json({ deleted: true }));
  expect((await accounts.rotateKey(readKey)).value).toBe("sk-2");
  await accounts.revokeKey(readKey);
  expect(asked.map((one) => one.line)).toEqual([
    "POST /v1/organization/projects/default/api_keys/key_1/rotate",
    "DELETE /v1/organization/projects/default/api_keys/key_1",
  ]);
});

test("limits are set and removed", async () => {
  const limit = { id: "limit_1", scope: "key", owner: "key_1", limit: "5 USD/day" };
  const { asked, accounts } = scripted(
    json({ ...limit, used: "0.00 of 5 USD/day", state: "within" }),
    json({ deleted: true }),
  );
  const wish = { scope: "key", owner: "key_1", limit: "5 USD/day" } as const;
  expect(await accounts.setLimit(wish)).toMatchObject({ id: "limit_1", state: "within" });
  await accounts.removeLimit("limit_1");
  expect(asked[0]?.body).toEqual(wish);
  expect(asked[1]?.line).toBe("DELETE /v1/organization/limits/limit_1");
});

test("usage is asked for by day, project, key and model, page after page", async () => {
  const result = {
    input_tokens: 5,
    num_model_requests: 1,
    api_key_id: "key_1",
    model: null,
    cost: { value: 0.5, currency: "usd" },
    compared: { model: "gpt-realtime", value: 2, currency: "usd" },
  };
  const { asked, accounts } = scripted(
    json({
      data: [{ start_time: 0, end_time: 86_400, results: [result] }],
      has_more: true,
      next_page: "p2",
    }),
    json({ data: [{ start_time: 86_400, end_time: 172_800, results: [] }], next_page: null }),
  );
  const buckets = await accounts.usage({ start: 0, end: 172_800 });
  expect(buckets).toHaveLength(2);
  expect(buckets[0]?.results[0]).toMatchObject({
    inputTokens: 5,
    outputTokens: 0,
    keyId: "key_1",
    project: null,
    cost: 0.5,
    compared: 2,
    comparedModel: "gpt-realtime",
    firstAudioMs: null,
  });
  expect(asked[0]?.query.getAll("group_by")).toEqual(["project_id", "api_key_id", "model"]);
  expect(asked[1]?.query.get("page")).toBe("p2");
});

test("a refusal brings the server's words and code", async () => {
  const refusal = { error: { message: "Incorrect API key.", code: "invalid_api_key" } };
  const { accounts } = scripted(json(refusal, 401));
  const problem = await accounts.audit().catch((error: unknown) => error);
  expect(problem).toBeInstanceOf(AccountsProblem);
  expect(problem).toMatchObject({
    status: 401,
    code: "invalid_api_key",
    message: "Incorrect API key.",
  });
});

test("a server that cannot be reached is told from one that refuses", async () => {
  const { accounts } = scripted(new TypeError("Failed to fetch"));
  await expect(accounts.projects()).rejects.toMatchObject({ status: 0, code: "unreachable" });
});

test("a page of something else is no answer", async () => {
  const { accounts } = scripted(new Response("<html>"));
  await expect(accounts.projects()).rejects.toMatchObject({ status: 0, code: "not_json" });
});

test("a server that always promises more is asked no more after a while", async () => {
  const more = () => json({ data: [{ id: "p" }], has_more: true, last_id: "p" });
  const { asked, accounts } = scripted(...Array.from({ length: 60 }, more));
  await accounts.projects();
  expect(asked.length).toBe(50);
});
