"""A process that records, and prints the id of each entry when it is told that it is on disk.

PLACE NAME THREADS COUNT: entries NAME-THREAD-NUMBER, COUNT for each thread.
"""

from __future__ import annotations

import os
import sys
import threading

from louro.store.base import Entry
from louro.store.prices import Tokens
from louro.store.sql import Store


def an_entry(id_: str, at: object = 1_800_000_000.0, **changes: object) -> Entry:
    values: dict[str, object] = {
        "id": id_,
        "kind": "response",
        "session_id": "sess_1",
        "key_id": "key_1",
        "project": "shop",
        "model": "gpt-realtime",
        "status": "completed",
        "at": at,
        "tokens": Tokens(input_audio=10, cached_audio=4, output_audio=20),
        "input_ms": 1000,
        "output_ms": 500,
        "price_nanos": 1_000_000_001,
    }
    return Entry(**(values | changes))  # type: ignore[arg-type]


def main() -> None:
    place, name, threads, count = sys.argv[1:]
    store = Store.open(place)

    def record(thread: int) -> None:
        for number in range(int(count)):
            id_ = f"{name}-{thread}-{number}"
            store.ledger.record([an_entry(id_, session_id=name)])
            os.write(1, f"{id_}\n".encode())

    running = [threading.Thread(target=record, args=[thread]) for thread in range(int(threads))]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    store.close()


if __name__ == "__main__":
    main()
