/** From the API's JSON to what the views show. What is missing reads as nothing, so that a newer server still shows. */
import { at, numberAt, objectAt, textAt } from "../ui/json";
import type {
  ApiKey,
  AuditEntry,
  KeyStatus,
  Limit,
  LimitState,
  UsageBucket,
  UsageResult,
} from "./model";

export function listAt(raw: unknown, key: string): readonly unknown[] {
  const found = at(raw, key);
  return Array.isArray(found) ? found : [];
}

export function keyOf(raw: unknown): ApiKey {
  return {
    id: textAt(raw, "id"),
    name: textAt(raw, "name"),
    project: textAt(raw, "project", "default"),
    redacted: textAt(raw, "redacted_value"),
    scopes: textsAt(raw, "scopes"),
    limits: textsAt(raw, "limits"),
    status: keyStatusOf(textAt(raw, "status")),
    createdAt: numberAt(raw, "created_at", 0),
    lastUsedAt: timeAt(raw, "last_used_at"),
    expiresAt: timeAt(raw, "expires_at"),
    revokedAt: timeAt(raw, "revoked_at"),
  };
}

export function limitOf(raw: unknown): Limit {
  return {
    id: textAt(raw, "id"),
    scope: textAt(raw, "scope") === "key" ? "key" : "project",
    owner: textAt(raw, "owner"),
    limit: textAt(raw, "limit"),
    used: textAt(raw, "used") || null,
    state: limitStateOf(textAt(raw, "state")),
  };
}

export function auditEntryOf(raw: unknown): AuditEntry {
  return {
    id: textAt(raw, "id"),
    type: textAt(raw, "type"),
    at: numberAt(raw, "effective_at", 0),
    actor: textAt(at(raw, "actor"), "name"),
    target: textAt(raw, "target"),
    detail: textAt(raw, "detail"),
  };
}

export function bucketOf(raw: unknown): UsageBucket {
  return {
    start: numberAt(raw, "start_time", 0),
    end: numberAt(raw, "end_time", 0),
    results: listAt(raw, "results").map(usageResultOf),
  };
}

function usageResultOf(raw: unknown): UsageResult {
  const compared = objectAt(raw, "compared");
  return {
    project: textAt(raw, "project_id") || null,
    keyId: textAt(raw, "api_key_id") || null,
    model: textAt(raw, "model") || null,
    inputTokens: numberAt(raw, "input_tokens", 0),
    outputTokens: numberAt(raw, "output_tokens", 0),
    responses: numberAt(raw, "num_model_requests", 0),
    inputS: numberAt(raw, "input_seconds", 0),
    outputS: numberAt(raw, "output_seconds", 0),
    toolCalls: numberAt(raw, "tool_calls", 0),
    firstAudioMs: timeAt(raw, "first_audio_ms"),
    cost: numberAt(objectAt(raw, "cost"), "value", 0),
    compared: numberAt(compared, "value", 0),
    comparedModel: textAt(compared, "model") || null,
  };
}

function textsAt(raw: unknown, key: string): readonly string[] {
  return listAt(raw, key).filter((one): one is string => typeof one === "string");
}

function timeAt(raw: unknown, key: string): number | null {
  const found = at(raw, key);
  return typeof found === "number" ? found : null;
}

function keyStatusOf(text: string): KeyStatus {
  return text === "expired" || text === "revoked" ? text : "active";
}

function limitStateOf(text: string): LimitState | null {
  return text === "within" || text === "warn" || text === "spent" ? text : null;
}
