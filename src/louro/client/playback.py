"""What waits to be played, and how much of it has been heard."""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from louro.audio.pcm import BYTES_PER_MS, BYTES_PER_SAMPLE, SAMPLE_RATE_HZ, bytes_of_ms
from louro.client.bell import Bell

FADE_MS = 5
"""Long enough that an interruption does not click, too short to be heard as speech."""
LIMIT_MS = 600_000
"""Ten minutes, 29 MB: far beyond one answer, and a server that sends without end cannot fill the memory."""
REMEMBERED = 64
"""Parts of items whose heard time can still be asked for after they were played."""

Part: TypeAlias = tuple[str, int]
"""An item's id and the index of the content part within it."""


@dataclass(frozen=True)
class Heard:
    """How far the user has listened: what `conversation.item.truncate` wants to know."""

    item_id: str
    content_index: int
    audio_end_ms: int


@dataclass
class _Waiting:
    part: Part
    pcm: bytes
    start: int = 0
    """First byte that has not been taken."""
    interrupted: bool = False
    """It is the fade after an interruption."""

    @property
    def left(self) -> int:
        return len(self.pcm) - self.start


@dataclass
class _Stretch:
    """Frames of one part that went to the loudspeaker side by side."""

    part: Part
    begin: int
    """Counted in frames of everything that was ever taken, silence included."""
    frames: int
    interrupted: bool = False

    @property
    def end(self) -> int:
        return self.begin + self.frames


class Playback:
    """A queue of 24 kHz mono int16 between the network and the loudspeaker. Every method may be called from any thread.

    It has no clock: time is what the loudspeaker takes. Whoever plays says with `heard_through` how much of the
    taken sound is still on its way to the ear.
    """

    def __init__(self, *, limit_ms: int = LIMIT_MS) -> None:
        self._limit = bytes_of_ms(limit_ms)
        self._lock = threading.Lock()
        self._waiting: deque[_Waiting] = deque()
        self._waiting_bytes = 0
        self._taken = 0
        self._ear = 0
        self._stretches: deque[_Stretch] = deque()
        self._heard: OrderedDict[Part, int] = OrderedDict()
        self._silenced: OrderedDict[Part, None] = OrderedDict()
        self._sounded = False
        """At the last look; see `_falls_silent`."""
        self._unheard_ms: Callable[[], float] = lambda: 0.0
        self._bell = Bell()
        self.dropped_ms = 0
        """Sound that came when the queue was full, or for a part that had been silenced."""

    def heard_through(self, unheard_ms: Callable[[], float]) -> None:
        """*unheard_ms* says, at the time of the call, how much of what was taken has not reached the ear.

        It is called with the queue locked: it must return at once, and not use this object.
        """
        self._unheard_ms = unheard_ms

    def add(self, item_id: str, content_index: int, pcm: bytes) -> bool:
        """Queue whole samples; return whether all of them were kept.

        A part that was interrupted stays silent: what still comes for it is dropped. So does a part that did not
        fit, from there on: a hole in it would make every later position a lie.
        """
        part = (item_id, content_index)
        with self._lock:
            room = 0 if part in self._silenced else self._limit - self._waiting_bytes
            kept = pcm[: max(0, room)]
            if kept:
                self._waiting.append(_Waiting(part, kept))
                self._waiting_bytes += len(kept)
                self._sounded = True
                self._remember(part)
            if len(kept) < len(pcm):
                self.dropped_ms += (len(pcm) - len(kept)) // BYTES_PER_MS
                self._silence(part)
        return len(kept) == len(pcm)

    def take(self, frames: int) -> bytes:
        """Return exactly so many frames, silence where nothing waits. Made for the sound card's callback."""
        pieces: list[bytes] = []
        with self._lock:
            wanted = frames * BYTES_PER_SAMPLE
            while wanted and self._waiting:
                piece = self._next(wanted)
                wanted -= len(piece)
                pieces.append(piece)
            self._taken += wanted // BYTES_PER_SAMPLE
            self._listen()
            finished = self._falls_silent()
        pieces.append(bytes(wanted))
        if finished:
            self._bell.ring()
        return b"".join(pieces)

    def interrupt(self) -> Heard | None:
        """Drop what is queued but for a fade of 5 ms; return what was heard of the part now playing, if one was.

        What the device has already taken cannot be called back: it sounds for the latency of the output. When the
        queue holds several parts, the one at the ear is meant; of the others `heard_ms` tells. A second call finds
        nothing playing, though the device may not have fallen silent yet.
        """
        with self._lock:
            self._listen()
            sounds: list[_Stretch | _Waiting] = [*self._stretches, *self._waiting]
            sounding = [sound for sound in sounds if not sound.interrupted]
            part = sounding[0].part if sounding else None
            for sound in sounding:
                self._silence(sound.part)
                sound.interrupted = True
            self._fade()
            finished = self._falls_silent()
            heard = part and Heard(part[0], part[1], _ms(self._heard.get(part, 0)))
        if finished:
            self._bell.ring()
        return heard

    def heard_ms(self, item_id: str, content_index: int = 0) -> int:
        """How much of a part has been heard; 0 of one that was never added or is long gone."""
        with self._lock:
            self._listen()
            finished = self._falls_silent()
            heard_ms = _ms(self._heard.get((item_id, content_index), 0))
        if finished:
            self._bell.ring()
        return heard_ms

    @property
    def queued_ms(self) -> int:
        """What no loudspeaker has taken yet."""
        return self._waiting_bytes // BYTES_PER_MS

    @property
    def is_playing(self) -> bool:
        """Whether something is queued, or taken and not yet heard."""
        with self._lock:
            self._listen()
            finished = self._falls_silent()
            sounds = self._sounded
        if finished:
            self._bell.ring()
        return sounds

    async def wait_finished(self) -> None:
        """Return when all that was added has been heard or dropped; at once if that is so already.

        Without a loudspeaker that takes, that is never: see `Loudspeaker.wait_lost`.
        """
        while True:
            rings = self._bell.rings
            if not self.is_playing:
                return
            await self._bell.wait(rings)

    # All below: with the lock held

    def _falls_silent(self) -> bool:
        """Whether nothing is left, and something was at the last look. Whoever looks first must ring: nobody else will."""
        sounded, self._sounded = self._sounded, bool(self._stretches or self._waiting)
        return sounded and not self._sounded

    def _next(self, most: int) -> bytes:
        waiting = self._waiting[0]
        piece = waiting.pcm[waiting.start : waiting.start + most]
        waiting.start += len(piece)
        self._waiting_bytes -= len(piece)
        if not waiting.left:
            self._waiting.popleft()
        frames = len(piece) // BYTES_PER_SAMPLE
        last = self._stretches[-1] if self._stretches else None
        if last is not None and last.part == waiting.part and last.end == self._taken:
            last.frames += frames
        else:
            self._stretches.append(_Stretch(waiting.part, self._taken, frames, waiting.interrupted))
        self._taken += frames
        return piece

    def _listen(self) -> None:
        """Move the ear on. It never goes back, even if the device should find that it is slower than it said."""
        unheard = max(0, round(self._unheard_ms() * SAMPLE_RATE_HZ / 1000))
        self._ear = max(self._ear, self._taken - unheard)
        while self._stretches and self._stretches[0].begin < self._ear:
            stretch = self._stretches[0]
            frames = min(stretch.frames, self._ear - stretch.begin)
            self._heard[stretch.part] = self._heard.get(stretch.part, 0) + frames
            stretch.begin += frames
            stretch.frames -= frames
            if stretch.frames:
                break
            self._stretches.popleft()

    def _fade(self) -> None:
        """Keep the next 5 ms of the part that was being taken, on their way down to silence."""
        first = self._waiting[0] if self._waiting else None
        self._waiting.clear()
        self._waiting_bytes = 0
        # Nothing of it was taken: silence is followed by silence.
        if first is None or not (first.start or self._was_last_taken(first.part)):
            return
        rest = np.frombuffer(first.pcm[first.start : first.start + bytes_of_ms(FADE_MS)], "<i2")
        faded = (rest * np.linspace(1.0, 0.0, len(rest))).astype("<i2").tobytes()
        self._waiting.append(_Waiting(first.part, faded, interrupted=True))
        self._waiting_bytes = len(faded)

    def _was_last_taken(self, part: Part) -> bool:
        last = self._stretches[-1] if self._stretches else None
        return last is not None and last.part == part and last.end == self._taken

    def _remember(self, part: Part) -> None:
        self._heard.setdefault(part, 0)
        self._heard.move_to_end(part)
        while len(self._heard) > REMEMBERED:
            self._heard.popitem(last=False)

    def _silence(self, part: Part) -> None:
        self._silenced[part] = None
        self._silenced.move_to_end(part)
        while len(self._silenced) > REMEMBERED:
            self._silenced.popitem(last=False)


def _ms(frames: int) -> int:
    return frames * 1000 // SAMPLE_RATE_HZ
