// The official SDK, over TLS: node sdk.mjs BASE_URL ga|beta      NODE_EXTRA_CA_CERTS names who vouches for the server.
import OpenAI from "openai";
import { OpenAIRealtimeWS as BetaSocket } from "openai/beta/realtime/ws";
import { OpenAIRealtimeWS as Socket } from "openai/realtime/ws";

const [baseURL, dialect] = process.argv.slice(2);
const client = new OpenAI({ apiKey: "none", baseURL });
const isBeta = dialect === "beta";
const socket = isBeta ? new BetaSocket({ model: "m" }, client) : new Socket({ model: "m" }, client);
const seen = { types: [], errors: [], text: "", calls: [], spoken: 0 };
const timer = setTimeout(() => finish(), 20_000);
let turn = 0;

function finish() {
  clearTimeout(timer);
  console.log(JSON.stringify(seen));
  socket.close();
  setTimeout(() => process.exit(0), 500).unref();
}

function ask(text) {
  turn += 1;
  const item = { type: "message", role: "user", content: [{ type: "input_text", text }] };
  socket.send({ type: "conversation.item.create", item });
  socket.send({ type: "response.create" });
}

const add = {
  type: "function",
  name: "calculate_sum",
  parameters: { type: "object", properties: { a: { type: "number" }, b: { type: "number" } } },
};
const settings = isBeta
  ? { modalities: ["text"], tools: [add], instructions: "Be brief." }
  : { type: "realtime", output_modalities: ["text"], tools: [add], instructions: "Be brief." };
const spoken = isBeta
  ? { modalities: ["audio", "text"] }
  : { type: "realtime", output_modalities: ["audio"] };

socket.on("error", (error) => {
  seen.errors.push(error.message);
  finish();
});
socket.on("event", (event) => {
  seen.types.push(event.type);
  switch (event.type) {
    case "session.created":
      socket.send({ type: "session.update", session: settings });
      break;
    case "session.updated":
      if (turn === 0) ask("hello there");
      else ask("say it");
      break;
    case "response.text.delta":
    case "response.output_text.delta":
      seen.text += event.delta;
      break;
    case "response.audio.delta":
    case "response.output_audio.delta":
      seen.spoken += event.delta.length;
      break;
    case "response.done":
      answered(event.response);
      break;
  }
});

function answered(response) {
  const call = response.output.find((item) => item.type === "function_call");
  if (call) {
    const { a, b } = JSON.parse(call.arguments);
    seen.calls.push([a, b]);
    const item = { type: "function_call_output", call_id: call.call_id, output: JSON.stringify({ result: a + b }) };
    socket.send({ type: "conversation.item.create", item });
    socket.send({ type: "response.create" });
  } else if (turn === 1) ask("calculate_sum 7 and 5");
  else if (turn === 2) socket.send({ type: "session.update", session: spoken });
  else finish();
}
