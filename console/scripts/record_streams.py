"""Write src/protocol/streams/*.json: conversations on scripted engines, told in both dialects at once.

Every line of a stream is what the client sent, in today's dialect, or what the server said, in both; null where the older
dialect has no such event. One session tells both, so ids and sounds are the same. Run it again when the protocol grows.
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeAlias

import anyio

from louro.engines.scripted import LoudnessDetector, ScriptedModel, ScriptedTranscriber, ScriptedVoice
from louro.pipeline.driver import Driver, Engines
from louro.pipeline.machine import Machine
from louro.pipeline.respond import Cascade
from louro.protocol.server_events import AnyServerEvent
from louro.protocol.wire.beta import BetaDialect
from louro.protocol.wire.ga import GaDialect
from louro.session.setup import Setup
from louro.transports.memory import MemoryClient, memory_pair

STREAMS = Path(__file__).parent.parent / "src" / "protocol" / "streams"
MS_PER_CHARACTER = 4
"""Of speech: fifteen times as fast as people, so that the files stay small."""
SPEECH = (b"\x00\x20" * 12 + b"\x00\xe0" * 12) * 240
SILENCE = bytes(48 * 300)
CHUNK_BYTES = 4_800
SUM = {
    "type": "function",
    "name": "calculate_sum",
    "description": "Adds two numbers.",
    "parameters": {"type": "object", "properties": {"a": {"type": "number"}, "b": {"type": "number"}}},
}
VOICE_TURNS = {
    "turn_detection": {"type": "server_vad", "silence_duration_ms": 200, "prefix_padding_ms": 100},
    "transcription": {"model": "whisper-1"},
}


class BothDialects(GaDialect):
    """Speaks today's dialect, and remembers how the older one would have said it."""

    def __init__(self) -> None:
        super().__init__()
        self._older = BetaDialect()
        self.told: list[bytes | None] = []

    def encode(self, event: AnyServerEvent) -> bytes:
        self.told.append(self._older.encode(event))
        return super().encode(event)


class Talk:
    """The client's end of one session, and all that passed."""

    def __init__(self, client: MemoryClient, dialect: BothDialects) -> None:
        self._client = client
        self._dialect = dialect
        self._received = 0
        self.lines: list[dict[str, Any]] = []

    async def send(self, kind: str, **fields: Any) -> None:
        event = {"type": kind, **fields}
        self.lines.append({"sent": event})
        await self._client.send(json.dumps(event))

    async def until(self, kind: str) -> dict[str, Any]:
        with anyio.fail_after(5):
            while True:
                event: dict[str, Any] = json.loads(await self._client.receive())
                older = self._dialect.told[self._received]
                self._received += 1
                self.lines.append({"ga": event, "beta": None if older is None else json.loads(older)})
                if event["type"] == kind:
                    return event

    async def write(self, text: str, item_id: str) -> None:
        content = [{"type": "input_text", "text": text}]
        message = {"type": "message", "role": "user", "id": item_id, "content": content}
        await self.send("conversation.item.create", item=message)

    async def ask(self, **response: Any) -> dict[str, Any]:
        await self.send("response.create", **({"response": response} if response else {}))
        return await self.until("response.done")

    async def say(self, pcm: bytes) -> None:
        for start in range(0, len(pcm), CHUNK_BYTES):
            audio = base64.b64encode(pcm[start : start + CHUNK_BYTES]).decode()
            await self.send("input_audio_buffer.append", audio=audio)

    async def set(self, **session: Any) -> None:
        await self.send("session.update", session={"type": "realtime", **session})
        await self.until("session.updated")


async def text(talk: Talk) -> None:
    await talk.set(output_modalities=["text"])
    await talk.write("Bom dia, parrot!", "item_hello")
    await talk.ask()
    await talk.write("And in speech?", "item_more")
    await talk.ask(output_modalities=["audio"])


async def voice(talk: Talk) -> None:
    await talk.set(audio={"input": VOICE_TURNS})
    for _ in range(2):
        await talk.say(SPEECH + SILENCE)
        await talk.until("response.done")


async def function_call(talk: Talk) -> None:
    await talk.set(tools=[SUM])
    await talk.write("calculate_sum of 7 and 5", "item_question")
    [call] = (await talk.ask())["response"]["output"]
    numbers = json.loads(call["arguments"])
    output = json.dumps({"result": numbers["a"] + numbers["b"]})
    item = {"type": "function_call_output", "call_id": call["call_id"], "output": output}
    await talk.send("conversation.item.create", item=item)
    await talk.ask()


async def interruption(talk: Talk) -> None:
    await talk.write("tell me of a bird that sings " * 3, "item_long")
    await talk.send("response.create")
    delta = await talk.until("response.output_audio.delta")
    await talk.send("response.cancel")
    await talk.until("response.done")
    place = {"item_id": delta["item_id"], "content_index": 0}
    await talk.send("conversation.item.truncate", **place, audio_end_ms=40)
    await talk.until("conversation.item.truncated")
    await talk.send("conversation.item.retrieve", item_id=delta["item_id"])
    await talk.until("conversation.item.retrieved")
    await talk.write("Go on.", "item_next")
    await talk.ask()


async def deletion(talk: Talk) -> None:
    await talk.write("Forget this.", "item_first")
    await talk.ask()
    await talk.write("Keep this.", "item_second")
    await talk.ask()
    await talk.send("conversation.item.delete", item_id="item_first")
    await talk.until("conversation.item.deleted")


Scene: TypeAlias = Callable[[Talk], Awaitable[None]]
SCENES: tuple[Scene, ...] = (text, voice, function_call, interruption, deletion)


def scripted() -> Engines:
    # Slow enough that an answer can be interrupted.
    model = ScriptedModel(words_per_s=100)
    responder = Cascade(model, ScriptedVoice(MS_PER_CHARACTER))
    return Engines(LoudnessDetector(), ScriptedTranscriber("What is it?"), model, responder)


async def record(scene: Scene) -> list[dict[str, Any]]:
    dialect = BothDialects()
    connection, client = memory_pair()
    now = anyio.current_time
    machine = Machine(
        Setup(model="louro"), dialect, seed=7, count_tokens=lambda said: len(said.split()), now=now()
    )
    talk = Talk(client, dialect)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(Driver(machine, scripted(), now).run, connection)
        await talk.until("session.created")
        await scene(talk)
        await client.close()
    await connection.close(1000, "")
    return talk.lines


async def main() -> None:
    for scene in SCENES:
        lines = await record(scene)
        rows = ",\n".join(json.dumps(line, ensure_ascii=False, separators=(",", ":")) for line in lines)
        name = str(getattr(scene, "__name__")).replace("_", "-")  # noqa: B009
        (STREAMS / f"{name}.json").write_text(f"[\n{rows}\n]\n", encoding="utf-8")


if __name__ == "__main__":
    STREAMS.mkdir(exist_ok=True)
    asyncio.run(main())
