"""What the client's page promises is shown by the tests that it names."""

from __future__ import annotations

import re
from pathlib import Path

from louro.client import RealtimeClient

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "client.md").read_text(encoding="utf-8")


def test_every_named_test_is_there() -> None:
    tests = "".join(
        path.read_text(encoding="utf-8") for path in (ROOT / "tests" / "client").glob("test_*.py")
    )
    named = set(re.findall(r"`(test_\w+)`", PAGE))
    assert len(named) > 10
    for name in named:
        assert f"def {name}(" in tests, name


def test_every_named_method_is_there() -> None:
    ours = re.findall(r"^\|[^|]*\|([^|]*)\|", PAGE, re.MULTILINE)
    for name in re.findall(r"`(\w+)\(", "".join(ours)):
        assert name == "RealtimeClient" or hasattr(RealtimeClient, name), name


def test_the_ten_lines_can_be_read_by_python() -> None:
    (block,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    compile(block, "client.md", "exec")
    assert len([line for line in block.splitlines() if line.startswith("    ")]) <= 10
