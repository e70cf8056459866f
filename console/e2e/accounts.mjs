// Looks after accounts as an administrator does: makes a key with a limit, uses it, replaces and revokes it.
// node e2e/accounts.mjs URL KEY [SCREENSHOT]     The page of a server that keeps accounts, and an administrator's key.
import { chromium } from "playwright-core";

const [url, key, picture] = process.argv.slice(2);
const seen = { errors: [] };
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox"],
});
const context = await browser.newContext({ locale: "en-US", viewport: { width: 1280, height: 1100 } });
const page = await context.newPage();
page.on("pageerror", (error) => seen.errors.push(String(error)));
const addresses = [];
page.on("request", (request) => addresses.push(request.url()));

const text = () => page.innerText("body");
const press = (name) => page.getByRole("button", { name, exact: true }).click();

async function until(what, is) {
  for (let tries = 0; tries < 150; tries++) {
    if (await is()) return;
    await page.waitForTimeout(100);
  }
  throw new Error(`not within 15 seconds: ${what}\n${await text()}`);
}

async function status(value) {
  const made = await fetch(`${url}/v1/realtime/client_secrets`, {
    method: "POST",
    headers: { Authorization: `Bearer ${value}` },
  });
  return made.status;
}

try {
  await page.goto(`${url}/#accounts`);
  const door = page.getByLabel("Administrator's key");
  await door.fill("sk-lr-wrong");
  await press("Open");
  await until("a wrong key is told", async () => (await text()).includes("does not know this key"));
  await door.fill(key);
  await press("Open");
  await until("the books", async () => (await text()).includes("What was changed"));

  await press("New key");
  await page.getByLabel("Name: whose it is").fill("front desk");
  await page.getByRole("form", { name: "New key" }).getByLabel("Amount").fill("5");
  await press("Make the key");
  const shown = page.locator(".new-value code");
  await shown.waitFor();
  const value = await shown.innerText();
  seen.opens = (await status(value)) === 200;
  if (picture) await page.screenshot({ path: picture });
  await press("I have it");
  await until("the list", async () => /front desk/.test(await text()) && /\$5/.test(await text()));
  seen.shownOnce = !(await text()).includes(value);

  await press("Replace the key of front desk");
  await press("Replace");
  await shown.waitFor();
  const next = await shown.innerText();
  await press("I have it");
  seen.replaced = next !== value && (await status(value)) === 401 && (await status(next)) === 200;

  await press("Revoke the key of front desk");
  await press("Revoke");
  await until("revoked", async () => (await text()).includes("was revoked"));
  seen.revoked = (await status(next)) === 401;
  await until("the audit", async () => /api_key\.deleted[\s\S]*api_key\.updated/.test(await text()));

  await page.reload();
  await until("the key is kept in this tab", async () => (await text()).includes("What was changed"));
  await press("Forget the key");
  await until("forgotten", async () => (await door.count()) === 1);
  seen.secret = !addresses.some((address) => [key, value, next].some((one) => address.includes(one)));
} catch (error) {
  seen.errors.push(String(error));
  if (picture) await page.screenshot({ path: picture });
} finally {
  console.log(JSON.stringify(seen));
  await browser.close();
}
