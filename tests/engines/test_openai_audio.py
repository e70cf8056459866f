"""Hearing and speaking by a server: a real one on a real socket, that follows a script."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from louro.engines.base import ConfigError, EngineError, Hints, Manner, Spoken
from louro.engines.openai_audio import OpenAiTranscriber, OpenAiVoice, load_transcriber, load_voice
from louro.engines.registry import EngineSettings

pytestmark = pytest.mark.timeout(30)


class Scripted(BaseHTTPRequestHandler):
    status = 200
    answer = b'{"text": " Hello there. "}'
    asked: bytes = b""

    def do_POST(self) -> None:
        Scripted.asked = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(Scripted.status)
        self.send_header("Content-Length", str(len(Scripted.answer)))
        self.end_headers()
        self.wfile.write(Scripted.answer)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def address() -> Iterator[str]:
    Scripted.status, Scripted.answer = 200, b'{"text": " Hello there. "}'
    with ThreadingHTTPServer(("127.0.0.1", 0), Scripted) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/v1"
        server.shutdown()
        thread.join()


def ear(address: str) -> OpenAiTranscriber:
    return load_transcriber(f"{address}#whisper-1", EngineSettings())


def mouth(address: str, query: str = "") -> OpenAiVoice:
    return load_voice(f"{address}{query}#tts-1", EngineSettings())


async def spoken(voice: OpenAiVoice, clause: str) -> list[Spoken]:
    return [chunk async for chunk in voice.speak(clause, Manner())]


@pytest.mark.anyio
async def test_speech_is_sent_as_a_sound_file_and_heard(address: str) -> None:
    heard = [text async for text in ear(address).transcribe(bytes(960), Hints("en", "names"))]
    assert heard == ["Hello there."]
    assert b"RIFF" in Scripted.asked
    assert b"names" in Scripted.asked


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("status", "answer", "said"),
    [
        (401, b"", "refuses the key. Set LOURO_STT_API_KEY"),
        (429, b'{"error": {"message": "Slower."}}', "too much to do.*Slower"),
        (404, b"", "does not know"),
        (500, b"", "answered 500"),
        (200, b"<html>", "no transcript"),
    ],
)
async def test_what_goes_wrong_is_said(address: str, status: int, answer: bytes, said: str) -> None:
    Scripted.status, Scripted.answer = status, answer
    with pytest.raises(EngineError, match=said):
        [text async for text in ear(address).transcribe(bytes(960), Hints())]


@pytest.mark.anyio
@pytest.mark.parametrize(("query", "length_ms"), [("", 1_000), ("?rate=12000", 2_000)])
async def test_sound_is_streamed_and_every_word_has_its_place(
    address: str, query: str, length_ms: int
) -> None:
    Scripted.answer = bytes(48_000)
    chunks = await spoken(mouth(address, query), "Hello there, you two.")
    assert sum(len(chunk.pcm) for chunk in chunks) == length_ms * 48
    words = [word for chunk in chunks for word in chunk.words]
    assert "".join(word.text for word in words) == "Hello there, you two."
    assert [word.end_ms for word in words] == sorted(word.end_ms for word in words)
    assert words[-1].end_ms == length_ms


@pytest.mark.anyio
async def test_what_cannot_be_said_is_not_asked_for(address: str) -> None:
    Scripted.status = 500
    (chunk,) = await spoken(mouth(address), "...")
    assert (chunk.pcm, chunk.words[0].text) == (b"", "...")
    with pytest.raises(EngineError, match="answered 500"):
        await spoken(mouth(address), "Hello.")


@pytest.mark.anyio
async def test_nobody_there_names_the_cure() -> None:
    with pytest.raises(EngineError, match=r"No speech server answers .* --tts"):
        await spoken(mouth("http://127.0.0.1:9/v1"), "Hello.")
    with pytest.raises(EngineError, match=r"No speech recognition server .* --stt"):
        [text async for text in ear("http://127.0.0.1:9/v1").transcribe(bytes(960), Hints())]


def test_an_address_is_needed() -> None:
    with pytest.raises(ConfigError, match="needs the address"):
        load_voice("tts-1", EngineSettings())


def test_an_address_holds_no_password() -> None:
    with pytest.raises(ConfigError, match="LOURO_TTS_API_KEY"):
        load_voice("http://me:secret@voice.test/v1#tts-1", EngineSettings())


def test_a_rate_is_a_number() -> None:
    with pytest.raises(ConfigError, match="not 'quick'"):
        load_voice("http://voice.test/v1?rate=quick#tts-1", EngineSettings())
