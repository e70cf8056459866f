export type JsonObject = Readonly<Record<string, unknown>>;

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function objectAt(value: unknown, ...path: readonly string[]): JsonObject {
  const found = at(value, ...path);
  return isObject(found) ? found : {};
}

export function at(value: unknown, ...path: readonly string[]): unknown {
  let here = value;
  for (const key of path) here = isObject(here) ? here[key] : undefined;
  return here;
}

export function textAt(value: unknown, key: string, otherwise = ""): string {
  const found = at(value, key);
  return typeof found === "string" ? found : otherwise;
}

export function numberAt(value: unknown, key: string, otherwise: number): number {
  const found = at(value, key);
  return typeof found === "number" && Number.isFinite(found) ? found : otherwise;
}

export function flagAt(value: unknown, key: string, otherwise: boolean): boolean {
  const found = at(value, key);
  return typeof found === "boolean" ? found : otherwise;
}
