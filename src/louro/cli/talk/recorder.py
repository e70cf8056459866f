"""The sound of a conversation, on disk as it comes, so that all of it can be saved."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
import soundfile

from louro.audio.pcm import SAMPLE_RATE_HZ, bytes_of_ms, duration_ms
from louro.cli.talk.transcript import Entry
from louro.config import ConfigProblem

MAX_BYTES = bytes_of_ms(3 * 3_600_000)
"""Three hours of speech, 520 MB. After that only words are kept."""
PAUSE_MS = 400
"""Between two turns in the saved sound."""


@dataclass(frozen=True)
class _Piece:
    item_id: str
    start: int
    size: int


class Recorder:
    """Call `close` at the end: the file is a temporary one. Nothing but `save` and `close` blocks."""

    def __init__(self) -> None:
        self._writer = ThreadPoolExecutor(1, "louro-recorder")
        self._file: IO[bytes] | None = None
        self._pieces: list[_Piece] = []
        self._size = 0
        self.is_full = False

    def add(self, item_id: str, pcm: bytes) -> None:
        if self._size + len(pcm) > MAX_BYTES:
            self.is_full = True
            return
        self._pieces.append(_Piece(item_id, self._size, len(pcm)))
        self._size += len(pcm)
        self._writer.submit(self._write, bytes(pcm))

    def save(self, folder: Path, shown: Sequence[Entry], cut_ms: Mapping[str, int]) -> None:
        """Write conversation.wav (turn after turn), .md and .json into *folder*; blocks. *cut_ms*: how much was heard
        of the answers that were interrupted.

        Raises:
            ConfigProblem: the folder cannot be written.
        """
        self._writer.submit(self._save, folder, list(shown), dict(cut_ms)).result()

    def close(self) -> None:
        """Blocks until what was added is written. Idempotent."""
        self._writer.shutdown()
        if self._file is not None:
            self._file.close()
            self._file = None

    # In the writer's thread

    def _write(self, pcm: bytes) -> None:
        if self._file is None:
            self._file = tempfile.TemporaryFile()  # noqa: SIM115 - open until `close`
        self._file.seek(0, 2)
        self._file.write(pcm)

    def _save(self, folder: Path, shown: list[Entry], cut_ms: dict[str, int]) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            starts = self._save_sound(folder / "conversation.wav", shown, cut_ms)
            (folder / "conversation.md").write_text(_markdown(shown, starts), "utf-8")
            told = [{**vars(entry), "start_ms": starts.get(entry.id)} for entry in shown]
            (folder / "conversation.json").write_text(json.dumps(told, ensure_ascii=False, indent=2), "utf-8")
        except (OSError, soundfile.LibsndfileError) as error:
            raise ConfigProblem(f"The conversation cannot be saved in {folder}: {error}") from None

    def _save_sound(self, file: Path, shown: list[Entry], cut_ms: dict[str, int]) -> dict[str, int]:
        """Return where each entry begins, in milliseconds; of those that sound."""
        starts: dict[str, int] = {}
        if not self._pieces:
            return starts
        at_ms = 0
        with soundfile.SoundFile(file, "w", SAMPLE_RATE_HZ, 1, "PCM_16") as out:
            for entry in shown:
                pcm = self._sound_of(entry.id)[
                    : bytes_of_ms(cut_ms[entry.id]) if entry.id in cut_ms else None
                ]
                if pcm:
                    starts[entry.id] = at_ms
                    out.write(np.frombuffer(pcm + bytes(bytes_of_ms(PAUSE_MS)), "<i2"))
                    at_ms += duration_ms(pcm) + PAUSE_MS
        return starts

    def _sound_of(self, item_id: str) -> bytes:
        if self._file is None:
            return b""
        sound = bytearray()
        for piece in self._pieces:
            if piece.item_id == item_id:
                self._file.seek(piece.start)
                sound += self._file.read(piece.size)
        return bytes(sound)


def _markdown(shown: Sequence[Entry], starts: Mapping[str, int]) -> str:
    lines = ["# Conversation", ""]
    for entry in shown:
        at_s = starts.get(entry.id, 0) // 1000
        when = f" ({at_s // 60}:{at_s % 60:02})" if entry.id in starts else ""
        unheard = entry.unheard.strip()
        if unheard:
            # What is only not heard yet, because it is being spoken, is no less said.
            unheard = f" ~~{unheard}~~" if entry.is_cut else f" {unheard}"
        result = f" → {entry.result}" if entry.result is not None else ""
        lines.append(f"**{entry.speaker}**{when}: {entry.heard.strip()}{unheard}{result}\n")
    return "\n".join(lines)
