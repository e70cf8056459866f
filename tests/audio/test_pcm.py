from louro.audio.pcm import BYTES_PER_MS, BYTES_PER_SAMPLE, SAMPLE_RATE_HZ, bytes_of_ms, duration_ms, silence


def test_a_second_is_as_many_bytes_as_its_samples() -> None:
    assert bytes_of_ms(1_000) == SAMPLE_RATE_HZ * BYTES_PER_SAMPLE == 1_000 * BYTES_PER_MS


def test_a_millisecond_counts_when_it_is_complete() -> None:
    assert [duration_ms(size) for size in (0, 47, 48, 95, 96)] == [0, 0, 1, 1, 2]
    assert duration_ms(bytes(96)) == duration_ms(bytearray(96)) == 2


def test_silence_is_as_long_as_asked() -> None:
    assert silence(20) == bytes(960)
