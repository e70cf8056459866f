"""Taking out of the microphone what the loudspeaker put into it.

The work is done by WebRTC's audio processing module (docs/decisions/0005-echo-cancellation.md). Without its package
the microphone is passed on as it is: right with headphones; with a loudspeaker the model hears itself.
"""

from __future__ import annotations

import threading
from typing import Protocol

import numpy as np

from louro.audio.pcm import SAMPLE_RATE_HZ, bytes_of_ms, duration_ms
from louro.client.headphones import Headphones
from louro.client.residue import ResidueGate

try:
    from pywebrtc_audio import AudioProcessor
except ImportError:
    AudioProcessor = None  # type: ignore[assignment,misc,unused-ignore]

FRAME_MS = 10
FRAME_BYTES = bytes_of_ms(FRAME_MS)
REFERENCE_LIMIT_MS = 500
"""What was played and has no counterpart in the microphone yet. More means that the microphone stood still."""
CUSHION_MS = 50
"""How far the reference is held back from the beginning. The two devices come in bursts; whenever the reference runs
short its delay jumps, and for a second or two the echo is heard: on a busy machine, with 30, in three answers of four.
An echo needs longer than this: each direction buffers some 40 ms."""
SLACK_MS = 70
"""How much may be left over when the microphone has caught up: the cushion, and what bursts have added to it."""
SETTLE_FRAMES = 100
STANDING_FRAMES = 20
"""Longer than any burst: a loudspeaker that was given nothing for so long is resting, and begins anew."""
QUIET_FRAMES = 100
"""After a second in which nothing was played there is no echo, and nothing is done about it: a third of the client's
work while it listens."""
WITHHELD_BYTES = 223 * 2
"""What the processor withholds. It is withheld without it too, so that no sound is lost or doubled in between."""
MISSING = "Echo is not cancelled: pywebrtc-audio is not installed. Use headphones, or install 'louro[audio]'."


class EchoCanceller(Protocol):
    """One microphone and one loudspeaker. 24 kHz mono int16 on all three sides."""

    def play(self, pcm: bytes) -> None:
        """Say what goes to the loudspeaker, silence included, of any length. From any thread."""
        ...

    def clean(self, pcm: bytes) -> bytes:
        """Return the microphone's sound without the loudspeaker's.

        All in all it is as long as *pcm*; what fills no 10 ms yet, and up to 80 ms of silence, may come later.
        """
        ...


class Passthrough:
    """Cancels nothing."""

    def play(self, pcm: bytes) -> None:
        pass

    def clean(self, pcm: bytes) -> bytes:
        return pcm


class Reference:
    """What was played, kept until the microphone has come as far. From any thread.

    The two devices count the same time in blocks of their own. When the reference runs short, silence stands in; what
    is left over all through a second is thrown away. Both only move the delay, and the canceller finds that by itself.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting = bytearray()
        self._pulled = 0
        self._short = 0
        """How many frames in a row nothing was there for."""
        self._left_over: int | None = None

    def put(self, pcm: bytes) -> None:
        with self._lock:
            self._waiting += pcm
            self._keep(bytes_of_ms(REFERENCE_LIMIT_MS))

    def next(self, size: int) -> bytes:
        with self._lock:
            stood = self._short > STANDING_FRAMES
            self._short = 0 if self._waiting else self._short + 1
            if self._left_over is None or (stood and self._waiting):
                self._begin(size)
            piece = bytes(self._waiting[:size])
            del self._waiting[:size]
            self._settle()
        return piece + bytes(size - len(piece))

    @property
    def waiting_ms(self) -> int:
        return duration_ms(len(self._waiting))

    def _begin(self, size: int) -> None:
        """Forget what was played before the microphone listened, but for the cushion."""
        wanted = size + bytes_of_ms(CUSHION_MS)
        self._keep(wanted)
        self._waiting[:0] = bytes(wanted - len(self._waiting))
        self._pulled, self._left_over = 0, None

    def _settle(self) -> None:
        left = len(self._waiting)
        self._left_over = left if self._left_over is None else min(self._left_over, left)
        self._pulled += 1
        if self._pulled < SETTLE_FRAMES:
            return
        excess = self._left_over - bytes_of_ms(SLACK_MS)
        if excess > 0:
            self._keep(left - excess)
        self._pulled, self._left_over = 0, len(self._waiting)

    def _keep(self, size: int) -> None:
        del self._waiting[: max(0, len(self._waiting) - size)]


class WebRtcEchoCanceller:
    """WebRTC's AEC3 behind its high-pass filter; noise suppression and gain stay off, speech models want neither.

    It withholds some 9 ms. The delay from the loudspeaker to the microphone is estimated all the time: it may be
    anything up to 500 ms (600 is too much), and may change: a second after a jump of 50 ms all is as before. With
    headphones on there is no echo, and once that is known nothing is done about it, until there is one.

    Raises:
        ImportError: the package is not installed.
    """

    def __init__(self) -> None:
        if AudioProcessor is None:
            raise ImportError(MISSING)
        self._reference = Reference()
        self._processor = AudioProcessor(sample_rate=SAMPLE_RATE_HZ, echo_cancellation=True)
        self._gate = ResidueGate()
        self._headphones = Headphones()
        self._rest = b""
        self._withheld = bytes(WITHHELD_BYTES)
        self._quiet_frames = 0

    def play(self, pcm: bytes) -> None:
        self._reference.put(pcm)

    def clean(self, pcm: bytes) -> bytes:
        heard = self._rest + pcm
        whole = len(heard) - len(heard) % FRAME_BYTES
        self._rest = heard[whole:]
        return b"".join(self._frame(heard[at : at + FRAME_BYTES]) for at in range(0, whole, FRAME_BYTES))

    def _frame(self, heard: bytes) -> bytes:
        played = self._reference.next(FRAME_BYTES)
        late = self._withheld + heard
        self._withheld = late[FRAME_BYTES:]
        self._quiet_frames = self._quiet_frames + 1 if played.count(0) == FRAME_BYTES else 0
        if self._quiet_frames > QUIET_FRAMES or self._are_headphones_on(played, heard):
            return self._gate.release() + late[:FRAME_BYTES]
        reference = np.frombuffer(played, "<i2")
        cleaned = self._processor.process(np.frombuffer(heard, "<i2"), reference)
        return self._gate.sift(reference, cleaned).tobytes()

    def _are_headphones_on(self, played: bytes, heard: bytes) -> bool:
        were_on = self._headphones.are_on
        self._headphones.listen(played, heard)
        if were_on and not self._headphones.are_on:
            # What it knew was of another echo, or of none: it is careful again, as in its first second.
            self._processor.reset()
            self._gate = ResidueGate()
        return self._headphones.are_on


def open_canceller() -> tuple[EchoCanceller, str | None]:
    """The best canceller that is installed, and what to tell the user if that is none."""
    if AudioProcessor is None:
        return Passthrough(), MISSING
    return WebRtcEchoCanceller(), None
