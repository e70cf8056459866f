"""Keeping this process small, where the C library is glibc; elsewhere nothing is needed or can be done."""

from __future__ import annotations

import ctypes
import gc
import sys

M_MMAP_THRESHOLD, M_ARENA_MAX = -3, -8
LARGE_BYTES = 64 * 1024


def share_one_heap() -> None:
    """Call before any thread begins. Each thread would otherwise fill a heap of its own, up to 64 MB, and large blocks
    would come to lie where they cannot be given back: 120 MB with the default engines. The sound of a turn is large:
    in the heap, among all that is small, it would leave holes, and the server would grow by half in ten minutes."""
    libc = _glibc()
    if libc is not None:
        libc.mallopt(M_ARENA_MAX, 1)
        libc.mallopt(M_MMAP_THRESHOLD, LARGE_BYTES)


def settle() -> None:
    """Call when everything is loaded. What is there by now stays: looking through it for garbage again and again
    would hold up every session for a tenth of a second. What loading used up goes back to the system."""
    gc.collect()
    gc.freeze()
    libc = _glibc()
    if libc is not None:
        libc.malloc_trim(0)


def _glibc() -> ctypes.CDLL | None:
    if sys.platform != "linux":
        return None
    libc = ctypes.CDLL(None)
    return libc if hasattr(libc, "malloc_trim") and hasattr(libc, "mallopt") else None
