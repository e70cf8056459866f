import { expect, test } from "vitest";
import { baseOf, ConnectionRefused, ticketFor } from "./address";

const page = "http://localhost:8765/?lang=pt#x";
const answering = (status: number, body: unknown) => async () =>
  new Response(JSON.stringify(body), { status });
const unasked = () => Promise.reject(new Error("nobody was to be asked"));

test.each([
  ["", "http://localhost:8765/v1/"],
  ["voice.example", "http://voice.example/v1/"],
  ["https://voice.example/v1", "https://voice.example/v1/"],
  ["wss://voice.example/louro/v1/realtime?model=x", "https://voice.example/louro/v1/"],
])("the address %j means %s", (url, base) => {
  expect(baseOf(url, page).href).toBe(base);
});

test.each(["ftp://voice.example", "http://"])("%j is no address", (url) => {
  expect(() => baseOf(url, page)).toThrow(ConnectionRefused);
});

test("the server of this page gives a key for one session", async () => {
  const asked: RequestInit[] = [];
  const ticket = await ticketFor({ url: "", key: "k", model: "m" }, page, async (url, init) => {
    asked.push(init ?? {});
    expect(String(url)).toBe("http://localhost:8765/v1/realtime/client_secrets");
    return new Response(JSON.stringify({ value: "ek_1" }));
  });
  expect(ticket).toEqual({
    url: "ws://localhost:8765/v1/realtime?model=m",
    protocols: ["realtime", "openai-insecure-api-key.ek_1"],
  });
  expect(asked[0]?.headers).toMatchObject({ Authorization: "Bearer k" });
  expect(JSON.parse(String(asked[0]?.body))).toEqual({ session: { type: "realtime", model: "m" } });
});

test("another server is met with the key itself", async () => {
  const target = { url: "https://voice.example", key: "k", model: "m" };
  expect(await ticketFor(target, page, unasked)).toEqual({
    url: "wss://voice.example/v1/realtime?model=m",
    protocols: ["realtime", "openai-insecure-api-key.k"],
  });
});

test("a server without such keys is met without", async () => {
  const target = { url: "", key: null, model: "m" };
  expect((await ticketFor(target, page, answering(404, {}))).protocols).toEqual(["realtime"]);
});

test("the server's refusal is told in its own words", async () => {
  const target = { url: "", key: null, model: "m" };
  const refusal = answering(401, { error: { code: "invalid_api_key", message: "No." } });
  await expect(ticketFor(target, page, refusal)).rejects.toMatchObject({
    failure: { code: "invalid_api_key", message: "No." },
  });
  await expect(ticketFor(target, page, answering(500, null))).rejects.toMatchObject({
    failure: { code: "http_500" },
  });
  await expect(ticketFor(target, page, unasked)).rejects.toMatchObject({
    failure: { code: "unreachable" },
  });
});
