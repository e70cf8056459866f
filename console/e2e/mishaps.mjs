// Drives the console through what goes wrong in real use: no forecast, an interruption, a reload, a server that dies.
// node e2e/mishaps.mjs LOURO CONFIG PORT SOUND.wav [SCREENSHOT]     It starts and kills the server itself.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { chromium } from "playwright-core";

const [louro, config, port, sound, picture] = process.argv.slice(2);
const url = `http://127.0.0.1:${port}`;
const seen = { errors: [] };

async function serve() {
  const server = spawn(louro, ["serve", "--config", config, "--port", port], { stdio: "ignore" });
  for (let tries = 0; tries < 200; tries++) {
    const answer = await fetch(`${url}/health`).catch(() => null);
    if (answer?.ok) return server;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error("The server does not answer.");
}

async function kill(server) {
  const gone = once(server, "exit");
  server.kill("SIGKILL");
  await gone;
}

let server = await serve();
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: [
    "--no-sandbox",
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
    `--use-file-for-fake-audio-capture=${sound}`,
    "--autoplay-policy=no-user-gesture-required",
  ],
});
const context = await browser.newContext({ permissions: ["microphone"], locale: "en-US" });
// The network beyond the server is shut.
await context.route(
  (address) => address.hostname !== "127.0.0.1",
  (route) => route.abort(),
);
const page = await context.newPage();
await page.addInitScript(() => {
  // Sounds are put away in blobs without a type.
  window.putAway = 0;
  window.Blob = class extends Blob {
    constructor(parts, options) {
      super(parts, options);
      if (!options?.type) window.putAway += 1;
    }
  };
});
page.on("pageerror", (error) => seen.errors.push(String(error)));

const main = () => page.locator("main").innerText();

async function until(what, is) {
  for (let tries = 0; tries < 300; tries++) {
    if (await is()) return;
    await page.waitForTimeout(100);
  }
  throw new Error(`not within half a minute: ${what}\n${await main()}`);
}

async function write(text, answer) {
  const box = page.getByRole("textbox").last();
  await box.fill(text);
  await box.press("Enter");
  await until(`the answer to ${text}`, async () => answer.test(await main()));
  await box.blur();
}

/** What the page saves when *button* is pressed. */
async function saved(button) {
  const [file] = await Promise.all([page.waitForEvent("download"), button.click()]);
  return file.path();
}

/** Of a talk longer than what is kept at hand, the oldest sound is still to be had in every way. */
async function oldSounds() {
  const verse = "The parrot sings of the forest, the river and the rain. ".repeat(24);
  for (let round = 1; round <= 3; round += 1) {
    await write(`Round ${round}. ${verse}`, new RegExp(`You said: Round ${round}`));
    await page.waitForTimeout(3000);
    await page.keyboard.press("Escape");
  }
  await until("sounds put away", () => page.evaluate(() => window.putAway > 0));
  const oldest = page.locator('article[data-role="assistant"]', { hasText: "Hello!" }).first();
  const wav = await readFile(await saved(oldest.getByRole("button", { name: /wav/i })));
  seen.oldWav = wav.subarray(44).some((byte) => byte !== 0);
  await oldest.getByRole("button", { name: /play|again/i }).click();
  await until("playing once more", async () => (await oldest.getAttribute("data-playing")) === "true");
  seen.oldReplayed = true;
  const count = await page.locator("article.message").count();
  const file = await saved(page.getByRole("button", { name: "Save the conversation" }));
  await page.locator('.items-tools input[type="file"]').setInputFiles({
    name: "saved.json",
    mimeType: "application/json",
    buffer: await readFile(file),
  });
  const opened = page.locator(".banner.warning");
  await until("opened", async () => (await opened.count()) > 0);
  seen.oldOpened = (await page.locator("article.message").count()) === count;
  await opened.getByRole("button").click();
  await page.keyboard.press("Escape");
}

try {
  await page.goto(url);
  await page.getByRole("button", { name: /start talking/i }).click();
  await until("hello", async () => (await main()).includes("You said: Hello!"));

  await page.getByRole("switch", { name: "Hands free" }).press(" ");
  await until("push to talk", async () => (await main()).includes("Hold to talk"));
  await page.evaluate(() => document.activeElement?.blur());
  await page.keyboard.down(" ");
  await until("holding", async () => (await main()).includes("Listening"));
  await page.waitForTimeout(Number(process.env.HOLD_MS ?? 3000));
  await page.keyboard.up(" ");
  await until("heard", async () => (await main()).includes("What is the capital of France?"));
  seen.pushToTalk = true;

  await write("set_memory 7 to 41", /set_memory/);
  await until("remembered", () =>
    page.evaluate(() => (localStorage.getItem("louro.memory") ?? "").includes('"41"')),
  );
  seen.remembered = true;

  await write("get_weather 1 at -23.5 -46.6", /forecast cannot be reached/);
  if (picture) await page.screenshot({ path: picture });
  await page.goto(`${url}#tools`);
  await until("a marker", async () => (await page.locator(".marker").count()) > 0);
  seen.weather = true;
  await page.goto(`${url}#talk`);

  const long = "Tell me of a bird that can sing and dance all day long in the forest, ".repeat(4);
  await write(long, /Speaking/);
  await page.waitForTimeout(1500);
  await page.keyboard.press("Escape");
  await until("struck through", async () => (await page.locator("del.unheard").count()) > 0);
  const message = page.locator("p", { has: page.locator("del.unheard") }).last();
  const unheard = await message.locator("del.unheard").innerText();
  const whole = await message.innerText();
  seen.heard = whole.length > unheard.length && whole.trim().startsWith("You said");

  await oldSounds();

  await kill(server);
  await until("reconnecting", async () => /Trying again/.test(await page.innerText("body")));
  server = await serve();
  await until("back", async () => !/Trying again/.test(await page.innerText("body")));
  await write("Are you back?", /You said: Are you back\?/);
  // By its text: what is scrolled away is not rendered.
  seen.reconnected = /get_weather/.test(await page.locator("main").textContent());

  await page.reload();
  await until("reloaded", async () => (await page.getByRole("button", { name: /start talking/i }).count()) > 0);
  seen.reloaded = await page.evaluate(() => localStorage.getItem("louro.memory")?.includes('"41"'));
} catch (error) {
  seen.errors.push(String(error));
  if (picture) await page.screenshot({ path: picture });
} finally {
  console.log(JSON.stringify(seen));
  await browser.close();
  server.kill("SIGKILL");
}
