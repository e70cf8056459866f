// What the tutorial's three programs share: its socket, and stand-ins for its recorder and its loudspeaker.
import { appendFileSync, readFileSync } from 'node:fs';
import WebSocket from 'ws';

// node-record-lpcm16 reads what SoX writes, a buffer at a time.
const CHUNK_BYTES = 8192;
const BYTES_PER_MS = 32;
const PACE = 10;

/** The socket as the tutorial opens it. Every event, sent or received, becomes a line of the journal. */
export function connect(url, journal) {
  const socket = new WebSocket(url, {
    headers: { Authorization: 'Bearer sk-test', 'OpenAI-Beta': 'realtime=v1' },
  });
  const note = (kind, event) => appendFileSync(journal, `${JSON.stringify({ [kind]: event })}\n`);
  socket.on('error', (error) => {
    console.error(error);
    process.exitCode = 1;
  });
  return {
    onOpen: (act) => socket.on('open', act),
    onEvent: (act) => socket.on('message', (frame) => {
      const event = JSON.parse(frame);
      note('received', event);
      act(event);
    }),
    send: (event) => {
      note('sent', event);
      socket.send(JSON.stringify(event));
    },
    close: () => socket.close(),
  };
}

/** Records until Enter; what was said is a file of 16 kHz pcm16. Resolves to one piece of base64, as the tutorial's does. */
export function record(file) {
  console.log('Speak. Press Enter to send.');
  // Nobody asks the recorder for raw samples, so it gives a WAV file: 44 bytes of header are sent as if they were sound.
  const sound = Buffer.concat([waveHeader(), readFileSync(file)]);
  const chunks = [];
  return new Promise((resolve) => {
    const recorder = setInterval(() => {
      const start = chunks.length * CHUNK_BYTES;
      if (start < sound.length) chunks.push(sound.subarray(start, start + CHUNK_BYTES));
      else console.log('Nothing more is said.');
    }, CHUNK_BYTES / BYTES_PER_MS / PACE);
    process.stdin.resume();
    process.stdin.on('data', () => {
      clearInterval(recorder);
      process.stdin.pause();
      resolve(Buffer.concat(chunks).toString('base64'));
    });
  });
}

/** 24 kHz pcm16, played to nobody. */
export function speaker() {
  let bytes = 0;
  return {
    write: (pcm) => { bytes += pcm.length; },
    end: () => console.log(`Played ${bytes} bytes.`),
  };
}

function waveHeader() {
  const header = Buffer.alloc(44);
  header.write('RIFF');
  header.writeUInt32LE(0x7ffff024, 4); // a pipe has no length: SoX gives the greatest
  header.write('WAVEfmt ', 8);
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(1, 20);
  header.writeUInt16LE(1, 22);
  header.writeUInt32LE(16_000, 24);
  header.writeUInt32LE(32_000, 28);
  header.writeUInt16LE(2, 32);
  header.writeUInt16LE(16, 34);
  header.write('data', 36);
  header.writeUInt32LE(0x7ffff000, 40);
  return header;
}
