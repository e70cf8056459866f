// Everything in the console that needs no real model: shaping the session, looking closer, and what goes wrong.
// node e2e/shape.mjs URL OTHER KEY SOUND.wav [PICTURE]     OTHER is a server that wants KEY.
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { launch, told, watched } from "./browser.mjs";

const [url, other, key, sound, picture] = process.argv.slice(2);
const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const seen = { errors: [], hosts: [], faults: [] };
const browser = await launch();
const context = await browser.newContext({
  locale: "en-US",
  colorScheme: "dark",
  reducedMotion: "reduce",
  viewport: { width: 1280, height: 900 },
});
const { page, text, until, says, press, show, write, sounds, saved } = await watched(context, seen);
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

/** Axe, in both themes. */
async function faultsIn(place) {
  for (const _ of ["dark", "light"]) {
    // Put there before the page: its policy lets nothing in afterwards.
    const found = await page.evaluate(() =>
      window.axe.run(document, { resultTypes: ["violations"] }).then(({ violations }) =>
        violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.target).join(" | ")}`),
      ),
    );
    seen.faults.push(...found.map((fault) => `${place}: ${fault}`));
    await press(/(light|dark) theme/i);
  }
}

/** In bytes, as they travel. */
async function firstLoad() {
  const devtools = await context.newCDPSession(page);
  await devtools.send("Network.enable");
  let bytes = 0;
  devtools.on("Network.loadingFinished", ({ encodedDataLength }) => {
    bytes += encodedDataLength;
  });
  await page.goto(url);
  await page.getByRole("button", { name: /start talking/i }).waitFor();
  await page.waitForLoadState("networkidle");
  await devtools.detach();
  return bytes;
}

async function otherServers() {
  const server = page.locator("details.server");
  const field = (name) => server.getByLabel(name);
  await server.locator("summary").click();
  await field("Another server").fill("http://127.0.0.1:9");
  await press(/start talking/i);
  await says(/The server does not answer/);
  await faultsIn("failed");
  await field("Another server").fill(other);
  await field("API key").fill("sk-lr-wrong");
  await press(/start talking/i);
  await says(/The connection failed/);
  await field("API key").fill(key);
  await press(/start talking/i);
  await says(/You said: Hello!/);
  seen.other = true;
  seen.keyKept = await page.evaluate((each) => JSON.stringify(localStorage).includes(each), key);
  await press("Hang up");
  await page.evaluate(() => sessionStorage.clear());
  await page.reload();
}

async function withoutMicrophone() {
  await press(/start talking/i);
  await says(/You said: Hello!/);
  await says(/(microphone is blocked|No microphone was found)[\s\S]*sound file/);
  await faultsIn("no microphone");
  const picker = page.locator('.message-box input[type="file"]');
  await picker.setInputFiles({ name: "noise.wav", mimeType: "audio/wav", buffer: Buffer.from("no") });
  await says(/noise\.wav holds no sound/);
  await page.getByRole("button", { name: "Close" }).click();
  await picker.setInputFiles(sound);
  await says(/You said: What is the capital of France\?/);
  seen.file = true;
  await page.keyboard.press("Escape");
}

async function settings() {
  await show("session");
  await page.getByLabel("instructions").fill("Be brief.");
  await page.getByLabel("silence_duration_ms").fill("400");
  await faultsIn("session");
  await show("turns");
  await show("session");
  seen.editsKept = (await page.getByLabel("instructions").inputValue()) === "Be brief.";
  const tools = page.getByLabel("tools", { exact: true });
  const before = await tools.inputValue();
  await tools.fill('[{"type": "function", "name": "no spaces please"}]');
  await says(/tools\[0\]\.name/);
  seen.checked = await page.getByRole("button", { name: "Apply" }).isDisabled();
  await tools.fill(before);
  await press("Apply");
  await says(/As the server has it/);
  seen.applied = (await page.getByLabel("silence_duration_ms").inputValue()) === "400";
  const code = page.locator(".code-copies");
  seen.python = await code.locator("pre").innerText();
  await code.getByRole("button", { name: "JavaScript" }).click();
  seen.javascript = await code.locator("pre").innerText();
}

async function ownTools() {
  const shop = createServer((request, response) => {
    response.setHeader("Access-Control-Allow-Origin", "*");
    response.setHeader("Access-Control-Allow-Headers", "*");
    if (request.method === "OPTIONS") return response.end();
    let body = "";
    request.on("data", (piece) => {
      body += piece;
    });
    request.on("end", () => response.end(JSON.stringify({ asked: JSON.parse(body), open: true })));
  }).listen(0, "127.0.0.1");
  shop.unref();
  await once(shop, "listening");
  const address = `http://127.0.0.1:${shop.address().port}/`;
  await show("tools");
  await page.getByText("Add a tool of your own").click();
  const form = page.locator(".own-tool form");
  const schema = '{"type": "object", "properties": {"n": {"type": "number"}}}';
  async function add(name, kind, source) {
    await form.getByLabel("name", { exact: true }).fill(name);
    await form.getByLabel("parameters").fill(schema);
    await form.getByLabel("Answered by").selectOption(kind);
    await form.locator("textarea").last().fill(source);
    await form.getByRole("button", { name: "Add tool" }).click();
  }
  await add("double_it", "code", "return { doubled: args.n * 2 };");
  await add("ask_shop", "http", address);
  await faultsIn("tools");
  await write("double_it 21");
  await says(/The result is \{"doubled":42\}/);
  await page.keyboard.press("Escape");
  await write("ask_shop 7");
  await says(/The result is \{"asked":\{"n":7\},"open":true\}/);
  await press("Change double_it");
  seen.changed = (await form.getByLabel("name", { exact: true }).inputValue()) === "double_it";
  await form.locator("textarea").last().fill("return args.n + args.n + 1;");
  await form.getByRole("button", { name: "Add tool" }).click();
  await write("double_it 4");
  await says(/The result is 9\./);
  seen.ownTools = true;
  await page.keyboard.press("Escape");
  shop.close();
}

async function eventLog() {
  await show("events");
  const rows = page.locator(".event-row");
  const count = () => page.locator(".events-count").innerText();
  const all = await count();
  await page.getByLabel("Search events").fill("double_it");
  await until("searched", async () => (await count()) !== all);
  await page.getByLabel("Search events").fill("");
  await page.getByLabel("Direction").selectOption("in");
  await page.getByLabel("Search events").fill("response.output_audio.delta");
  await rows.last().click();
  await page.locator(".event-detail audio").waitFor();
  seen.wholeRun = /1\/\d+/.test(await page.locator(".event-detail").innerText());
  await page.getByRole("button", { name: "The next delta" }).click();
  await faultsIn("events");
  await page.getByLabel("Search events").fill("");
  await press("Pause the log");
  const log = JSON.parse(await readFile(await saved(page.getByRole("button", { name: "Export the log" }))));
  seen.exported = log.some(({ type, more }) => type === "response.output_audio.delta" && more.length > 0);
  await press("Resume the log");
  await show("turns");
  await faultsIn("turns");
  await show("usage");
  await faultsIn("usage");
}

/** Of a talk longer than what is kept at hand, the oldest sound is still to be had in every way. */
async function oldSounds() {
  const verse = "The parrot sings of the forest, the river and the rain. ".repeat(24);
  for (let round = 1; round <= 3; round += 1) {
    await write(`Round ${round}. ${verse}`);
    await until("an answer", async () => new RegExp(`You said: Round ${round}`).test(await text()));
    await page.waitForTimeout(2000);
    await page.keyboard.press("Escape");
  }
  await until("sounds put away", () => page.evaluate(() => window.putAway > 0));
  const oldest = page.locator('article[data-role="assistant"]', { hasText: "Hello!" }).first();
  const wav = await readFile(await saved(oldest.getByRole("button", { name: /wav/i })));
  seen.oldWav = wav.subarray(44).some((byte) => byte !== 0);
  await oldest.getByRole("button", { name: /play again/i }).click();
  await until("once more", async () => (await oldest.getAttribute("data-playing")) === "true");
  seen.oldReplayed = true;
  await page.keyboard.press("Escape");
  const shop = page.locator('article[data-role="user"]', { hasText: "ask_shop" });
  await shop.getByRole("button", { name: /delete/i }).click();
  await until("deleted", async () => (await shop.count()) === 0);
}

async function savedConversation() {
  const messages = page.locator("article.message");
  const count = await messages.count();
  const file = await saved(page.getByRole("button", { name: "Save the conversation" }));
  await press("Hang up");
  await page.reload();
  await page.locator('.connect input[type="file"]').setInputFiles({
    name: "saved.json",
    mimeType: "application/json",
    buffer: await readFile(file),
  });
  await says(/A conversation saved on/);
  seen.opened = (await messages.count()) === count;
  await faultsIn("saved");
  if (picture) await page.screenshot({ path: picture });
  await press("Play the conversation");
  await until("from the beginning", async () => (await messages.count()) < 4);
  await sounds();
  await until("its words", async () => /You said: Hello!/.test(await page.innerText("main")));
  await press("Pause");
  seen.played = (await messages.count()) < count;
  await page.getByRole("slider", { name: "Moment" }).press("End");
  await until("all of it", async () => (await messages.count()) === count);
  await press("Close");
}

async function inPortugueseOnATelephone() {
  await press(/Português/);
  await show("talk");
  await page.setViewportSize({ width: 360, height: 740 });
  await page.getByRole("button", { name: "Começar a falar" }).click();
  await until("olá", async () => /You said: Hello!/.test(await page.innerText("main")));
  await page.evaluate(() => document.querySelector(".header .icon-button:not(.with-text)").click());
  for (const place of ["talk", "turns", "events", "session", "tools", "usage"]) {
    await show(place);
    await page.waitForTimeout(150);
    const found = await page.evaluate(() =>
      window.axe.run(document, { resultTypes: ["violations"] }).then(({ violations }) =>
        violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.target).join(" | ")}`),
      ),
    );
    seen.faults.push(...found.map((fault) => `${place}, 360 px: ${fault}`));
  }
}

await told(seen, browser, async () => {
  await page.addInitScript(axe);
  try {
    seen.firstLoadBytes = await firstLoad();
    await faultsIn("welcome");
    await otherServers();
    await withoutMicrophone();
    await settings();
    await ownTools();
    await eventLog();
    await oldSounds();
    await savedConversation();
    await inPortugueseOnATelephone();
  } catch (error) {
    if (picture) await page.screenshot({ path: picture });
    throw error;
  }
});
