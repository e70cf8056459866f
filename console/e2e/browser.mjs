// What every drive of the console needs: a browser, a page that is watched, and patience.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chromium } from "playwright-core";

/** *sound*: the file that the microphone hears from its beginning, each time that it is opened; null: there is none. */
export function launch(sound = null) {
  const microphone = [
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
    `--use-file-for-fake-audio-capture=${sound}%noloop`,
  ];
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: [
      "--no-sandbox",
      "--autoplay-policy=no-user-gesture-required",
      ...(sound ? microphone : []),
    ],
  });
}

/** Whatever goes to the loudspeaker also goes to an ear of ours. */
function listen() {
  const connect = AudioNode.prototype.connect;
  window.loudest = 0;
  AudioNode.prototype.connect = function (to, ...rest) {
    if (to instanceof AudioDestinationNode) {
      window.loudspeaker = to.context;
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

/** A page of *context*, and what can be done with it. Errors go into *seen*; the network beyond the machine is shut. */
export async function watched(context, seen) {
  await context.route(
    (address) => address.hostname !== "127.0.0.1",
    (route) => route.abort(),
  );
  const page = await context.newPage();
  await page.addInitScript(listen);
  page.on("pageerror", (error) => seen.errors.push(String(error)));
  page.on("request", (request) => seen.hosts.push(new URL(request.url()).host));
  const text = () => page.innerText("body");

  async function until(what, is, seconds = 60) {
    for (let tries = 0; tries < seconds * 10; tries += 1) {
      if (await is()) return;
      await page.waitForTimeout(100);
    }
    throw new Error(`not within ${seconds} seconds: ${what}\n${await text()}`);
  }

  return {
    page,
    text,
    until,
    says: (pattern) => until(pattern, async () => pattern.test(await text())),
    press: (name) => page.getByRole("button", { name }).first().click(),
    show: (place) =>
      page.evaluate((id) => {
        location.hash = id;
      }, place),
    async write(words) {
      const box = page.getByRole("textbox", { name: "Message" });
      await box.fill(words);
      await box.press("Enter");
      await box.blur();
    },
    /** That something sounds from now on. */
    async sounds() {
      await page.evaluate(() => {
        window.loudest = 0;
      });
      await until("a sound", () => page.evaluate(() => window.loudest > 0.02));
    },
    /** What the page saves when *button* is pressed. */
    async saved(button) {
      const [file] = await Promise.all([page.waitForEvent("download"), button.click()]);
      return file.path();
    },
  };
}

/** Run *drive*, and print what it saw as one JSON object. */
export async function told(seen, browser, drive) {
  try {
    await drive();
  } catch (error) {
    seen.errors.push(String(error));
  } finally {
    seen.hosts = [...new Set(seen.hosts)].filter(Boolean);
    console.log(JSON.stringify(seen));
    await browser.close();
  }
}

export async function serve(louro, config, port) {
  const server = spawn(louro, ["serve", "--config", config, "--port", port], { stdio: "ignore" });
  for (let tries = 0; tries < 600; tries += 1) {
    const answer = await fetch(`http://127.0.0.1:${port}/health`).catch(() => null);
    if (answer?.ok) return server;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error("The server does not answer.");
}

export async function kill(server) {
  const gone = once(server, "exit");
  server.kill("SIGKILL");
  await gone;
}
