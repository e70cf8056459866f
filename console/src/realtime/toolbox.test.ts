import { expect, test } from "vitest";
import type { ResponseObject } from "../protocol/events";
import { merged, turnDetection, turnDetectionIn } from "./patch";
import { callsOf, outputOf } from "./toolbox";
import type { Tool } from "./types";

const call = (name: string, text = "{}") => ({ callId: "c", name, arguments: text });
const tool = (name: string, run: Tool["run"]): Tool => ({
  name,
  description: "",
  parameters: {},
  run,
});
const { signal } = new AbortController();
const response = (status: string) =>
  ({
    status,
    output: [
      { type: "message" },
      { type: "function_call", call_id: "c", name: "add", arguments: "{}" },
    ],
  }) as unknown as ResponseObject;

test("the calls of a completed response are run, those of a cancelled one are not", () => {
  expect(callsOf(response("completed"))).toEqual([call("add")]);
  expect(callsOf(response("cancelled"))).toEqual([]);
});

test("a tool's value is told as JSON, and a text as it is", async () => {
  const add = tool("add", (args) => Promise.resolve({ sum: (args as { a: number }).a + 1 }));
  expect(await outputOf(call("add", '{"a":1}'), [add], signal)).toBe('{"sum":2}');
  const say = tool("say", () => Promise.resolve("hi"));
  expect(await outputOf(call("say", ""), [say], signal)).toBe("hi");
  const nothing = tool("nothing", () => Promise.resolve(undefined));
  expect(await outputOf(call("nothing"), [nothing], signal)).toBe("null");
});

test("the model is told what went wrong", async () => {
  const broken = tool("broken", () => Promise.reject(new Error("no network")));
  expect(await outputOf(call("broken"), [broken], signal)).toBe('{"error":"no network"}');
  expect(await outputOf(call("unknown"), [broken], signal)).toContain("no tool unknown");
  expect(await outputOf(call("broken", "{"), [broken], signal)).toContain("error");
  const long = tool("long", () => Promise.resolve("x".repeat(100_001)));
  expect(await outputOf(call("long"), [long], signal)).toContain("too long");
});

test("a tool that never ends is given up with the conversation", async () => {
  const conversation = new AbortController();
  const endless = tool("endless", () => new Promise(() => undefined));
  const output = outputOf(call("endless"), [endless], conversation.signal);
  conversation.abort();
  expect(await output).toContain("stopped");
});

test("settings are merged as the server merges them", () => {
  const first = {
    tools: [1],
    audio: { input: { turn_detection: { a: 1 }, x: 1 }, output: { v: 1 } },
  };
  const then = { tools: [2], ...turnDetection({ b: 2 }) };
  const both = merged(first, then);
  expect(both).toEqual({
    type: "realtime",
    tools: [2],
    audio: { input: { turn_detection: { b: 2 }, x: 1 }, output: { v: 1 } },
  });
  expect(turnDetectionIn(both)).toEqual({ b: 2 });
  expect(turnDetectionIn({})).toBeUndefined();
  expect(turnDetectionIn(turnDetection(null))).toBeNull();
});
