// Talks with the embedded models through the console, by voice and by hand, while its server dies and comes back.
// node e2e/talk.mjs LOURO CONFIG PORT SPEECH [PICTURE]     SPEECH is a folder of recordings, 48 kHz, which the
// microphone hears one after the other. It starts and kills the server itself; CHROMIUM names the browser.
import { copyFile } from "node:fs/promises";
import { join } from "node:path";
import { kill, launch, serve, told, watched } from "./browser.mjs";

const [louro, config, port, speech, picture] = process.argv.slice(2);
const seen = { errors: [], hosts: [] };
const microphone = join(speech, "microphone.wav");
await copyFile(join(speech, "silence.wav"), microphone);

let server = await serve(louro, config, port);
const browser = await launch(microphone);
const context = await browser.newContext({
  permissions: ["microphone"],
  viewport: { width: 1280, height: 800 },
  locale: "en-US",
  colorScheme: "dark",
});
const { page, until, says, press, show, write, sounds } = await watched(context, seen);
const main = () => page.locator("main").innerText();

/** The microphone's file is read anew when another device is chosen: so it can say one thing after another. */
async function say(recording) {
  await copyFile(join(speech, recording), microphone);
  const device = page.getByRole("combobox", { name: "Microphone" });
  const others = await device.locator("option:not(:checked)").all();
  await device.selectOption(await others[0].getAttribute("value"));
}

const quiet = () => until("quiet", async () => !/Speaking|Thinking/.test(await main()));
const remembers = (word) =>
  until(`remembers ${word}`, () =>
    page.evaluate((each) => (localStorage.getItem("louro.memory") ?? "").includes(each), word),
  );

async function hush() {
  await page.keyboard.press("Escape");
  await quiet();
}

async function byVoice() {
  await page.goto(`http://127.0.0.1:${port}`);
  await press(/start talking/i);
  await sounds();
  seen.hello = true;
  await quiet();
  await page.getByRole("combobox", { name: "Loudspeaker" }).selectOption({ index: 1 });
  await until("another loudspeaker", () => page.evaluate(() => window.loudspeaker.sinkId !== ""));
  seen.loudspeaker = true;
  await say("capital.wav");
  await says(/What is the capital of France\?[\s\S]*Paris/);
  await sounds();
  await quiet();
  seen.voice = true;
  await say("sum_7_5.wav");
  const call = page.locator("details.call", { hasText: "calculate_sum" }).last();
  await until("the sum", async () => /\b12\b/.test((await call.count()) ? await call.textContent() : ""));
  seen.sumSpoken = true;
  await hush();
  await say("memory.wav");
  await remembers("blue");
  seen.memorySpoken = true;
  await hush();
}

async function byHand() {
  await write("Use calculate_sum for 20 and 22.");
  const call = page.locator("details.call", { hasText: "calculate_sum" }).last();
  await until("the sum", async () => /\b42\b/.test(await call.textContent()));
  seen.sumTyped = true;
  await hush();
  await write("Remember that my favorite food is cheese.");
  await remembers("cheese");
  seen.memoryTyped = true;
  await hush();
  await write("What is the weather in Paris?");
  const weather = page.locator("details.call", { hasText: "get_weather" }).last();
  await until("no forecast", async () =>
    /cannot be reached/.test((await weather.count()) ? await weather.textContent() : ""),
  );
  await show("tools");
  await until("a marker", async () => (await page.locator(".marker").count()) > 0);
  seen.weather = true;
  await hush();
}

/** By voice, in the middle of an answer. Last of all: a small model, once it tells of parrots, calls no tools. */
async function interruption() {
  await write("Tell me about parrots, in five long sentences.");
  await until("an answer", async () => /Speaking/.test(await main()));
  await page.waitForTimeout(1500);
  if (picture) await page.screenshot({ path: picture });
  await say("capital.wav");
  await until("struck through", async () => (await page.locator("del.unheard").count()) > 0);
  await sounds();
  seen.interrupted = true;
}

const keys = { down: () => page.keyboard.down(" "), up: () => page.keyboard.up(" ") };

async function byButton() {
  await page.getByRole("switch", { name: "Hands free" }).press(" ");
  const eye = page.getByRole("button", { name: "Hold to talk" });
  await eye.waitFor();
  const { x, y, width, height } = await eye.boundingBox();
  await page.mouse.move(x + width / 2, y + height / 2);
  for (const button of [keys, page.mouse]) {
    const asked = async () => (await main()).split("What is the capital of France?").length;
    const before = await asked();
    await say("capital.wav");
    await page.evaluate(() => document.activeElement?.blur());
    await button.down();
    await until("holding", async () => (await main()).includes("Listening"));
    await page.waitForTimeout(2700);
    await button.up();
    await until("heard", async () => (await asked()) > before);
    await sounds();
  }
  seen.button = true;
}

async function afterDeath() {
  await kill(server);
  await says(/Trying again/);
  server = await serve(louro, config, port);
  await until("back", async () => !/Trying again/.test(await main()));
  // By its text: what is scrolled away is not rendered.
  seen.kept = /Paris[\s\S]*calculate_sum/.test(await page.locator("main").textContent());
  await write("Say good morning.");
  await sounds();
  seen.reconnected = true;
  await page.reload();
  await until("a new page", () => page.getByRole("button", { name: /start talking/i }).isVisible());
  await remembers("cheese");
  seen.reloaded = true;
}

await told(seen, browser, async () => {
  try {
    const started = Date.now();
    for (const part of [byVoice, byHand, interruption, byButton, afterDeath]) {
      await part();
      seen[`${part.name}EndedAfterS`] = (Date.now() - started) / 1000;
    }
  } catch (error) {
    if (picture) await page.screenshot({ path: picture });
    throw error;
  }
});
server.kill("SIGKILL");
