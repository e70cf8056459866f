// Drives the console in a real browser, against the server at URL, and says what it saw as one JSON object.
// node e2e/talk.mjs URL SOUND.wav [SCREENSHOT]     CHROMIUM names the browser. SOUND is what the microphone hears.
import { chromium } from "playwright-core";

const [url, sound, picture] = process.argv.slice(2);
const seen = { errors: [], hosts: [] };

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: [
    "--no-sandbox",
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
    `--use-file-for-fake-audio-capture=${sound}%noloop`,
    "--autoplay-policy=no-user-gesture-required",
  ],
});

// Whatever goes to the loudspeaker also goes to an ear of ours.
function listen() {
  const connect = AudioNode.prototype.connect;
  window.loudest = 0;
  AudioNode.prototype.connect = function (to, ...rest) {
    if (to instanceof AudioDestinationNode) {
      const ear = new AnalyserNode(this.context, { fftSize: 2048 });
      connect.call(this, ear);
      const wave = new Float32Array(ear.fftSize);
      setInterval(() => {
        ear.getFloatTimeDomainData(wave);
        for (const sample of wave) window.loudest = Math.max(window.loudest, Math.abs(sample));
      }, 40);
    }
    return connect.call(this, to, ...rest);
  };
}

const context = await browser.newContext({
  permissions: ["microphone"],
  viewport: { width: 1280, height: 800 },
  locale: "en-US",
  colorScheme: "dark",
});
const page = await context.newPage();
await page.addInitScript(listen);
page.on("pageerror", (error) => seen.errors.push(String(error)));
page.on("console", (message) => message.type() === "error" && seen.errors.push(message.text()));
page.on("request", (request) => seen.hosts.push(new URL(request.url()).host));

const main = () => page.locator("main").innerText();

async function until(what, is) {
  for (let tries = 0; tries < 600; tries++) {
    if (await is()) return;
    await page.waitForTimeout(100);
  }
  throw new Error(`not within a minute: ${what}\n${await main()}`);
}

async function write(text) {
  const box = page.getByRole("textbox").last();
  await box.fill(text);
  await box.press("Enter");
}

try {
  await page.goto(url);
  await page.getByRole("button", { name: /start talking/i }).click();
  await until("heard", async () => (await main()).includes("What is the capital of France?"));
  await until("answered", async () => /Paris|You said: What is the capital/.test(await main()));
  await until("sound", () => page.evaluate(() => window.loudest > 0.02));
  await until("listening", async () => (await main()).includes("Listening"));
  seen.answered = true;
  if (picture) await page.screenshot({ path: picture });
  await write("Use calculate_sum for 7 and 5.");
  await until("the sum", async () => /calculate_sum[\s\S]*12/.test(await main()));
  await until("listening", async () => (await main()).includes("Listening"));
  seen.sum = true;
  await write("Tell me about a bird that can speak and sing and dance all day long in the green forest.");
  await until("speaking", async () => (await main()).includes("Speaking"));
  await page.waitForTimeout(400);
  await page.keyboard.press("Escape");
  await until("interrupted", async () => (await main()).includes("Not heard:"));
  seen.interrupted = true;
  await page.reload();
  await until("reloaded", async () => (await page.getByRole("button", { name: /start talking/i }).count()) > 0);
  seen.reloaded = true;
} catch (error) {
  seen.errors.push(String(error));
  if (picture) await page.screenshot({ path: picture });
} finally {
  seen.hosts = [...new Set(seen.hosts)];
  console.log(JSON.stringify(seen));
  await browser.close();
}
