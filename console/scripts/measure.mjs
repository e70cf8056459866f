// An hour of conversation through the page at URL, at high speed: what it leaves in memory, how its log scrolls, and
// whether the page stays free while an answer is spoken. Prints one JSON object.
// node scripts/measure.mjs URL [TURNS]     CHROMIUM names the browser. The page is real, the server's words are made up.
import { chromium } from "playwright-core";

const [url, turns = "400"] = process.argv.slice(2);
const MEGABYTE = 1_000_000;

/** Stands in for the server: a socket that says what the test wants said. */
function madeUpServer() {
  const RATE_HZ = 24_000;
  const DELTA_MS = 500;
  let nextEvent = 0;
  let socket = null;
  let previous = null;
  class MadeUpSocket {
    static CONNECTING = 0;
    static OPEN = 1;
    bufferedAmount = 0;
    readyState = 1;
    onmessage = null;
    onclose = null;
    constructor() {
      socket = this;
      setTimeout(() => tell({ type: "session.created", session }), 0);
    }
    send(text) {
      const { type } = JSON.parse(text);
      if (type === "session.update") tell({ type: "session.updated", session });
      if (type === "response.create") window.madeUp.asked = true;
    }
    close() {}
  }
  const detection = { type: "server_vad", silence_duration_ms: 500, interrupt_response: true };
  const session = {
    type: "realtime",
    id: "sess_1",
    model: "made-up",
    audio: { input: { turn_detection: detection } },
  };
  window.WebSocket = MadeUpSocket;

  function tell(event) {
    nextEvent += 1;
    socket.onmessage?.({ data: JSON.stringify({ event_id: `event_${nextEvent}`, ...event }) });
  }

  // Noise: nothing that could be kept small by chance.
  function base64Noise() {
    const bytes = new Uint8Array((RATE_HZ * 2 * DELTA_MS) / 1000);
    for (let at = 0; at < bytes.length; at += 1) bytes[at] = at % 2 ? 0 : Math.random() * 256;
    return btoa(String.fromCharCode(...bytes));
  }

  function question(turn, atMs) {
    const id = `item_u${turn}`;
    tell({ type: "input_audio_buffer.speech_started", item_id: id, audio_start_ms: atMs });
    tell({ type: "input_audio_buffer.speech_stopped", item_id: id, audio_end_ms: atMs + 1000 });
    tell({ type: "input_audio_buffer.committed", item_id: id, previous_item_id: previous });
    const item = { type: "message", id, role: "user", status: "completed" };
    const content = [{ type: "input_audio", transcript: null }];
    for (const kind of ["added", "done"]) {
      const place = { previous_item_id: previous, item: { ...item, content } };
      tell({ type: `conversation.item.${kind}`, ...place });
    }
    const heard = { item_id: id, content_index: 0, transcript: `Question number ${turn}?` };
    tell({ type: "conversation.item.input_audio_transcription.completed", ...heard });
    previous = id;
  }

  async function answer(turn, speechMs, paceMs) {
    const id = `item_a${turn}`;
    const response = { id: `resp_${turn}`, object: "realtime.response", output: [] };
    const ids = { response_id: response.id, item_id: id, output_index: 0, content_index: 0 };
    const item = { type: "message", id, role: "assistant", status: "in_progress", content: [] };
    tell({ type: "response.created", response: { ...response, status: "in_progress" } });
    tell({ type: "response.output_item.added", response_id: response.id, output_index: 0, item });
    tell({ type: "conversation.item.added", previous_item_id: previous, item });
    tell({ type: "response.content_part.added", ...ids, part: { type: "audio" } });
    let transcript = "";
    // Made before it is told: the page is measured, not what stands in for the server.
    const sounds = Array.from({ length: Math.ceil(speechMs / DELTA_MS) }, base64Noise);
    if (paceMs) await new Promise((resolve) => setTimeout(resolve, paceMs));
    for (let said = 0; said < speechMs; said += DELTA_MS) {
      if (said % 500 === 0) {
        const delta = `and word ${said / 500} of answer ${turn}, `;
        transcript += delta;
        tell({ type: "response.output_audio_transcript.delta", ...ids, delta });
      }
      tell({ type: "response.output_audio.delta", ...ids, delta: sounds[said / DELTA_MS] });
      if (paceMs) await new Promise((resolve) => setTimeout(resolve, paceMs));
    }
    const done = { ...item, status: "completed", content: [{ type: "output_audio", transcript }] };
    tell({ type: "response.output_audio.done", ...ids });
    tell({ type: "response.output_audio_transcript.done", ...ids, transcript });
    tell({ type: "conversation.item.done", previous_item_id: previous, item: done });
    tell({ type: "response.output_item.done", response_id: response.id, item: done });
    tell({ type: "response.done", response: { ...response, status: "completed", output: [done] } });
    previous = id;
  }

  window.madeUp = { question, answer, asked: false };
}

/** Microseconds of the processor, not of the clock: others on the machine do not lengthen them. */
function tasksIn(trace) {
  const events = JSON.parse(trace).traceEvents;
  const main = events.find(
    ({ name, args }) => name === "thread_name" && args.name === "CrRendererMain",
  );
  return events
    .filter(
      ({ name, tid, pid }) => name.endsWith("RunTask") && tid === main.tid && pid === main.pid,
    )
    .map(({ tdur = 0 }) => tdur)
    .sort((a, b) => b - a);
}

/** Frames of the page's own clock while *during* runs: how many a second, and the longest wait for one. */
function watchFrames() {
  const gaps = [];
  const longTasks = [];
  const observer = new PerformanceObserver((list) => {
    longTasks.push(...list.getEntries().map((entry) => entry.duration));
  });
  observer.observe({ type: "longtask" });
  let last = performance.now();
  let running = true;
  const frame = (now) => {
    gaps.push(now - last);
    last = now;
    if (running) requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
  return () => {
    running = false;
    longTasks.push(...observer.takeRecords().map((entry) => entry.duration));
    const seconds = gaps.reduce((sum, gap) => sum + gap, 0) / 1000;
    const longestMs = (list) => Math.round(Math.max(0, ...list));
    return {
      frames: gaps.length,
      framesPerS: Math.round(gaps.length / seconds),
      longestFrameMs: longestMs(gaps.slice(1)),
      longTasks: longTasks.length,
      longestTaskMs: longestMs(longTasks),
    };
  };
}

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: [
    "--no-sandbox",
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
  ],
});
try {
  const context = await browser.newContext({ permissions: ["microphone"], locale: "en-US" });
  const page = await context.newPage();
  const found = { turns: Number(turns) };
  page.on("pageerror", (error) => console.error("page error:", String(error)));
  await page.addInitScript(madeUpServer);
  await page.addInitScript(`window.watchFrames = ${watchFrames}`);
  await page.goto(url);
  await page.getByRole("button", { name: /start talking/i }).click();
  await page.waitForFunction(() => window.madeUp.asked);
  const devtools = await context.newCDPSession(page);

  const memory = async () => {
    await devtools.send("HeapProfiler.collectGarbage");
    await page.waitForTimeout(500);
    await devtools.send("HeapProfiler.collectGarbage");
    const use = await devtools.send("Runtime.getHeapUsage");
    const { usedSize, embedderHeapUsedSize = 0, backingStorageSize = 0 } = use;
    return {
      heapMb: Math.round(usedSize / MEGABYTE),
      buffersMb: Math.round(backingStorageSize / MEGABYTE),
      documentMb: Math.round(embedderHeapUsedSize / MEGABYTE),
      allMb: Math.round((usedSize + backingStorageSize + embedderHeapUsedSize) / MEGABYTE),
    };
  };

  /** What the page's own thread does while *run* lasts, in milliseconds of the processor. */
  async function costOf(run) {
    await browser.startTracing(page, { categories: ["toplevel"] });
    const seen = await run();
    const tasks = tasksIn(await browser.stopTracing());
    const milliseconds = (us) => Math.round(us / 100) / 10;
    return {
      ...seen,
      longestTaskCpuMs: milliseconds(tasks[0] ?? 0),
      allTasksCpuMs: milliseconds(tasks.reduce((sum, us) => sum + us, 0)),
    };
  }

  found.before = await memory();
  const began = Date.now();
  await page.evaluate(async (count) => {
    for (let turn = 1; turn <= count; turn += 1) {
      window.madeUp.question(turn, turn * 9000);
      await window.madeUp.answer(turn, 9000, 0);
      if (turn % 10 === 0) await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }, found.turns);
  found.fedInS = (Date.now() - began) / 1000;
  found.afterAnHour = await memory();

  found.whileSpeaking = await costOf(() =>
    page.evaluate(async () => {
      window.madeUp.question(9001, 0);
      const ended = window.watchFrames();
      await window.madeUp.answer(9001, 12_000, 150);
      return ended();
    }),
  );

  await page.evaluate(() => {
    location.hash = "#events";
  });
  await page.locator(".event-row").first().waitFor();
  found.scrolling = await costOf(() =>
    page.evaluate(async () => {
      let list = document.querySelector(".event-row");
      while (list && !(list.scrollHeight > list.clientHeight + 1000)) list = list.parentElement;
      const ended = window.watchFrames();
      const until = performance.now() + 4000;
      list.scrollTop = 0;
      while (performance.now() < until) {
        await new Promise(requestAnimationFrame);
        list.scrollTop += 320;
      }
      return { rows: Math.round(list.scrollHeight / 32), ...ended() };
    }),
  );
  console.log(JSON.stringify(found, null, 1));
} finally {
  await browser.close();
}
