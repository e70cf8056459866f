"""A caller for any Realtime server, in either dialect: says one thing, notes what comes back and when."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

import anyio
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus, WebSocketException
from websockets.typing import Subprotocol

from louro.client.address import Dialect, find
from louro.config import ConfigProblem

FRAME_MS = 20
FRAME_BYTES = FRAME_MS * 48
MAX_TOOL_ROUNDS = 4
Stage = Literal["turn_end", "transcript", "first_token", "first_audio", "done"]

_GA_NAMES = {
    "conversation.item.created": "conversation.item.added",
    "response.text.delta": "response.output_text.delta",
    "response.audio.delta": "response.output_audio.delta",
    "response.audio_transcript.delta": "response.output_audio_transcript.delta",
}


@dataclass
class Turn:
    """One turn as its caller saw it. Times are in milliseconds from the end of speech."""

    heard: str = ""
    answer: str = ""
    pcm: bytearray = field(default_factory=bytearray)
    calls: list[dict[str, object]] = field(default_factory=list)
    usage: dict[str, object] | None = None
    status: str = ""
    error: str | None = None
    timeline_ms: dict[Stage, int] = field(default_factory=dict)
    stalls_ms: list[int] = field(default_factory=list)
    """How long a loudspeaker that plays the answer as it comes had nothing to play, each time, before the end."""
    _played_until_ms: float | None = None

    def hear(self, pcm: bytes, now_ms: float) -> None:
        """A piece of the answer has come, *now_ms* after the end of speech."""
        begins_ms = now_ms if self._played_until_ms is None else max(self._played_until_ms, now_ms)
        if self._played_until_ms is not None and begins_ms > self._played_until_ms:
            self.stalls_ms.append(round(begins_ms - self._played_until_ms))
        self._played_until_ms = begins_ms + len(pcm) / 48
        self.pcm += pcm

    def summary(self) -> dict[str, object]:
        return {
            "heard": self.heard,
            "answer": self.answer,
            "audio_ms": len(self.pcm) // 48,
            "calls": self.calls,
            "usage": self.usage,
            "timeline_ms": self.timeline_ms,
        }


Say = Callable[[str], None]


class Caller:
    def __init__(self, socket: ClientConnection, dialect: Dialect) -> None:
        self._socket = socket
        self._dialect = dialect
        self._speech_end = 0.0

    async def send(self, event: dict[str, object]) -> None:
        """Raises ConfigProblem: the server has closed, for the reason that it gave."""
        try:
            await self._socket.send(json.dumps(event))
        except ConnectionClosed:
            async for told in self.events():
                if told["type"] == "error":
                    raise ConfigProblem(str(told["error"]["message"])) from None

    async def update(self, *, silence_ms: int | None, tools: list[dict[str, object]]) -> None:
        """Set up the session: turns by hand, or by *silence_ms* of silence."""
        detection = None if silence_ms is None else {"type": "server_vad", "silence_duration_ms": silence_ms}
        transcription = {"model": "whisper-1"}
        session: dict[str, object] = {"tools": tools}
        if self._dialect == "beta":
            session |= {"turn_detection": detection, "input_audio_transcription": transcription}
        else:
            heard = {"turn_detection": detection, "transcription": transcription}
            session |= {"type": "realtime", "audio": {"input": heard}}
        await self.send({"type": "session.update", "session": session})
        async for event in self.events():
            if event["type"] == "session.updated":
                return
            if event["type"] == "error":
                raise ConfigProblem(str(event["error"]["message"]))

    async def events(self) -> AsyncIterator[dict[str, Any]]:
        """Server's events under today's names."""
        try:
            async for frame in self._socket:
                event = json.loads(frame)
                event["type"] = _GA_NAMES.get(event["type"], event["type"])
                yield event
        except WebSocketException as error:
            raise ConfigProblem(f"The connection broke: {error}") from None
        raise ConfigProblem(f"The server closed: {self._socket.close_reason or self._socket.close_code}")

    async def write(self, text: str) -> None:
        content = [{"type": "input_text", "text": text}]
        await self.send(
            {
                "type": "conversation.item.create",
                "item": {"type": "message", "role": "user", "content": content},
            }
        )
        await self.send({"type": "response.create"})
        self._speech_end = time.perf_counter()

    async def speak(self, pcm: bytes) -> None:
        """Say it at once, and end the turn by hand."""
        for start in range(0, len(pcm), 48_000):
            await self._append(pcm[start : start + 48_000])
        await self.send({"type": "input_audio_buffer.commit"})
        await self.send({"type": "response.create"})
        self._speech_end = time.perf_counter()

    async def speak_in_real_time(self, pcm: bytes, end_ms: int) -> None:
        """Say it as a microphone would, in frames of 20 ms, and go on with silence until cancelled."""
        begin = time.perf_counter()
        self._speech_end = begin + end_ms / 1000
        sent = 0
        while True:
            frame = pcm[sent * FRAME_BYTES : (sent + 1) * FRAME_BYTES]
            await self._append(frame.ljust(FRAME_BYTES, b"\0"))
            sent += 1
            await anyio.sleep(max(begin + sent * FRAME_MS / 1000 - time.perf_counter(), 0))

    async def _append(self, pcm: bytes) -> None:
        await self.send({"type": "input_audio_buffer.append", "audio": base64.b64encode(pcm).decode()})

    async def listen(self, turn: Turn, say: Say, answer_call: Callable[[str, str], str]) -> None:
        """Note everything until the answer, and what follows from calls in it, is done."""
        rounds = 0
        is_spoken = False
        async for event in self.events():
            self._note(turn, event, say)
            if event["type"] == "input_audio_buffer.committed":
                is_spoken = True
            if event["type"] == "response.done":
                calls = _calls_of(event["response"])
                rounds += 1
                if calls and rounds <= MAX_TOOL_ROUNDS:
                    await self._answer_calls(turn, calls, answer_call)
                    continue
                if not is_spoken or "transcript" in turn.timeline_ms:
                    return
            if event["type"].endswith("transcription.completed") and turn.status:
                return
            if event["type"] == "error":
                return

    def _note(self, turn: Turn, event: dict[str, Any], say: Say) -> None:
        match event["type"]:
            case "input_audio_buffer.committed":
                self._mark(turn, "turn_end")
            case "conversation.item.input_audio_transcription.completed":
                self._mark(turn, "transcript")
                turn.heard = event["transcript"]
            case "response.output_text.delta" | "response.output_audio_transcript.delta":
                self._mark(turn, "first_token")
                turn.answer += event["delta"]
                say(event["delta"])
            case "response.output_audio.delta":
                self._mark(turn, "first_audio")
                turn.hear(base64.b64decode(event["delta"]), self._passed_ms())
            case "response.done":
                turn.timeline_ms["done"] = self._passed_ms()
                self._note_done(turn, event["response"])
            case "error":
                turn.error = event["error"]["message"]

    def _note_done(self, turn: Turn, response: dict[str, Any]) -> None:
        turn.usage = response.get("usage")
        turn.status = response["status"]
        details = response.get("status_details") or {}
        if response["status"] == "failed":
            turn.error = (details.get("error") or {}).get("message") or "The response failed."

    def _mark(self, turn: Turn, stage: Stage) -> None:
        turn.timeline_ms.setdefault(stage, self._passed_ms())

    def _passed_ms(self) -> int:
        return round((time.perf_counter() - self._speech_end) * 1000)

    async def _answer_calls(
        self, turn: Turn, calls: list[dict[str, Any]], answer_call: Callable[[str, str], str]
    ) -> None:
        for call in calls:
            output = answer_call(call["name"], call["arguments"])
            turn.calls.append({"name": call["name"], "arguments": call["arguments"], "output": output})
            item = {"type": "function_call_output", "call_id": call["call_id"], "output": output}
            await self.send({"type": "conversation.item.create", "item": item})
        await self.send({"type": "response.create"})


def _calls_of(response: dict[str, Any]) -> list[dict[str, Any]]:
    return [item for item in response["output"] if item["type"] == "function_call"]


@asynccontextmanager
async def call(url: str, key: str, model: str, dialect: Dialect) -> AsyncIterator[Caller]:
    """Connect to the Realtime server at *url* (http or ws, with or without scheme and path).

    Raises:
        ConnectionFailed: *url* is no address.
        ConfigProblem: nobody is there, or it refuses.
    """
    address = find(url, key or None, model, dialect, env_file=None)
    try:
        socket = await connect(
            address.url,
            additional_headers=address.headers,
            subprotocols=[Subprotocol("realtime")],
            max_size=None,
            compression=None,
        )
    except InvalidStatus as refused:
        status = refused.response.status_code
        raise ConfigProblem(f"{address.shown} is no Realtime server: it answers {status}.") from None
    except (OSError, InvalidHandshake, TimeoutError) as error:
        raise ConfigProblem(
            f"Nobody answers at {url} ({type(error).__name__}). Start a server with `louro serve`, or add --embedded."
        ) from None
    async with socket:
        yield Caller(socket, dialect)
