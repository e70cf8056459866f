"""The official Python SDK as a client, every event checked against its types, in its dialect."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import anyio
from openai import AsyncOpenAI

from tests.oracle import Dialect, Event, check

DIALECTS: tuple[Dialect, ...] = ("ga", "beta")

TO_BETA = {
    "conversation.item.added": "conversation.item.created",
    "response.output_text.delta": "response.text.delta",
    "response.output_text.done": "response.text.done",
    "response.output_audio.delta": "response.audio.delta",
    "response.output_audio.done": "response.audio.done",
    "response.output_audio_transcript.delta": "response.audio_transcript.delta",
    "response.output_audio_transcript.done": "response.audio_transcript.done",
}


class Talk:
    """One session. Everything received is kept, checked, and can be waited for."""

    def __init__(self, connection: Any, dialect: Dialect) -> None:
        self._connection = connection
        self.dialect = dialect
        self.events: list[Event] = []

    async def send(self, *events: Event) -> None:
        for event in events:
            await self._connection.send(event)

    async def receive(self) -> Event:
        event: Event = (await self._connection.recv()).to_dict(mode="json", warnings=False)
        check(event, self.dialect)
        self.events.append(event)
        return event

    async def until(self, kind: str, count: int = 1) -> list[Event]:
        """Receive up to and including the next *count* events of a kind (today's name); return what came."""
        before = len(self.events)
        wanted = TO_BETA.get(kind, kind) if self.dialect == "beta" else kind
        with anyio.fail_after(60):
            while count:
                event = await self.receive()
                count -= event["type"] == wanted
        return self.events[before:]

    async def refused(self, event: Event) -> Event:
        """Send what is wrong; return the error, which names it."""
        await self.send({**event, "event_id": "wrong"})
        error: Event = (await self.until("error"))[-1]["error"]
        assert error["event_id"] == "wrong"
        return error

    async def nothing_more(self) -> None:
        """A last error proves that nothing else was on its way."""
        await self.send({"type": "response.cancel", "event_id": "last"})
        *before, error = await self.until("error")
        assert [event["type"] for event in before] in ([], ["rate_limits.updated"])
        assert error["error"]["event_id"] == "last"

    # Events whose shape depends on the dialect

    def update(self, **changes: Any) -> Event:
        """A session.update from beta's flat names."""
        if self.dialect == "beta":
            return {"type": "session.update", "session": changes}
        session: dict[str, Any] = {"type": "realtime"}
        heard: dict[str, Any] = {}
        spoken: dict[str, Any] = {}
        for name, value in changes.items():
            match name:
                case "turn_detection":
                    heard["turn_detection"] = value
                case "input_audio_transcription":
                    heard["transcription"] = value
                case "input_audio_format":
                    heard["format"] = FORMATS[value]
                case "output_audio_format":
                    spoken["format"] = FORMATS[value]
                case "voice":
                    spoken["voice"] = value
                case "modalities":
                    session["output_modalities"] = ["text"] if value == ["text"] else ["audio"]
                case _:
                    session[name] = value
        session["audio"] = {"input": heard, "output": spoken}
        return {"type": "session.update", "session": session}

    async def prepare(self, **changes: Any) -> None:
        await self.send(self.update(**changes))
        await self.until("session.updated")

    async def append(self, pcm: bytes, frame_bytes: int = 9_600) -> None:
        for start in range(0, len(pcm), frame_bytes):
            audio = base64.b64encode(pcm[start : start + frame_bytes]).decode()
            await self.send({"type": "input_audio_buffer.append", "audio": audio})


FORMATS = {
    "pcm16": {"type": "audio/pcm", "rate": 24_000},
    "g711_ulaw": {"type": "audio/pcmu"},
    "g711_alaw": {"type": "audio/pcma"},
}


@asynccontextmanager
async def talk(
    websocket: str,
    dialect: Dialect,
    model: str = "gpt-4o-realtime-preview",
    key: str = "sk-test",
    **connect: Any,
) -> AsyncIterator[Talk]:
    client = AsyncOpenAI(
        api_key=key, base_url=websocket.replace("ws", "http", 1) + "/v1", websocket_base_url=websocket + "/v1"
    )
    realtime: Any = client.realtime if dialect == "ga" else client.beta.realtime
    async with client, realtime.connect(model=model, **connect) as connection:
        yield Talk(connection, dialect)


def user(text: str, **item: Any) -> Event:
    content = [{"type": "input_text", "text": text}]
    return {
        "type": "conversation.item.create",
        "item": {"type": "message", "role": "user", "content": content, **item},
    }


def names(events: list[Event], *, without: Callable[[str], bool] = lambda _: False) -> list[str]:
    """Types in order; a run of the same deltas counts once."""
    kinds: list[str] = []
    for event in events:
        kind = event["type"]
        if without(kind) or (kind.endswith(".delta") and kinds[-1:] == [kind]):
            continue
        kinds.append(kind)
    return kinds


def in_dialect(kinds: list[str], dialect: Dialect) -> list[str]:
    """An expected order in today's names, as the dialect has it."""
    if dialect == "ga":
        return kinds
    return [TO_BETA.get(kind, kind) for kind in kinds if kind != "conversation.item.done"]
