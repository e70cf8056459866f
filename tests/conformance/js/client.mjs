// The reference client talks to a Louro server; what it saw is printed as one JSON object.
import { readFileSync } from 'node:fs';
import { RealtimeClient } from 'openai-realtime-api';

const [url, soundFile] = process.argv.slice(2);
const client = new RealtimeClient({ url, apiKey: 'sk-test' });
const seen = { types: [], interrupted: 0, calls: [] };

client.on('realtime.event', ({ source, event }) => {
  if (source === 'server') seen.types.push(event.type);
});
client.on('conversation.interrupted', () => { seen.interrupted += 1; });
client.on('error', (event) => { seen.error = event.error ?? event; });
client.addTool(
  {
    name: 'calculate_sum',
    description: 'Adds two numbers.',
    parameters: {
      type: 'object',
      properties: { a: { type: 'number' }, b: { type: 'number' } },
      required: ['a', 'b'],
    },
  },
  async ({ a, b }) => { seen.calls.push([a, b]); return { result: a + b }; },
);

// Completed items are collected as they come: waiting for the next one misses those that come together.
const answers = [];
let wake = () => {};
client.on('conversation.item.completed', ({ item }) => {
  if (item.role === 'assistant') { answers.push(item); wake(); }
});
const nextAnswer = async () => {
  while (answers.length === 0) await new Promise((resolve) => { wake = resolve; });
  return answers.shift();
};

await client.connect();
await client.waitForSessionCreated();

// A typed message is answered in speech.
client.sendUserMessageContent([{ type: 'input_text', text: 'hello there' }]);
const spoken = await nextAnswer();
seen.transcript = spoken.formatted.transcript;
seen.samples = spoken.formatted.audio.length;

// A tool is called, and its result is said.
client.sendUserMessageContent([{ type: 'input_text', text: 'please calculate_sum of 7 and 5' }]);
seen.result = (await nextAnswer()).formatted.transcript;

// Recorded speech, turns by hand.
const pcm = readFileSync(soundFile);
client.appendInputAudio(new Int16Array(pcm.buffer, pcm.byteOffset, pcm.length / 2));
client.createResponse();
seen.heard = (await nextAnswer()).formatted.transcript;

// An answer is cut, and truncated to what was played.
client.sendUserMessageContent([{ type: 'input_text', text: 'word '.repeat(2000) }]);
await client.realtime.waitForNext('server.response.audio.delta');
const cut = client.conversation.getItems().at(-1);
const done = client.realtime.waitForNext('server.response.done');
const truncated = client.realtime.waitForNext('server.conversation.item.truncated');
client.cancelResponse(cut.id, 4800);
seen.status = (await done).response.status;
await truncated;
seen.errors = seen.types.filter((type) => type === 'error').length;
client.disconnect();
console.log(JSON.stringify(seen));
process.exit(0);
