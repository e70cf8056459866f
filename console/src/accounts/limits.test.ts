import { expect, test } from "vitest";
import { translate } from "../i18n/dictionary";
import type { Translate } from "../i18n/translation";
import { limitWords, usedWords } from "./format";
import { blankLimit, limitParts, limitText, usedOf, withUnit } from "./limits";

const t: Translate = (key, values) => translate("pt", key, values);

test.each([
  [{ amount: "5", unit: "USD", per: "day" }, "5 USD/day"],
  [{ amount: "0,50", unit: "USD", per: "session" }, "0.50 USD/session"],
  [{ amount: " 60 ", unit: "minutes", per: "total" }, "60 minutes"],
  [{ amount: "20", unit: "responses", per: "minute" }, "20 responses/minute"],
  [{ amount: "3", unit: "sessions", per: "total" }, "3 sessions"],
] as const)("what is chosen is written as the server reads it: %j", (form, text) => {
  expect(limitText(form)).toBe(text);
  expect(limitParts(text)).toEqual({
    amount: Number(text.split(" ")[0]),
    unit: form.unit,
    per: form.per,
  });
});

test.each(["", "-1", "1e3", "five", "1.2.3"])("%j is no amount", (amount) => {
  expect(limitText({ ...blankLimit, amount })).toBeNull();
});

test("tokens are not split", () => {
  expect(limitText({ amount: "1.5", unit: "tokens", per: "day" })).toBeNull();
});

test("a unit brings a period that goes with it", () => {
  expect(withUnit(blankLimit, "responses").per).toBe("minute");
  expect(withUnit(blankLimit, "tokens").per).toBe("day");
});

test("how much is used is read from the server's words", () => {
  expect(usedOf("3.20 of 5 USD/day")).toEqual({ used: 3.2, share: 0.64 });
  expect(usedOf("200412 of 200000 tokens/day")?.share).toBe(1);
  expect(usedOf(null)).toBeNull();
  expect(usedOf("plenty")).toBeNull();
});

test("limits are told in the reader's language, and unknown ones as they are", () => {
  expect(limitWords("20 responses/minute", t, "pt")).toBe("20 respostas por minuto");
  expect(limitWords("1 sessions", t, "pt")).toBe("1 sessão ao mesmo tempo");
  expect(limitWords("7 parrots/year", t, "pt")).toBe("7 parrots/year");
  const used = { used: 3.2, share: 0.64 };
  expect(usedWords(used, "5 USD/day", t, "pt")).toMatch(/^US\$\s3,20 de US\$\s5 por dia$/);
});
