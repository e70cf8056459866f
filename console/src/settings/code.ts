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
            elif event.type == "response.done":
                break


asyncio.run(main())
`;
}

export function javascriptCode({ baseUrl, model, session }: Snippet): string {
  return `import OpenAI from "openai";
import { OpenAIRealtimeWS } from "openai/realtime/ws";

const client = new OpenAI({
  baseURL: ${JSON.stringify(baseUrl)},
  apiKey: process.env.OPENAI_API_KEY ?? "none",
});
const realtime = new OpenAIRealtimeWS({ model: ${JSON.stringify(model)} }, client);

realtime.socket.on("open", () => {
  realtime.send({
    type: "session.update",
    session: ${indented(JSON.stringify(session, null, 2), 4)},
  });
  realtime.send({
    type: "conversation.item.create",
    item: {
      type: "message",
      role: "user",
      content: [{ type: "input_text", text: "Hello!" }],
    },
  });
  realtime.send({ type: "response.create" });
});

realtime.on("response.output_audio_transcript.delta", (event) => process.stdout.write(event.delta));
realtime.on("response.output_text.delta", (event) => process.stdout.write(event.delta));
realtime.on("response.done", () => realtime.close());
realtime.on("error", (error) => console.error(error));
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
