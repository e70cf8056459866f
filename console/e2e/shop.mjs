// Asks the page of docs/shop.md two questions: one before its budget is spent, one after.
// node e2e/shop.mjs PAGE LOURO_WS COMMAND...     COMMAND spends the budget.
import { spawnSync } from "node:child_process";
import { chromium } from "playwright-core";

const [url, louro, program, ...args] = process.argv.slice(2);
const seen = { errors: [] };
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox"],
});
const page = await browser.newPage();
page.on("pageerror", (error) => seen.errors.push(String(error)));

async function ask(question, expected) {
  await page.getByLabel("Your question").fill(question);
  await page.getByRole("button", { name: "Ask" }).click();
  const answer = page.getByRole("status");
  for (let tries = 0; tries < 100; tries++) {
    if (expected.test(await answer.innerText())) break;
    await page.waitForTimeout(100);
  }
  return answer.innerText();
}

try {
  await page.goto(`${url}/?louro=${encodeURIComponent(louro)}`);
  seen.answered = await ask("Can it talk?", /talk\?/);
  const done = spawnSync(program, args, { encoding: "utf8" });
  if (done.status !== 0) throw new Error(done.stderr);
  seen.last = await ask("And sing?", /sing\?/);
  seen.refused = await ask("And dance?", /budget/);
  await page.reload();
  seen.refusedAnew = await ask("Hello?", /budget/);
} catch (error) {
  seen.errors.push(String(error));
} finally {
  console.log(JSON.stringify(seen));
  await browser.close();
}
