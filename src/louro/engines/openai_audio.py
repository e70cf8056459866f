"""Hearing and speaking by any server that speaks OpenAI's /v1/audio: faster-whisper-server, Kokoro-FastAPI, OpenAI.

Source: https://platform.openai.com/docs/api-reference/audio
"""

from __future__ import annotations

import io
import os
import wave
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit
from weakref import WeakKeyDictionary

import anyio.lowlevel
import httpx

from louro.audio.resample import Resampler
from louro.engines.base import ConfigError, EngineError, Hints, Manner, Spoken, Word
from louro.engines.registry import EngineSettings
from louro.engines.speakable import said_words

TIMEOUT = httpx.Timeout(60.0, connect=5.0)
"""60 s between two pieces: a server may load its model at the first request."""
VOICE_RATE_HZ = 24_000
"""What `response_format: pcm` means, unless the address says `?rate=`."""
MS_PER_LETTER = 65
"""How long speech takes, until the end of a clause tells its true length. English at 150 words a minute."""


@dataclass(frozen=True)
class AudioServer:
    url: str
    model: str
    rate_hz: int = VOICE_RATE_HZ
    key: str | None = field(default=None, repr=False)


def load_transcriber(argument: str, settings: EngineSettings) -> OpenAiTranscriber:
    """*argument*: `URL#MODEL`. The key is LOURO_STT_API_KEY, else OPENAI_API_KEY."""
    return OpenAiTranscriber(_server("stt", argument, "LOURO_STT_API_KEY"))


def load_voice(argument: str, settings: EngineSettings) -> OpenAiVoice:
    """*argument*: `URL#MODEL`, or `URL?rate=HZ#MODEL`. The key is LOURO_TTS_API_KEY, else OPENAI_API_KEY."""
    return OpenAiVoice(_server("tts", argument, "LOURO_TTS_API_KEY"))


def _server(kind: str, argument: str, key_name: str) -> AudioServer:
    address, _, model = argument.partition("#")
    parts = urlsplit(address)
    rate = parse_qs(parts.query).get("rate", [str(VOICE_RATE_HZ)])[0]
    if parts.scheme not in ("http", "https") or not parts.hostname or not model or not rate.isdigit():
        raise ConfigError(
            f"The {kind} engine 'openai' needs the address of a server and a model, as in "
            "openai:http://127.0.0.1:8000/v1#whisper-1"
        )
    key = os.environ.get(key_name) or os.environ.get("OPENAI_API_KEY")
    return AudioServer(address.partition("?")[0].rstrip("/"), model, int(rate), key)


class _Clients:
    """One HTTP client an event loop: connections stay open from turn to turn."""

    def __init__(self, server: AudioServer) -> None:
        self._server = server
        self._clients: WeakKeyDictionary[object, httpx.AsyncClient] = WeakKeyDictionary()

    def get(self) -> httpx.AsyncClient:
        loop = anyio.lowlevel.current_token().native_token
        if loop not in self._clients:
            headers = {"Authorization": f"Bearer {self._server.key}"} if self._server.key else {}
            self._clients[loop] = httpx.AsyncClient(timeout=TIMEOUT, headers=headers)
        return self._clients[loop]


class OpenAiTranscriber:
    def __init__(self, server: AudioServer) -> None:
        self._server = server
        self._clients = _Clients(server)

    async def transcribe(self, pcm: bytes, hints: Hints) -> AsyncIterator[str]:
        form = {"model": self._server.model, "response_format": "json"}
        if hints.language:
            form["language"] = hints.language
        if hints.prompt:
            form["prompt"] = hints.prompt
        files = {"file": ("speech.wav", _wav(pcm), "audio/wav")}
        url = f"{self._server.url}/audio/transcriptions"
        try:
            answer = await self._clients.get().post(url, data=form, files=files)
        except httpx.HTTPError as error:
            raise EngineError(_failure("speech recognition", "--stt", self._server, error)) from error
        if answer.is_error:
            raise EngineError(_refusal("speech recognition", self._server, answer.status_code))
        try:
            text = answer.json()["text"]
        except (ValueError, KeyError, TypeError):
            raise EngineError(
                f"The server at {self._server.url} answered something that is no transcript."
            ) from None
        if str(text).strip():
            yield str(text).strip()


class OpenAiVoice:
    def __init__(self, server: AudioServer) -> None:
        self._server = server
        self._clients = _Clients(server)

    @property
    def voices(self) -> Sequence[str]:
        return ("alloy",)

    async def speak(self, clause: str, manner: Manner) -> AsyncIterator[Spoken]:
        words = _Words(clause, manner.speed)
        if not any(letter.isalnum() for letter in clause):
            yield Spoken(b"", words.rest(0))
            return
        body = {
            "model": self._server.model,
            "input": clause,
            "voice": manner.voice or self.voices[0],
            "speed": manner.speed,
            "response_format": "pcm",
        }
        resampler = Resampler(self._server.rate_hz, VOICE_RATE_HZ)
        said_bytes, half, held = 0, b"", b""
        url = f"{self._server.url}/audio/speech"
        try:
            async with self._clients.get().stream("POST", url, json=body) as answer:
                if answer.is_error:
                    raise EngineError(_refusal("speech", self._server, answer.status_code))
                async for data in answer.aiter_bytes():
                    whole = half + data
                    half = whole[len(whole) & ~1 :]
                    pcm, held = held, resampler.feed(whole[: len(whole) & ~1])
                    if pcm:
                        said_bytes += len(pcm)
                        yield Spoken(pcm, words.until(said_bytes // 48))
        except httpx.HTTPError as error:
            raise EngineError(_failure("speech", "--tts", self._server, error)) from error
        held += resampler.flush()
        yield Spoken(held, words.rest((said_bytes + len(held)) // 48))


class _Words:
    """When each word of a clause is over. While the clause streams its length is a guess; its end corrects it."""

    def __init__(self, clause: str, speed: float) -> None:
        self._left = [(word.original, len(word.said) + 1) for word in said_words(clause)]
        self._ms_per_letter = MS_PER_LETTER / speed
        self._passed_ms = 0.0

    def until(self, said_ms: int) -> tuple[Word, ...]:
        over: list[Word] = []
        while self._left and self._passed_ms + self._left[0][1] * self._ms_per_letter <= said_ms:
            text, letters = self._left.pop(0)
            self._passed_ms += letters * self._ms_per_letter
            over.append(Word(text, int(self._passed_ms)))
        return tuple(over)

    def rest(self, end_ms: int) -> tuple[Word, ...]:
        """The words that are left, spread over the time that is left."""
        letters = sum(count for _, count in self._left) or 1
        begin_ms, passed = min(self._passed_ms, end_ms), 0
        over: list[Word] = []
        for text, count in self._left:
            passed += count
            over.append(Word(text, int(begin_ms + (end_ms - begin_ms) * passed / letters)))
        self._left = []
        return tuple(over)


def _wav(pcm: bytes) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(VOICE_RATE_HZ)
        writer.writeframes(pcm)
    return file.getvalue()


def _refusal(what: str, server: AudioServer, status: int) -> str:
    if status in (401, 403):
        return f"The {what} server at {server.url} refuses the key."
    if status == httpx.codes.NOT_FOUND:
        return f"The {what} server at {server.url} does not know the model '{server.model}', or the address is wrong."
    return f"The {what} server at {server.url} answered {status}."


def _failure(what: str, option: str, server: AudioServer, error: httpx.HTTPError) -> str:
    if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout):
        return f"No {what} server answers at {server.url}. Start it, or name another with {option}."
    return f"The connection to the {what} server at {server.url} broke: {type(error).__name__}."
