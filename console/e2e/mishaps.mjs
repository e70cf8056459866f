// Drives the console through what goes wrong in real use: no forecast, an interruption, a reload, a server that dies.
// node e2e/mishaps.mjs LOURO CONFIG PORT SOUND.wav [SCREENSHOT]     It starts and kills the server itself.
import { spawn } from "node:child_process";
import { once } from "node:events";
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

  await kill(server);
  await until("reconnecting", async () => /Trying again/.test(await page.innerText("body")));
  server = await serve();
  await until("back", async () => !/Trying again/.test(await page.innerText("body")));
  await write("Are you back?", /You said: Are you back\?/);
  seen.reconnected = /get_weather/.test(await main());

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
