"""Hearing by Moonshine tiny, through onnxruntime. English. Source: the model card of moonshine-tiny (6 layers, 8 heads)."""

from __future__ import annotations

import re
import threading
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Literal

import numpy as np
import onnxruntime

from louro.engines import catalogue
from louro.engines.base import EngineError, Hints
from louro.engines.pieces import RATE_HZ, Floats, heard
from louro.engines.registry import EngineSettings
from louro.engines.workers import Workers

HEADS, HEAD_SIZE = 8, 36
BEGIN, END = 1, 2
TOKENS_PER_S = 6.5
"""More than anybody says; the decoder repeats itself when it is not stopped."""
PIECE_S = 20
"""The longest audio heard in one go; the model was trained on pieces up to 30 s."""
MAX_SURPRISE = 1.9
"""Of the first token and of the average one, together. Of about 70 recordings of speech, what was heard rightly stayed
below 1.7; of 35 of noise, hum, tones and clicks, 18 were above it, and the others gave what `NOTES` and `NO_WORDS` say."""
NO_WORDS = "You"
"""What is heard in a noise. The word itself comes with a full stop."""
NOTES = "\u266a"
"""How the model writes music and hum."""
LEAST_NEW = 0.5
"""Of tokens that do not end, those that were not said before: in a noise the model goes round in circles. Speech ends
at a third to two thirds of the tokens that it may have."""
FOREIGN = re.compile(r"[^\W\d_\u0000-\u024f]")
"""A letter that no English word has."""


def load(argument: str, settings: EngineSettings) -> Moonshine:
    """*argument*: a folder with the weights, or empty for those of the catalogue."""
    settings.report("Moonshine tiny, hearing")
    folder = Path(argument) if argument else catalogue.find("moonshine-tiny-en").folder
    return Moonshine(folder)


class Moonshine:
    overhears: Literal[True] = True

    def __init__(self, folder: Path) -> None:
        options = onnxruntime.SessionOptions()
        # One thread is faster than two here: the matrices are small.
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.enable_cpu_mem_arena = False  # it never gives back what the longest turn took
        providers = ["CPUExecutionProvider"]
        self._encoder = onnxruntime.InferenceSession(
            folder / "encoder_model.ort", options, providers=providers
        )
        self._decoder = onnxruntime.InferenceSession(
            folder / "decoder_model_merged.ort", options, providers=providers
        )
        outputs = [output.name for output in self._decoder.get_outputs()][1:]
        self._past = {name: name.replace("present", "past_key_values") for name in outputs}
        self._vocabulary = _read_vocabulary((folder / "tokenizer.bin").read_bytes())
        self._workers = Workers(2)
        self._hear(np.full(RATE_HZ, 0.01, np.float32), threading.Event())

    async def transcribe(self, pcm: bytes, hints: Hints) -> AsyncIterator[str]:
        if hints.language and hints.language.split("-")[0].lower() != "en":
            raise EngineError(
                f"This server hears English only, not '{hints.language}'. "
                "Serve with --stt whisper for other languages."
            )
        async with aclosing(heard(pcm, PIECE_S, self._hear, self._workers)) as texts:  # type: ignore[type-var]
            async for text in texts:
                yield text

    def _hear(self, audio: Floats, stop: threading.Event) -> str:
        (encoded,) = self._encoder.run(
            None, {"input_values": audio[None], "attention_mask": np.ones((1, len(audio)), np.int64)}
        )
        tokens: list[int] = []
        surprises: list[float] = []
        for token, surprise in self._tokens(encoded, int(len(audio) / RATE_HZ * TOKENS_PER_S) + 6):
            if stop.is_set():
                return ""
            tokens.append(token)
            surprises.append(surprise)
        text = self._decode(tokens)
        return "" if is_of_noise(text, tokens, surprises) else text

    def _tokens(self, encoded: Floats, limit: int) -> Iterator[tuple[int, float]]:
        """The likeliest tokens up to and with the end, each with its surprise (minus the log of its probability)."""
        nothing = np.zeros((1, HEADS, 0, HEAD_SIZE), np.float32)
        past = dict.fromkeys(self._past.values(), nothing)
        # The decoder thins the mask out by 384, to its own guess of how long the encoder's output is. One frame of it
        # is stretched over the whole; a mask as long as the output made it fail on audio of more than 9 s.
        token, mask = BEGIN, np.ones((1, 1), np.int64)
        for step in range(limit):
            logits, *present = self._decoder.run(
                None,
                {
                    "input_ids": np.array([[token]], np.int64),
                    "encoder_hidden_states": encoded,
                    "encoder_attention_mask": mask,
                    "use_cache_branch": np.array([step > 0]),
                    **past,
                },
            )
            scores = logits[0, -1].astype(np.float64)
            token = int(scores.argmax())
            yield token, float(np.log(np.exp(scores - scores[token]).sum()))
            if token == END:
                return
            for name, keys in zip(self._past, present, strict=True):
                # The encoder's keys come once, with the first step.
                if step == 0 or ".decoder." in name:
                    past[self._past[name]] = keys

    def _decode(self, tokens: list[int]) -> str:
        raw = b"".join(self._vocabulary[token] for token in tokens if END < token < len(self._vocabulary))
        # A character that the limit cut in two is no character.
        return raw.decode("utf-8", "ignore").replace("\u2581", " ").replace(NOTES, "").strip()


def is_of_noise(text: str, tokens: Sequence[int], surprises: Sequence[float]) -> bool:
    """Whether *text* is what the model makes of audio in which nobody speaks. *tokens* and *surprises* are its own."""
    goes_round = tokens[-1] != END and len(set(tokens)) < LEAST_NEW * len(tokens)
    surprise = surprises[0] + sum(surprises) / len(surprises)
    return text == NO_WORDS or goes_round or surprise > MAX_SURPRISE or FOREIGN.search(text) is not None


def _read_vocabulary(raw: bytes) -> list[bytes]:
    """Length-prefixed tokens: one byte up to 127, two from there (7 bits each, low first)."""
    tokens: list[bytes] = []
    place = 0
    while place < len(raw):
        size = raw[place]
        place += 1
        if size >= 128:
            size += (raw[place] - 1) * 128
            place += 1
        token = raw[place : place + size]
        tokens.append(b"" if token.startswith(b"<") and token.endswith(b">") else token)
        place += size
    return tokens
