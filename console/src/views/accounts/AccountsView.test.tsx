// @vitest-environment jsdom
import { act } from "react";
import { createRoot, type Root } from "react-dom/client";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { adminKey } from "../../accounts/admin_key";
import { createPretended } from "../../accounts/testing/pretended";
import AccountsView from "./AccountsView";

const ADMIN = "sk-lr-demo-admin";
let root: Root;
let asked: string[];

beforeEach(async () => {
  vi.stubGlobal("IS_REACT_ACT_ENVIRONMENT", true);
  // jsdom has none, and the dialog asks for it.
  vi.stubGlobal("CSS", { escape: (text: string) => text });
  asked = [];
  const pretended = createPretended();
  vi.stubGlobal("fetch", (url: string, init: RequestInit) => {
    asked.push(`${init.method} ${url}`);
    return pretended(url, init);
  });
  adminKey.set("");
  document.body.innerHTML = "<main></main>";
  root = createRoot(document.querySelector("main") as HTMLElement);
  await act(async () => root.render(<AccountsView />));
});

afterEach(async () => {
  await act(async () => root.unmount());
  vi.unstubAllGlobals();
});

const words = () => document.body.textContent ?? "";

function buttons(name: string): readonly HTMLButtonElement[] {
  const named = (button: HTMLButtonElement) =>
    (button.getAttribute("aria-label") ?? button.textContent) === name;
  return [...document.querySelectorAll("button")].filter(named);
}

async function press(name: string): Promise<void> {
  const button = buttons(name)[0];
  expect(button, `a button named ${name}`).toBeDefined();
  await act(async () => button?.click());
}

async function type(selector: string, text: string): Promise<void> {
  const input = document.querySelector<HTMLInputElement>(selector);
  const set = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value")?.set;
  await act(async () => {
    set?.call(input, text);
    input?.dispatchEvent(new Event("input", { bubbles: true }));
  });
}

async function enter(key: string): Promise<void> {
  await type("input[type=password]", key);
  await press("Open");
  // The lists, the keys of each project, and then the usage: each waits for the one before.
  await vi.waitFor(() => act(async () => expect(words()).not.toContain("Opening the books")));
}

test("nothing is asked of the server before there is a key", () => {
  expect(asked).toEqual([]);
});

test("the key opens the books, and stands in no address", async () => {
  await enter(ADMIN);
  await vi.waitFor(() => act(async () => expect(words()).toContain("The same on gpt-realtime")));
  expect(words()).toContain("Shop window");
  expect(words()).toContain("$3.20 of $5 a day");
  expect(asked.join()).not.toContain(ADMIN);
  expect(sessionStorage.getItem("louro.admin")).toContain(ADMIN);
  expect(JSON.stringify({ ...localStorage })).not.toContain(ADMIN);
});

test("a wrong key is forgotten, and the cure is told in words", async () => {
  await enter("sk-lr-wrong");
  expect(words()).toContain("The server does not know this key.");
  expect(adminKey.get()).toBe("");
});

test("a key without the scope is told from an unknown one", async () => {
  await enter("sk-lr-talks");
  expect(words()).toContain("It lacks the scope admin.");
});

test("a new key is shown once, and copied or lost", async () => {
  await enter(ADMIN);
  await press("New key");
  await type(".create-key input", "Fair");
  await type(".create-key .limit-fields input", "7");
  await press("Make the key");
  expect(words()).toContain("sk-lr-demo0123456789abcdef");
  expect(words()).toContain("$7 a day");
  await press("I have it");
  expect(words()).not.toContain("sk-lr-demo0123456789abcdef");
});

test("a key is revoked only after a second word", async () => {
  await enter(ADMIN);
  await press("Revoke the key of Shop window");
  expect(asked.some((line) => line.startsWith("DELETE"))).toBe(false);
  await press("Revoke");
  expect(asked.filter((line) => line.startsWith("DELETE"))).toHaveLength(1);
  await vi.waitFor(() =>
    act(async () => expect(buttons("Revoke the key of Shop window")).toHaveLength(0)),
  );
  expect(document.querySelector("[role=status]")?.textContent).toContain("was revoked");
});

test("the arrow keys go from day to day, and each is read out", async () => {
  await enter(ADMIN);
  await vi.waitFor(() =>
    act(async () => expect(document.querySelector("[role=slider]")).not.toBeNull()),
  );
  const slider = document.querySelector("[role=slider]");
  const before = slider?.getAttribute("aria-valuetext");
  const left = new KeyboardEvent("keydown", { key: "ArrowLeft", bubbles: true });
  await act(async () => slider?.dispatchEvent(left));
  expect(slider?.getAttribute("aria-valuenow")).toBe("29");
  expect(slider?.getAttribute("aria-valuetext")).not.toBe(before);
});
