/** The model's calls, run here. */
import type { FunctionCallItem, FunctionToolParam, ResponseObject } from "../protocol/events";
import type { Tool } from "./types";

const LONGEST_MS = 60_000;
/** Of an output, in characters: more would fill the model's context. */
const LONGEST_OUTPUT = 100_000;

export interface Call {
  readonly callId: string;
  readonly name: string;
  readonly arguments: string;
}

/** The calls that *response* ended with; a cancelled one's are not meant any more. */
export function callsOf(response: ResponseObject): readonly Call[] {
  if (response.status !== "completed") return [];
  return (response.output ?? [])
    .filter((item): item is FunctionCallItem => item.type === "function_call")
    .map((item) => ({ callId: item.call_id, name: item.name, arguments: item.arguments }));
}

export function definitionOf({ name, description, parameters }: Tool): FunctionToolParam {
  return { type: "function", name, description, parameters: { ...parameters } };
}

/** The output of *call*, whatever happens: the model is told of errors, and can say so. */
export async function outputOf(
  call: Call,
  tools: readonly Tool[],
  signal: AbortSignal,
): Promise<string> {
  const tool = tools.find((each) => each.name === call.name);
  if (!tool) return failed(`There is no tool ${call.name}.`);
  const limited = AbortSignal.any([signal, AbortSignal.timeout(LONGEST_MS)]);
  try {
    const args: unknown = call.arguments === "" ? {} : JSON.parse(call.arguments);
    const run = tool.run(args, { callId: call.callId, signal: limited });
    const text = textOf(await Promise.race([run, aborted(limited)]));
    return text.length > LONGEST_OUTPUT ? failed("The output is too long.") : text;
  } catch (error) {
    return failed(error instanceof Error ? error.message : String(error));
  }
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const give = () => reject(new Error("The tool took too long, or was stopped."));
    if (signal.aborted) give();
    else signal.addEventListener("abort", give, { once: true });
  });
}

function textOf(output: unknown): string {
  return typeof output === "string" ? output : (JSON.stringify(output) ?? "null");
}

function failed(message: string): string {
  return JSON.stringify({ error: message });
}
