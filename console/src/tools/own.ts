import type { Tool, ToolContext } from "../realtime/types";
import { textAt } from "../ui/json";
import { createStoredStore } from "../ui/store";

/** A tool the person wrote: JavaScript run in a worker, or an HTTP address that answers. */
export interface OwnTool {
  readonly name: string;
  readonly description: string;
  /** JSON Schema, as typed. */
  readonly parameters: string;
  readonly kind: "code" | "http";
  /** The body of an async function of `args`, or the address. */
  readonly source: string;
}

export const blankTool: OwnTool = {
  name: "",
  description: "",
  parameters: '{\n  "type": "object",\n  "properties": {}\n}',
  kind: "code",
  source: "return { ok: true, args };",
};

const PATIENCE_MS = 10_000;
const LONGEST_ANSWER = 20_000;

export const ownTools = createStoredStore<readonly OwnTool[]>(
  "localStorage",
  "louro.tools",
  (raw) => (Array.isArray(raw) ? raw.flatMap(ownToolOf) : []),
);

export function withTool(tools: readonly OwnTool[], tool: OwnTool): readonly OwnTool[] {
  return [...tools.filter((other) => other.name !== tool.name), tool];
}

export function toolOf(own: OwnTool): Tool {
  return {
    name: own.name,
    description: own.description,
    parameters: JSON.parse(own.parameters) as object,
    run: (args, context) =>
      own.kind === "code" ? runCode(own.source, args) : post(own.source, args, context),
  };
}

function ownToolOf(raw: unknown): readonly OwnTool[] {
  const name = textAt(raw, "name");
  const parameters = textAt(raw, "parameters", blankTool.parameters);
  if (!name || !isJson(parameters)) return [];
  return [
    {
      name,
      parameters,
      description: textAt(raw, "description"),
      kind: textAt(raw, "kind") === "http" ? "http" : "code",
      source: textAt(raw, "source"),
    },
  ];
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** Run *body* off the page's thread, so that a tool that never ends can be ended. */
function runCode(body: string, args: unknown): Promise<unknown> {
  const source = `onmessage = async ({ data }) => {
  try {
    const run = async (args) => {\n${body}\n};
    postMessage({ value: JSON.stringify((await run(data)) ?? null) });
  } catch (error) {
    postMessage({ error: String(error) });
  }
};`;
  const address = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
  const worker = new Worker(address);
  return new Promise<unknown>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error("The tool took too long.")), PATIENCE_MS);
    const settle = (act: () => void) => {
      clearTimeout(timer);
      act();
    };
    worker.onmessage = ({ data }: MessageEvent<{ value?: string; error?: string }>) => {
      settle(() =>
        data.error === undefined
          ? resolve(JSON.parse(data.value ?? "null"))
          : reject(new Error(data.error)),
      );
    };
    worker.onerror = (event) => settle(() => reject(new Error(event.message)));
    worker.postMessage(args);
  }).finally(() => {
    worker.terminate();
    URL.revokeObjectURL(address);
  });
}

async function post(address: string, args: unknown, context: ToolContext): Promise<unknown> {
  const limit = AbortSignal.timeout(PATIENCE_MS);
  const outer = (context as Partial<ToolContext>).signal;
  const response = await fetch(address, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(args),
    signal: outer ? AbortSignal.any([outer, limit]) : limit,
  });
  const text = (await response.text()).slice(0, LONGEST_ANSWER);
  if (!response.ok) throw new Error(`HTTP ${response.status}: ${text.slice(0, 200)}`);
  return isJson(text) ? (JSON.parse(text) as unknown) : text;
}
