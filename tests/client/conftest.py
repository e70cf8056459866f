"""Servers that answer by a script, for the client to talk to."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.serving import SCRIPTED, Serving

from louro.server import load_engines


@pytest.fixture(scope="module")
def scripted() -> Iterator[Serving]:
    with Serving(SCRIPTED, load_engines(SCRIPTED, lambda _: None)) as serving:
        yield serving
