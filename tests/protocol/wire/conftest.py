"""Here events are made up: only what a server would send is held against the official SDK, by name."""

import pytest


@pytest.fixture(autouse=True)
def every_event_is_one_of_its_dialect() -> None:
    pass
