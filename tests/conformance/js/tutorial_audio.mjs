// The tutorial's second program: speak, press Enter, hear the answer. The whole recording is one item.
import { connect, record, speaker } from './tutorial_parts.mjs';

const [url, journal, recording] = process.argv.slice(2);
const socket = connect(url, journal);
const loudspeaker = speaker();

socket.onOpen(async () => {
  const content = [{ type: 'input_audio', audio: await record(recording) }];
  socket.send({ type: 'conversation.item.create', item: { type: 'message', role: 'user', content } });
  socket.send({
    type: 'response.create',
    response: { modalities: ['text', 'audio'], instructions: 'Please assist the user.' },
  });
});

socket.onEvent((event) => {
  switch (event.type) {
    case 'response.audio.delta':
      loudspeaker.write(Buffer.from(event.delta, 'base64'));
      break;
    case 'response.audio.done':
      loudspeaker.end();
      socket.close();
      break;
  }
});
