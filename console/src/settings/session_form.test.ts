import { expect, test } from "vitest";
import { javascriptCode, pythonCode, pythonLiteral } from "./code";
import { baseUrlOf } from "./connection";
import { emptyForm, formOf, isUnchanged, patchBetween, sessionOf } from "./session_form";

test("a form read from its own session is the same form", () => {
  const form = { ...emptyForm, instructions: "Be brief.", silenceMs: 640, voice: "sage" };
  expect(formOf(sessionOf(form))).toEqual(form);
});

test("no turn detection is read as none", () => {
  expect(formOf({ audio: { input: { turn_detection: null } } }).detection).toBe("none");
});

test("where nothing is said of turn detection, or of anything, the server's own defaults are shown", () => {
  expect(formOf({})).toEqual(emptyForm);
  expect(formOf({ instructions: "Hi" })).toEqual({ ...emptyForm, instructions: "Hi" });
});

test("an update carries only what changed", () => {
  expect(patchBetween(emptyForm, { ...emptyForm, instructions: "Hi" })).toEqual({
    type: "realtime",
    instructions: "Hi",
  });
  expect(patchBetween(emptyForm, { ...emptyForm, detection: "none" })).toEqual({
    type: "realtime",
    audio: { input: { turn_detection: null } },
  });
});

test("an untouched form has nothing to send", () => {
  expect(isUnchanged(patchBetween(emptyForm, { ...emptyForm }))).toBe(true);
});

test("Python has its own words for true and null", () => {
  expect(pythonLiteral({ a: true, b: null, c: [] }, 0)).toBe(
    '{\n    "a": True,\n    "b": None,\n    "c": [],\n}',
  );
});

test("the code names the server, the model and the session", () => {
  const snippet = { baseUrl: "http://here/v1", model: "m", session: sessionOf(emptyForm) };
  const python = pythonCode(snippet);
  const javascript = javascriptCode(snippet);
  expect(python).toContain('"http://here/v1"');
  expect(javascript).toContain('"ws://here/v1/realtime?model=m"');
  for (const code of [python, javascript]) expect(code).toContain('"turn_detection"');
});

test("any way of naming a server leads to the same base address", () => {
  const page = "http://localhost:8765/";
  expect(baseUrlOf("", page)).toBe("http://localhost:8765/v1");
  expect(baseUrlOf("wss://voice.example/v1/realtime", page)).toBe("https://voice.example/v1");
  expect(baseUrlOf("https://voice.example/louro/v1/", page)).toBe("https://voice.example/louro/v1");
});
