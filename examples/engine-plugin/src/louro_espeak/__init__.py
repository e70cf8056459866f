"""Speaking by espeak-ng: a hundred languages, robotic, and quicker than any other.

The program runs as a process of its own, one for each clause, so that none of its code (GPL) is linked with ours.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import AsyncIterator, Sequence

import anyio
import anyio.to_thread

from louro.audio.resample import Resampler
from louro.engines.base import ConfigError, EngineError, Manner, Spoken, Word
from louro.engines.registry import EngineSettings

PROGRAM = "espeak-ng"
RATE_HZ = 24_000
NORMAL_WORDS_PER_MINUTE = 165
WAV_HEADER_BYTES = 44
CHUNK_BYTES = RATE_HZ * 2 // 5
"""200 ms: what is cancelled between two chunks is never heard."""


def load(argument: str, settings: EngineSettings) -> Espeak:
    """*argument*: a language as espeak-ng calls it (`pt`, `pt-br`, `en-us`), or empty for English.

    Raises:
        ConfigError: the program is not installed, or does not know the language.
    """
    path = shutil.which(PROGRAM)
    if path is None:
        raise ConfigError(
            f"The voice 'espeak' needs the program {PROGRAM}. Install it with: apt install {PROGRAM} "
            f"(Debian, Ubuntu), brew install {PROGRAM} (macOS), or dnf install {PROGRAM} (Fedora)."
        )
    settings.report("espeak-ng, speaking")
    languages = _languages(path)
    language = _find(argument or "en-us", languages)
    if language is None:
        raise ConfigError(f"espeak-ng does not speak '{argument}'. It speaks: {', '.join(languages)}.")
    return Espeak(path, language, languages)


def _languages(path: str) -> list[str]:
    try:
        listing = subprocess.run([path, "--voices"], capture_output=True, text=True, check=True, timeout=10)
    except (OSError, subprocess.SubprocessError) as error:
        raise ConfigError(f"{PROGRAM} does not run: {error}. Install it again.") from error
    return sorted({line.split()[1] for line in listing.stdout.splitlines()[1:]})


def _find(language: str, languages: Sequence[str]) -> str | None:
    """The language itself, or else the first of its regions: `en` is spoken as `en-029`, unless `en-us` is there."""
    wanted = language.lower()
    regions = (known for known in languages if known.lower().startswith(f"{wanted}-"))
    exact = (known for known in languages if known.lower() in (wanted, f"{wanted}-us"))
    return next(exact, None) or next(regions, None)


class Espeak:
    """A `Voice`. Its voices are languages."""

    def __init__(self, path: str, language: str, languages: Sequence[str]) -> None:
        self._path = path
        self._language = language
        self._voices = (language, *(other for other in languages if other != language))

    @property
    def voices(self) -> Sequence[str]:
        return self._voices

    async def speak(self, clause: str, manner: Manner) -> AsyncIterator[Spoken]:
        words = re.findall(r"\s*\S+(?:\s+$)?|\s+", clause)
        if not any(letter.isalnum() for letter in clause):
            yield Spoken(b"", tuple(Word(word, 0) for word in words))
            return
        # Said in 11 ms, for a clause: to wait for the whole costs nothing, and tells how long it is.
        pcm = await self._say(clause, self._language_of(manner), manner.speed)
        timed = _spread(words, len(pcm) // 48)
        for start in range(0, len(pcm), CHUNK_BYTES):
            chunk = pcm[start : start + CHUNK_BYTES]
            begin_ms, end_ms = start // 48, (start + len(chunk)) // 48
            ended = [word for word in timed if begin_ms < word.end_ms <= end_ms]
            yield Spoken(chunk, tuple(ended))

    def _language_of(self, manner: Manner) -> str:
        if manner.voice in self._voices:
            return manner.voice
        if manner.language is None or self._language.split("-")[0] == manner.language:
            return self._language
        language = _find(manner.language, self._voices)
        if language is None:
            raise EngineError(f"This voice does not speak '{manner.language}'.")
        return language

    async def _say(self, text: str, language: str, speed: float) -> bytes:
        """Cancelling kills the process. The text goes through a pipe, never into a command line."""
        pace = str(round(NORMAL_WORDS_PER_MINUTE * speed))
        command = [self._path, "--stdin", "--stdout", "-b", "1", "-v", language, "-s", pace]
        try:
            done = await anyio.run_process(command, input=text.encode(), check=False)
        except OSError as error:
            raise EngineError("The voice's program cannot be started.") from error
        if done.returncode or len(done.stdout) <= WAV_HEADER_BYTES:
            raise EngineError("The voice's program failed.")
        return await anyio.to_thread.run_sync(_read_wav, done.stdout)


def _read_wav(wav: bytes) -> bytes:
    """As 24 kHz. The header of a stream lies about the length, not about the rate."""
    rate_hz = int.from_bytes(wav[24:28], "little")
    whole = WAV_HEADER_BYTES + (len(wav) - WAV_HEADER_BYTES) // 2 * 2
    resampler = Resampler(rate_hz, RATE_HZ)
    return resampler.feed(wav[WAV_HEADER_BYTES:whole]) + resampler.flush()


def _spread(words: Sequence[str], length_ms: int) -> list[Word]:
    """espeak-ng does not say where its words lie: longer ones take longer. The last one ends with the sound."""
    letters = sum(len(word) for word in words)
    timed: list[Word] = []
    passed = 0
    for word in words:
        passed += len(word)
        timed.append(Word(word, max(1, length_ms * passed // letters)))
    return timed
