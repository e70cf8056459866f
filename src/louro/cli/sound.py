"""Sound files and loudspeakers, as 24 kHz mono int16."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile
import soxr

from louro.config import ConfigProblem

RATE_HZ = 24_000
VOICED = 0.02
"""Of full scale: louder than this is taken for voice when the end of a recording is looked for."""


def read_sound(path: Path) -> bytes:
    """Any format that libsndfile knows (wav, flac, mp3, ogg ...), any rate; channels are mixed.

    Raises:
        ConfigProblem: the file is not there, or holds no sound.
    """
    try:
        samples, rate_hz = soundfile.read(path, dtype="float32", always_2d=True)
    except (soundfile.LibsndfileError, OSError) as error:
        raise ConfigProblem(f"{path} cannot be read as sound: {error}") from None
    if not len(samples):
        raise ConfigProblem(f"{path} holds no sound.")
    mono = samples.mean(axis=1)
    if rate_hz != RATE_HZ:
        mono = soxr.resample(mono, rate_hz, RATE_HZ, quality="HQ")
    return bytes(np.clip(np.rint(mono * 32_767), -32_768, 32_767).astype("<i2"))


def check_format(path: Path) -> None:
    """Raises ConfigProblem: a file of this name cannot hold sound."""
    known = soundfile.available_formats()
    if path.suffix.removeprefix(".").upper() not in known:
        raise ConfigProblem(f"{path}: sound is saved as .wav, .flac, .ogg or .mp3.")


def write_sound(path: Path, pcm: bytes) -> None:
    """The format follows the file's name.

    Raises:
        ConfigProblem: it cannot be written.
    """
    try:
        soundfile.write(path, np.frombuffer(pcm, "<i2"), RATE_HZ)
    except (soundfile.LibsndfileError, OSError) as error:
        raise ConfigProblem(f"{path} cannot be written: {error}") from None


def speech_end_ms(pcm: bytes) -> int:
    """Where the last voiced sample of a recording is."""
    loud = np.flatnonzero(np.abs(np.frombuffer(pcm, "<i2")) > VOICED * 32_768)
    return int(loud[-1]) // 24 if len(loud) else len(pcm) // 48


def play(pcm: bytes) -> None:
    """Play, and return when it has been heard.

    Raises:
        ConfigProblem: there is no way to play here.
    """
    try:
        import sounddevice  # noqa: PLC0415 - optional: the extra `audio`, and PortAudio on the machine
    except (ImportError, OSError):
        raise ConfigProblem("Nothing can be played here. Install 'louro[audio]', or --save FILE.") from None
    try:
        sounddevice.play(np.frombuffer(pcm, "<i2"), RATE_HZ, blocking=True)
    except sounddevice.PortAudioError as error:
        raise ConfigProblem(f"The loudspeaker cannot be used: {error}. Try --save FILE.") from None
