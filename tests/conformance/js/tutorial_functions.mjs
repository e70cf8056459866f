// The tutorial's third program: the second, with a function that the model may call.
import { connect, record, speaker } from './tutorial_parts.mjs';

const [url, journal, recording] = process.argv.slice(2);
const socket = connect(url, journal);
const loudspeaker = speaker();

const functions = { calculate_sum: ({ a, b }) => a + b };
const sum = {
  type: 'function',
  name: 'calculate_sum',
  description: "Adds two numbers. Use it whenever a sum is asked for, as in 'What is 4 + 6?'.",
  parameters: {
    type: 'object',
    properties: { a: { type: 'number' }, b: { type: 'number' } },
    required: ['a', 'b'],
  },
};

socket.onOpen(async () => {
  const content = [{ type: 'input_audio', audio: await record(recording) }];
  socket.send({ type: 'conversation.item.create', item: { type: 'message', role: 'user', content } });
  socket.send({
    type: 'response.create',
    response: {
      modalities: ['text', 'audio'],
      instructions: 'Please assist the user.',
      tools: [sum],
      tool_choice: 'auto',
    },
  });
});

socket.onEvent((event) => {
  switch (event.type) {
    case 'response.audio.delta':
      loudspeaker.write(Buffer.from(event.delta, 'base64'));
      break;
    case 'response.function_call_arguments.done': {
      const result = functions[event.name](JSON.parse(event.arguments));
      console.log(`${event.name} ${event.arguments}: ${result}`);
      // As the tutorial has it: a role that outputs have not, no call_id, and no waiting for response.done.
      const output = { type: 'function_call_output', role: 'system', output: `${result}` };
      socket.send({ type: 'conversation.item.create', item: output });
      socket.send({ type: 'response.create' });
      break;
    }
    case 'response.audio.done':
      loudspeaker.end();
      socket.close();
      break;
  }
});
