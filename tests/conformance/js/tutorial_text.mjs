// The tutorial's first program: a question in writing, an answer in writing.
import { connect } from './tutorial_parts.mjs';

const [url, journal] = process.argv.slice(2);
const socket = connect(url, journal);

socket.onOpen(() => {
  const content = [{ type: 'input_text', text: 'What is a web socket, in one sentence?' }];
  socket.send({ type: 'conversation.item.create', item: { type: 'message', role: 'user', content } });
  socket.send({
    type: 'response.create',
    response: { modalities: ['text'], instructions: 'Please assist the user.' },
  });
});

socket.onEvent((event) => {
  switch (event.type) {
    case 'response.text.delta':
      process.stdout.write(event.delta);
      break;
    case 'response.text.done':
      process.stdout.write('\n');
      break;
    case 'response.done':
      socket.close();
      break;
  }
});
