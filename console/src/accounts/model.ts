/** What the administrator's API speaks of. Times are Unix seconds. */

export type KeyStatus = "active" | "expired" | "revoked";

export interface ApiKey {
  readonly id: string;
  readonly name: string;
  readonly project: string;
  /** Its beginning: all that the server still knows of it. */
  readonly redacted: string;
  readonly scopes: readonly string[];
  readonly limits: readonly string[];
  readonly status: KeyStatus;
  readonly createdAt: number;
  readonly lastUsedAt: number | null;
  readonly expiresAt: number | null;
  readonly revokedAt: number | null;
}

/** A key just made: the only time that *value* is told. */
export interface NewKey {
  readonly key: ApiKey;
  readonly value: string;
}

export interface KeyWish {
  readonly name: string;
  readonly scopes: readonly string[];
  /** null: never. */
  readonly expiresAfterS: number | null;
  readonly limits: readonly string[];
}

export type LimitScope = "key" | "project";
export type LimitState = "within" | "warn" | "spent";

export interface LimitWish {
  readonly scope: LimitScope;
  /** A key's id, or a project. */
  readonly owner: string;
  /** As it is typed: `5 USD/day`. */
  readonly limit: string;
}

export interface Limit extends LimitWish {
  readonly id: string;
  /** `3.20 of 5 USD/day`; null: nothing to measure it by. */
  readonly used: string | null;
  readonly state: LimitState | null;
}

export interface AuditEntry {
  readonly id: string;
  readonly type: string;
  readonly at: number;
  readonly actor: string;
  readonly target: string;
  readonly detail: string;
}

export interface UsageResult {
  readonly project: string | null;
  readonly keyId: string | null;
  readonly model: string | null;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly responses: number;
  readonly inputS: number;
  readonly outputS: number;
  readonly toolCalls: number;
  readonly firstAudioMs: number | null;
  readonly cost: number;
  /** What the same would cost at the model named in `comparedModel`. */
  readonly compared: number;
  readonly comparedModel: string | null;
}

export interface UsageBucket {
  readonly start: number;
  readonly end: number;
  readonly results: readonly UsageResult[];
}

export interface Period {
  readonly start: number;
  readonly end: number;
}
