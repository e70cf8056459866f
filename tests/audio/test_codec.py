import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from louro.audio.codec import Decoder, Encoder, Encoding
from louro.audio.pcm import duration_ms

TONE = (np.sin(np.arange(24_000) * 2 * np.pi * 440 / 24_000) * 8_000).astype("<i2").tobytes()
ENCODINGS: list[Encoding] = ["pcm16", "g711_ulaw", "g711_alaw"]


def chopped(audio: bytes, cuts: list[int]) -> list[bytes]:
    edges = [0, *sorted(cut % len(audio) for cut in cuts), len(audio)]
    return [audio[a:b] for a, b in itertools.pairwise(edges)]


@pytest.mark.parametrize("encoding", ENCODINGS)
@settings(deadline=None, max_examples=40)
@given(cuts=st.lists(st.integers(0, 50_000), max_size=20))
def test_how_audio_is_chopped_changes_no_bit_of_it(encoding: Encoding, cuts: list[int]) -> None:
    audio = TONE[:9_600]
    whole, pieces = Decoder(encoding, 16_000), Decoder(encoding, 16_000)
    expected = whole.feed(audio) + whole.flush()
    assert b"".join(map(pieces.feed, chopped(audio, cuts))) + pieces.flush() == expected


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_tone_comes_back_as_a_tone(encoding: Encoding) -> None:
    encoder, decoder = Encoder(encoding), Decoder(encoding)
    coded = encoder.feed(TONE) + encoder.flush()
    back = decoder.feed(coded) + decoder.flush()
    assert duration_ms(back) == duration_ms(TONE) == 1_000
    sent, got = (np.frombuffer(audio, "<i2").astype(float) for audio in (TONE, back))
    error = np.sqrt(np.mean((sent - got)[1_200:-1_200] ** 2))
    assert error < 0.03 * 8_000


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_pieces_leave_the_house_as_the_whole_would(encoding: Encoding) -> None:
    whole, pieces = Encoder(encoding), Encoder(encoding)
    coded = b"".join(map(pieces.feed, chopped(TONE, [962, 1_924, 9_000, 30_000]))) + pieces.flush()
    assert coded == whole.feed(TONE) + whole.flush()


def test_half_a_sample_waits_for_its_other_half() -> None:
    decoder = Decoder("pcm16")
    assert decoder.feed(b"\x01") == b""
    assert decoder.feed(b"\x02\x03") == b"\x01\x02"
    decoder.flush()
    assert decoder.feed(b"\x04\x05") == b"\x04\x05"
