import { expect, test } from "vitest";
import { askHealth, isOwnServer } from "./offered";

const PAGE = "https://voice.example/louro/?lang=pt#accounts";

test.each([
  ["", true],
  ["  ", true],
  ["https://voice.example/louro/v1", true],
  ["wss://voice.example/louro", true],
  ["https://api.elsewhere.example/v1", false],
  ["http://[", false],
] as const)("%j is the page's own server: %j", (url, own) => {
  expect(isOwnServer(url, PAGE)).toBe(own);
});

const health = (answer: () => Promise<Response>) => {
  const asked: string[] = [];
  const ask: typeof fetch = (input) => {
    asked.push(String(input));
    return answer();
  };
  return { asked, told: askHealth(PAGE, ask) };
};

test("the server says whether it keeps accounts", async () => {
  const { asked, told } = health(async () => Response.json({ status: "ok", accounts: true }));
  expect(await told).toBe(true);
  expect(asked).toEqual(["https://voice.example/louro/health"]);
});

test("an older server, a page, and no server keep none", async () => {
  expect(await health(async () => Response.json({ status: "ok" })).told).toBe(false);
  expect(await health(async () => new Response("<html>")).told).toBe(false);
  expect(await health(async () => Response.json({}, { status: 500 })).told).toBe(false);
  expect(await health(() => Promise.reject(new TypeError("offline"))).told).toBe(false);
});
