import { isObject } from "../ui/json";

/** What is wrong with a tool's declaration, and where. */
export interface Problem {
  readonly path: string;
  readonly reason:
    | "not_json"
    | "not_a_list"
    | "not_an_object"
    | "bad_type"
    | "bad_name"
    | "repeated_name"
    | "bad_description"
    | "bad_required";
  readonly detail: string;
}

const TYPES = new Set(["object", "array", "string", "number", "integer", "boolean", "null"]);
const NAME = /^[a-zA-Z0-9_-]{1,64}$/;

/** Check the JSON of session.tools; null when a server would take it. */
export function checkTools(text: string): Problem | null {
  const parsed = parse(text);
  if ("problem" in parsed) return parsed.problem;
  if (!Array.isArray(parsed.value)) return problem("tools", "not_a_list");
  const names = new Set<string>();
  for (const [index, tool] of parsed.value.entries()) {
    const found = checkTool(tool, `tools[${index}]`, names);
    if (found) return found;
  }
  return null;
}

/** Check the JSON Schema of one tool's parameters. */
export function checkParameters(text: string): Problem | null {
  const parsed = parse(text);
  if ("problem" in parsed) return parsed.problem;
  return checkSchema(parsed.value, "parameters", true);
}

export function isToolName(name: string): boolean {
  return NAME.test(name);
}

function checkTool(tool: unknown, path: string, names: Set<string>): Problem | null {
  if (!isObject(tool)) return problem(path, "not_an_object");
  // An MCP server is declared beside the functions, and lists its own tools.
  if (tool.type === "mcp") return null;
  if (tool.type !== "function") return problem(`${path}.type`, "bad_type", '"function"');
  const name = tool.name;
  if (typeof name !== "string" || !isToolName(name)) return problem(`${path}.name`, "bad_name");
  if (names.has(name)) return problem(`${path}.name`, "repeated_name", name);
  names.add(name);
  const description = tool.description;
  if (description !== undefined && description !== null && typeof description !== "string") {
    return problem(`${path}.description`, "bad_description");
  }
  if (tool.parameters === undefined || tool.parameters === null) return null;
  return checkSchema(tool.parameters, `${path}.parameters`, true);
}

function checkSchema(schema: unknown, path: string, isRoot: boolean): Problem | null {
  if (!isObject(schema)) return problem(path, "not_an_object");
  const type = schema.type;
  if (isRoot && type !== "object") return problem(`${path}.type`, "bad_type", '"object"');
  const types: readonly unknown[] = Array.isArray(type) ? type : type === undefined ? [] : [type];
  if (!types.every((each) => typeof each === "string" && TYPES.has(each))) {
    return problem(`${path}.type`, "bad_type", [...TYPES].join(", "));
  }
  if (schema.items !== undefined) {
    const found = checkSchema(schema.items, `${path}.items`, false);
    if (found) return found;
  }
  return checkProperties(schema.properties ?? {}, schema.required ?? [], path);
}

function checkProperties(properties: unknown, required: unknown, path: string): Problem | null {
  if (!isObject(properties)) return problem(`${path}.properties`, "not_an_object");
  for (const [name, each] of Object.entries(properties)) {
    const found = checkSchema(each, `${path}.properties.${name}`, false);
    if (found) return found;
  }
  if (!Array.isArray(required)) return problem(`${path}.required`, "not_a_list");
  const missing = required.find((name) => typeof name !== "string" || !(name in properties));
  return missing === undefined
    ? null
    : problem(`${path}.required`, "bad_required", String(missing));
}

function parse(text: string): { readonly value: unknown } | { readonly problem: Problem } {
  try {
    return { value: JSON.parse(text) as unknown };
  } catch (error) {
    const detail = error instanceof SyntaxError ? error.message : "";
    return { problem: problem("", "not_json", detail) };
  }
}

function problem(path: string, reason: Problem["reason"], detail = ""): Problem {
  return { path, reason, detail };
}
