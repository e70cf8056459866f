"""Cutting what is long, dropping what is silent."""

import numpy as np

from louro.engines.pieces import RATE_HZ, cut_where_quiet, read_pcm


def test_long_audio_is_cut_where_it_is_quiet() -> None:
    audio = np.full(30 * RATE_HZ, 0.1, np.float32)
    audio[18 * RATE_HZ : int(18.2 * RATE_HZ)] = 0
    first, second = cut_where_quiet(audio, 20)
    assert 18.0 < len(first) / RATE_HZ < 18.2
    assert len(first) + len(second) == len(audio)


def test_short_audio_stays_in_one_piece() -> None:
    audio = np.full(20 * RATE_HZ, 0.1, np.float32)
    assert [len(piece) for piece in cut_where_quiet(audio, 20)] == [len(audio)]


def test_audio_without_a_quiet_place_is_cut_all_the_same() -> None:
    audio = np.full(61 * RATE_HZ, 0.1, np.float32)
    pieces = cut_where_quiet(audio, 20)
    assert all(len(piece) <= 20 * RATE_HZ for piece in pieces)
    assert sum(len(piece) for piece in pieces) == len(audio)


def test_silence_and_crumbs_are_dropped() -> None:
    assert cut_where_quiet(np.zeros(50 * RATE_HZ, np.float32), 20) == []
    assert cut_where_quiet(np.full(RATE_HZ // 20, 0.1, np.float32), 20) == []
    assert cut_where_quiet(np.zeros(0, np.float32), 20) == []


def test_pcm_becomes_16_khz_between_minus_one_and_one() -> None:
    audio = read_pcm(np.full(24_000, 16_384, "<i2").tobytes())
    assert audio.dtype == np.float32
    assert len(audio) == RATE_HZ
    np.testing.assert_allclose(audio[2000:-2000], 0.5, atol=1e-3)
