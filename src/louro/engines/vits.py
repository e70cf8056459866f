"""A voice of Piper's (VITS) as a model: phonemes become frames, and frames samples, window by window.

The network that makes samples of frames sees a few frames on either side of each, and no others. So the model is cut in
two before it, and a window sounds exactly as it would in the whole.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, pairwise, repeat
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from louro.engines.base import EngineError
from louro.engines.onnx_part import Model, NoSuchPart
from louro.engines.spoken_words import REFUSALS, open_voice, run
from louro.engines.trimming import Floats

WINDOWS = (32, 64, 120)
"""Frames at a time, and the last again and again. The first are 0.37 s of sound, of which a tenth is the silence before
the voice; with 20, four who speak at once wait for each other where other programs use the cores. With more than 150 the
network leaves the cache, and takes a third longer for each frame."""
PROBED = 32
"""Frames on either side of one, among which are all that the network may see."""
FIRST_WEIGHT = "dec.conv_pre.weight"
"""Of the network that makes samples, in whatever program exported it."""

Inputs = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class Sounding:
    windows: Iterator[Floats]
    """Each step blocks while samples are made."""
    ends: NDArray[np.int64] | None = None
    """After how many samples each phoneme has been said, where the model tells."""


def open_vits(path: Path, threads: int) -> Vits | WholeVits:
    try:
        return _cut(path, threads)
    except (NoSuchPart, EngineError, *REFUSALS):
        return WholeVits(open_voice(path, threads))


def _cut(path: Path, threads: int) -> Vits:
    model = Model(path.read_bytes())
    frames = model.node(lambda node: FIRST_WEIGHT in node.inputs).inputs[0]
    # Nothing is rounded up but the number of frames that a phoneme takes.
    counts = model.node(lambda node: node.kind == "Ceil").outputs[0]
    encoder = _opened(model.part(model.inputs, (frames, counts)), threads)
    channels = encoder.get_outputs()[0].shape[1]
    return Vits(encoder, Decoder(_opened(model.part((frames,), model.outputs), threads), channels))


def _opened(part: bytes, threads: int) -> onnxruntime.InferenceSession:
    """By way of a file: onnxruntime keeps the bytes that it is given, all 56 MB."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "part.onnx"
        path.write_bytes(part)
        return open_voice(path, threads)


class WholeVits:
    """A model that gives all of its sound at once."""

    def __init__(self, model: onnxruntime.InferenceSession) -> None:
        self._model = model

    def say(self, inputs: Inputs, options: onnxruntime.RunOptions) -> Sounding:
        return Sounding(iter([run(self._model, inputs, options)[0].reshape(-1)]))


class Vits:
    def __init__(self, encoder: onnxruntime.InferenceSession, decoder: Decoder) -> None:
        self._encoder = encoder
        self._decoder = decoder

    def say(self, inputs: Inputs, options: onnxruntime.RunOptions) -> Sounding:
        frames, counts = run(self._encoder, inputs, options)
        ends = counts.reshape(-1).cumsum().astype(np.int64) * self._decoder.samples_per_frame
        return Sounding(self._decoder.windows(frames, options), ends)


class Decoder:
    """The network that makes samples of frames. Frames have the shape (1, channels, frames)."""

    def __init__(self, model: onnxruntime.InferenceSession, channels: int) -> None:
        """Raises NoSuchPart: the network sees too far."""
        self._model = model
        self._input = model.get_inputs()[0].name
        frames = np.random.default_rng(0).standard_normal((1, channels, 2 * PROBED + 1), np.float32)
        samples = self._decode(frames, onnxruntime.RunOptions())
        self.samples_per_frame = len(samples) // frames.shape[2]
        frames[:, :, PROBED] *= -1
        changed = np.flatnonzero(self._decode(frames, onnxruntime.RunOptions()) != samples)
        first, last = changed[[0, -1]] // self.samples_per_frame
        self.context = int(max(PROBED - first, last - PROBED))
        """Frames on either side that have a part in the samples of a frame."""
        if self.context >= PROBED:
            raise NoSuchPart("its sound cannot be made in windows")

    def windows(self, frames: Floats, options: onnxruntime.RunOptions) -> Iterator[Floats]:
        begin, length = 0, frames.shape[2]
        for window, following in pairwise(chain(WINDOWS, repeat(WINDOWS[-1]))):
            is_last = length - begin - window < following // 2
            end = length if is_last else begin + window
            first = max(begin - self.context, 0)
            samples = self._decode(frames[:, :, first : end + self.context], options)
            yield samples[(begin - first) * self.samples_per_frame :][
                : (end - begin) * self.samples_per_frame
            ]
            if is_last:
                return
            begin = end

    def _decode(self, frames: Floats, options: onnxruntime.RunOptions) -> Floats:
        samples: Floats = run(self._model, {self._input: frames}, options)[0].reshape(-1)
        return samples
