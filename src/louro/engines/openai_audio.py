"""Hearing and speaking by any server that speaks OpenAI's /v1/audio: faster-whisper-server, Kokoro-FastAPI, OpenAI.

Source: https://platform.openai.com/docs/api-reference/audio
"""

from __future__ import annotations

import io
import wave
from collections.abc import AsyncIterator, Sequence
from urllib.parse import parse_qs, urlsplit

from louro.audio.resample import Resampler
from louro.engines.base import ConfigError, EngineError, Hints, Manner, Spoken, Word
from louro.engines.openai_server import HEARS, SPEAKS, Connections, Server, read_server
from louro.engines.registry import EngineSettings
from louro.engines.speakable import said_words

VOICE_RATE_HZ = 24_000
"""What `response_format: pcm` means, unless the address says `?rate=`."""
MS_PER_LETTER = 65
"""How long speech takes, until the end of a clause tells its true length. English at 150 words a minute."""


def load_transcriber(argument: str, settings: EngineSettings) -> OpenAiTranscriber:
    """*argument*: `URL#MODEL`. The key is LOURO_STT_API_KEY, else OPENAI_API_KEY."""
    return OpenAiTranscriber(read_server(argument, HEARS))


def load_voice(argument: str, settings: EngineSettings) -> OpenAiVoice:
    """*argument*: `URL#MODEL`, or `URL?rate=HZ#MODEL`. The key is LOURO_TTS_API_KEY, else OPENAI_API_KEY."""
    server = read_server(argument, SPEAKS)
    rate = parse_qs(urlsplit(argument).query).get("rate", [str(VOICE_RATE_HZ)])[0]
    if not rate.isdigit():
        raise ConfigError(f"The rate of the tts engine 'openai' is a number of Hz, not '{rate}'.")
    return OpenAiVoice(server, int(rate))


class OpenAiTranscriber:
    def __init__(self, server: Server) -> None:
        self._server = server
        self._connections = Connections(server, HEARS)

    async def transcribe(self, pcm: bytes, hints: Hints) -> AsyncIterator[str]:
        form = {"model": self._server.model, "response_format": "json"}
        if hints.language:
            form["language"] = hints.language
        if hints.prompt:
            form["prompt"] = hints.prompt
        files = {"file": ("speech.wav", _wav(pcm), "audio/wav")}
        async with self._connections.ask(data=form, files=files) as answer:
            await answer.aread()
        try:
            text = answer.json()["text"]
        except (ValueError, KeyError, TypeError):
            raise EngineError(
                f"The server at {self._server.url} answered something that is no transcript."
            ) from None
        if str(text).strip():
            yield str(text).strip()


class OpenAiVoice:
    def __init__(self, server: Server, rate_hz: int = VOICE_RATE_HZ) -> None:
        self._server = server
        self._rate_hz = rate_hz
        self._connections = Connections(server, SPEAKS)

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
        resampler = Resampler(self._rate_hz, VOICE_RATE_HZ)
        said_bytes, half, held = 0, b"", b""
        async with self._connections.ask(json=body) as answer:
            async for data in answer.aiter_bytes():
                whole = half + data
                half = whole[len(whole) & ~1 :]
                pcm, held = held, resampler.feed(whole[: len(whole) & ~1])
                if pcm:
                    said_bytes += len(pcm)
                    yield Spoken(pcm, words.until(said_bytes // 48))
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
