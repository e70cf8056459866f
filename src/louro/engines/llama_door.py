"""The way into llama.cpp for what its Python package does not offer: counting tokens, and keeping what was read."""

from __future__ import annotations

import http.client
import json
import os
import secrets
import shutil
import socket
import sys
import tempfile
import weakref
from contextlib import suppress
from pathlib import Path

from louro.engines.tokens import estimate_tokens

KEPT = "demonstration.bin"
KEPT_AT_MOST = 4
"""Files, of 5 MB: of other models, or of other versions of them, of llama.cpp or of the demonstration."""
TOKENIZE_TIMEOUT_S = 0.05
MOVE_TIMEOUT_S = 3.0
"""llama.cpp does it between two batches, its own or others'."""


class LlamaDoor:
    """llama.cpp insists on listening somewhere: on a socket file that only this user can open, where there are such.

    What was read in a slot is kept in a file, to be fetched into another, be it of the next server. It costs 5 MB of
    disk twice, and no memory.
    """

    def __init__(self, kept_for_next: Path) -> None:
        self.key = secrets.token_urlsafe(24)
        self._has_socket_files = sys.platform != "win32"
        folder = tempfile.mkdtemp(prefix="louro-")  # readable by this user only
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        self.address = os.path.join(folder, "llama.sock") if self._has_socket_files else "127.0.0.1"
        self.shelf = os.path.join(folder, "")
        self._kept = os.path.join(folder, KEPT)
        self._kept_for_next = kept_for_next
        with suppress(OSError):
            shutil.copyfile(kept_for_next, self._kept)

    def count_tokens(self, text: str) -> int:
        """0.6 ms. An estimate where the server is slow to answer."""
        if not text or not self._has_socket_files:
            return estimate_tokens(text)
        try:
            return self._ask(text)
        except (OSError, http.client.HTTPException, ValueError, KeyError):
            return estimate_tokens(text)

    @property
    def has_kept(self) -> bool:
        return os.path.exists(self._kept)

    def keep(self, slot: int) -> bool:
        if not self._move(slot, "save"):
            return False
        with suppress(OSError):  # a folder that is not ours to write in: the next server reads it again
            self._keep_for_next()
        return True

    def fetch(self, slot: int) -> bool:
        """Return whether there was something to fetch."""
        return self.has_kept and self._move(slot, "restore")

    def _keep_for_next(self) -> None:
        folder = self._kept_for_next.parent
        folder.mkdir(parents=True, exist_ok=True)
        whole = folder / f"{secrets.token_hex(4)}.bin"
        shutil.copyfile(self._kept, whole)
        os.replace(whole, self._kept_for_next)
        newest_first = sorted(folder.glob("*.bin"), key=lambda file: file.stat().st_mtime, reverse=True)
        for file in newest_first[KEPT_AT_MOST:]:
            file.unlink(missing_ok=True)

    def _move(self, slot: int, action: str) -> bool:
        if not self._has_socket_files:
            return False
        try:
            self._post(f"/slots/{slot}?action={action}", {"filename": KEPT}, MOVE_TIMEOUT_S)
        except (OSError, http.client.HTTPException, ValueError):
            return False
        return True

    def _ask(self, text: str) -> int:
        return len(self._post("/tokenize", {"content": text}, TOKENIZE_TIMEOUT_S)["tokens"])

    def _post(self, path: str, body: dict[str, object], timeout_s: float) -> dict[str, list[object]]:
        connection = http.client.HTTPConnection("localhost")
        connection.sock = socket.socket(socket.AF_UNIX)
        try:
            connection.sock.settimeout(timeout_s)
            connection.sock.connect(self.address)
            headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
            connection.request("POST", path, json.dumps(body), headers)
            answer: dict[str, list[object]] = json.loads(connection.getresponse().read())
            if "error" in answer:
                raise ValueError(answer["error"])
            return answer
        finally:
            connection.close()
