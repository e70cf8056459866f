/** What a program needs to open the session on the screen. */
export interface Snippet {
  readonly baseUrl: string;
  readonly model: string;
  readonly session: unknown;
}

export function pythonCode({ baseUrl, model, session }: Snippet): string {
  return `import asyncio
import os

from openai import AsyncOpenAI

client = AsyncOpenAI(
    base_url=${pythonLiteral(baseUrl, 1)},
    api_key=os.environ.get("OPENAI_API_KEY", "none"),
)


async def main() -> None:
    async with client.realtime.connect(model=${pythonLiteral(model, 0)}) as connection:
        await connection.session.update(session=${pythonLiteral(session, 2)})
        await connection.conversation.item.create(
            item={
                "type": "message",
                "role": "user",
                "content": [{"type": "input_text", "text": "Hello!"}],
            }
        )
        await connection.response.create()
        async for event in connection:
            if event.type in ("response.output_audio_transcript.delta", "response.output_text.delta"):
                print(event.delta, end="", flush=True)
            elif event.type == "error":
                print(event.error.message)
            elif event.type == "response.done":
                break


asyncio.run(main())
`;
}

/** Without a library: it runs in a browser and in Node.js 22, and the official one insists on TLS. */
export function javascriptCode({ baseUrl, model, session }: Snippet): string {
  const address = `${baseUrl.replace(/^http/, "ws")}/realtime?model=${encodeURIComponent(model)}`;
  return `const key = globalThis.process?.env.OPENAI_API_KEY ?? "none";
const socket = new WebSocket(${JSON.stringify(address)}, [
  "realtime",
  \`openai-insecure-api-key.\${key}\`,
]);
const send = (event) => socket.send(JSON.stringify(event));
let words = "";

socket.onopen = () => {
  send({
    type: "session.update",
    session: ${indented(JSON.stringify(session, null, 2), 4)},
  });
  send({
    type: "conversation.item.create",
    item: {
      type: "message",
      role: "user",
      content: [{ type: "input_text", text: "Hello!" }],
    },
  });
  send({ type: "response.create" });
};

socket.onmessage = ({ data }) => {
  const event = JSON.parse(data);
  switch (event.type) {
    case "response.output_audio_transcript.delta":
    case "response.output_text.delta":
      words += event.delta;
      break;
    case "response.done":
      console.log(words);
      socket.close();
      break;
    case "error":
      console.error(event.error.message);
      break;
  }
};
`;
}

/** *value* as a Python expression; *depth* is how many levels its own line is indented. */
export function pythonLiteral(value: unknown, depth: number): string {
  if (value === null || value === undefined) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value !== "object") return String(value);
  const list = Array.isArray(value);
  const rows = list
    ? value.map((each: unknown) => pythonLiteral(each, depth + 1))
    : Object.entries(value).map(
        ([key, each]) => `${JSON.stringify(key)}: ${pythonLiteral(each, depth + 1)}`,
      );
  const [open, close] = list ? ["[", "]"] : ["{", "}"];
  if (rows.length === 0) return `${open}${close}`;
  const outer = "    ".repeat(depth);
  return `${open}\n${rows.map((row) => `${outer}    ${row},\n`).join("")}${outer}${close}`;
}

function indented(text: string, spaces: number): string {
  return text.replaceAll("\n", `\n${" ".repeat(spaces)}`);
}
