// Pictures of every view, and axe over each of them.
// node scripts/screenshots.mjs FOLDER [--only PATTERN] [--axe]     CHROMIUM names the browser.
import { mkdir, readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { createServer } from "vite";

const views = ["talk", "turns", "events", "session", "tools", "usage"];
// States of the talk view, by the names the demo console knows them.
const states = ["saved", "connect", "failed", "denied", "push", "reconnecting"];
// States of the accounts view, by the names its pretended server knows them or the deeds below.
const books = ["accounts", "door", "refused", "newkey", "madekey", "revoke"];
const places = [...views, ...states, ...books];
const widths = { 360: 740, 1024: 768, 2560: 1440 };
const bookWidths = { 360: 740, 1280: 800, 2560: 1440 };
const folder = process.argv[2] ?? "screenshots";
const only = argumentAfter("--only");
const axeOnly = process.argv.includes("--axe");
const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

function argumentAfter(name) {
  const at = process.argv.indexOf(name);
  return at < 0 ? "" : (process.argv[at + 1] ?? "");
}

function* scenes() {
  for (const place of places)
    for (const theme of ["dark", "light"])
      for (const lang of ["en", "pt"])
        for (const width of Object.keys(books.includes(place) ? bookWidths : widths)) {
          const name = `${place}-${theme}-${lang}-${width}`;
          if (name.includes(only)) yield { name, place, theme, lang, width: Number(width) };
        }
}

async function open(page, base, { place, theme, lang, width }) {
  await page.setViewportSize({ width, height: { ...widths, ...bookWidths }[width] });
  const scene = views.includes(place) ? "" : place;
  const view = books.includes(place) ? "accounts" : scene ? "talk" : place;
  // From elsewhere: the same address twice would leave the page as the last scene left it.
  await page.goto("about:blank");
  await page.goto(`${base}?demo=${scene}&theme=${theme}&lang=${lang}#${view}`);
  await page.waitForSelector(".header");
  await page.evaluate(() => document.fonts.ready);
  if (place === "events") await page.locator(".event-row").nth(11).click();
  if (place === "session") await page.locator(".scope").scrollIntoViewIfNeeded();
  if (place === "session") await page.waitForTimeout(2000);
  if (place === "tools") await page.waitForSelector(".map-land");
  if (books.includes(place)) await openBooks(page, place);
}

async function openBooks(page, place) {
  if (place === "door" || place === "refused") {
    await page.waitForSelector(`.accounts-door${place === "refused" ? " .notice" : ""}`);
    return;
  }
  await page.waitForSelector(".day-bars");
  if (place === "newkey" || place === "madekey") {
    await page.locator(".accounts-card-header .button.primary").click();
    await page.locator(".create-key input").first().fill("Window at the fair");
  }
  if (place === "newkey") await page.locator(".draft-limit input").fill("5");
  if (place === "newkey") await page.locator(".draft-limit .button").click();
  if (place === "madekey") await page.locator(".create-key .button.primary").click();
  if (place === "madekey") await page.waitForSelector(".new-value");
  if (place === "revoke") await page.locator(".api-key-deeds .danger").first().click();
  if (place === "revoke") await page.waitForSelector(".dialog");
}

/** The accounts scroll: a second picture of all of them. */
async function wholeBooks(page, { name, width }) {
  await page.locator(".day-table summary").click();
  const height = await page.evaluate(() => document.querySelector(".books").scrollHeight + 80);
  await page.setViewportSize({ width, height });
  await page.locator(".books").evaluate((books) => books.scrollTo(0, 0));
  await page.screenshot({ path: join(folder, `${name}-whole.png`) });
}

/** Violations, and text that runs out of its page: both are faults. */
async function faults(page) {
  await page.evaluate(axe);
  return page.evaluate(async () => {
    const { violations } = await axe.run(document, { resultTypes: ["violations"] });
    const found = violations.map(
      ({ id, nodes }) => `${id}: ${nodes.map((n) => n.target).join(" | ")}`,
    );
    const wide = [
      ...document.querySelectorAll(
        "html, .header, .stage, .books, .tab-panel, .conversation, .perch",
      ),
    ]
      .filter((element) => element.scrollWidth > element.clientWidth)
      .map((element) => `overflow: ${element.className || element.tagName}`);
    return [...found, ...wide];
  });
}

const server = await createServer({ server: { port: 0, host: "127.0.0.1" }, logLevel: "error" });
await server.listen();
const base = `http://127.0.0.1:${server.httpServer.address().port}/`;
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox"],
});
let bad = 0;
try {
  await mkdir(folder, { recursive: true });
  const page = await browser.newPage({ reducedMotion: "reduce" });
  const hosts = new Set();
  page.on("request", (request) => hosts.add(new URL(request.url()).host));
  page.on("pageerror", (error) => console.log("page error:", error.message));
  let count = 0;
  for (const scene of scenes()) {
    await open(page, base, scene);
    if (!axeOnly) await page.screenshot({ path: join(folder, `${scene.name}.png`) });
    if (!axeOnly && scene.place === "accounts") await wholeBooks(page, scene);
    const found = await faults(page);
    for (const fault of found) console.log(`${scene.name}: ${fault}`);
    bad += found.length;
    count += 1;
  }
  console.log(
    `${count} scenes, ${bad} faults, hosts asked: ${[...hosts].filter(Boolean).join(" ")}`,
  );
} finally {
  await browser.close();
  await server.close();
}
process.exit(bad === 0 ? 0 : 1);
