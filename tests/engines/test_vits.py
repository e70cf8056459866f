"""Piper's model in windows, against the same file as a whole."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from onnxruntime.capi.onnxruntime_pybind11_state import InvalidGraph

from louro.engines import catalogue, vits
from louro.engines.spoken_words import open_voice
from louro.engines.trimming import Floats
from louro.engines.vits import Inputs, Vits, WholeVits, open_vits

pytestmark = pytest.mark.models

THREADS = 2
LONG = 400


@pytest.fixture(scope="module")
def path() -> Path:
    return catalogue.find("piper-joe").path("en_US-joe-medium.onnx")


@pytest.fixture(scope="module")
def cut(path: Path) -> Vits:
    opened = open_vits(path, THREADS)
    assert isinstance(opened, Vits)
    return opened


def spoken(phonemes: int) -> Inputs:
    """Some sounds or other, said without the chance that is otherwise in every voice."""
    return {
        "input": np.random.default_rng(phonemes).integers(3, 100, (1, phonemes)),
        "input_lengths": np.array([phonemes], np.int64),
        "scales": np.array([0.0, 1.0, 0.0], np.float32),
    }


def windows_of(model: Vits | WholeVits, inputs: Inputs) -> list[Floats]:
    return list(model.say(inputs, onnxruntime.RunOptions()).windows)


@pytest.mark.parametrize("phonemes", [4, 40, 60, 80, 100, 300])
def test_windows_are_the_very_sound_of_the_whole(path: Path, cut: Vits, phonemes: int) -> None:
    whole = windows_of(WholeVits(open_voice(path, THREADS)), spoken(phonemes))[0]
    windows = windows_of(cut, spoken(phonemes))
    assert sum(map(len, windows)) == len(whole)
    assert np.abs(np.concatenate(windows) - whole).max() * 32_767 < 1
    assert np.abs(whole).max() * 32_767 > 1_000


def test_the_first_window_is_short_and_none_is_much_longer_than_the_longest(cut: Vits) -> None:
    frames = [len(window) // 256 for window in windows_of(cut, spoken(LONG))]
    assert frames[: len(vits.WINDOWS)] == [*vits.WINDOWS]
    assert max(frames) < vits.WINDOWS[-1] * 1.5


def test_it_is_told_when_each_phoneme_has_been_said(cut: Vits) -> None:
    sounding = cut.say(spoken(40), onnxruntime.RunOptions())
    assert sounding.ends is not None
    assert len(sounding.ends) == 40
    assert all(np.diff(sounding.ends) >= 0)
    assert sounding.ends[-1] == sum(map(len, sounding.windows))


def test_a_model_that_cannot_be_cut_is_heard_as_a_whole(path: Path, cut: Vits, tmp_path: Path) -> None:
    strange = tmp_path / "strange.onnx"
    name = vits.FIRST_WEIGHT.encode()
    strange.write_bytes(path.read_bytes().replace(name, b"x" * len(name)))
    model = open_vits(strange, THREADS)
    assert isinstance(model, WholeVits)
    assert len(windows_of(model, spoken(40))[0]) == sum(map(len, windows_of(cut, spoken(40))))
    assert model.say(spoken(40), onnxruntime.RunOptions()).ends is None


def test_a_model_whose_parts_cannot_be_opened_is_heard_as_a_whole(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse_parts(model: Path, threads: int) -> onnxruntime.InferenceSession:
        if model != path:
            raise InvalidGraph
        return open_voice(model, threads)

    monkeypatch.setattr(vits, "open_voice", refuse_parts)
    assert isinstance(open_vits(path, THREADS), WholeVits)
