"""No requirement without a test, no test without a requirement."""

import re
from pathlib import Path

from tests.conformance.requirements import REQUIREMENTS

HERE = Path(__file__).parent
ELSEWHERE = ("session", "protocol", "http", "pipeline")
"""Where what takes minutes, megabytes or a broken disk is shown without a socket."""
_MARK = re.compile(r'@requirement\("([^"]+)"\)')
_TEST = re.compile(r"^(?:async )?def (test_\w+)", re.MULTILINE)


def test_requirements_and_tests_agree() -> None:
    named: set[str] = set()
    for path in HERE.glob("test_*.py"):
        if path.name == Path(__file__).name:
            continue
        text = path.read_text(encoding="utf-8")
        named |= set(_MARK.findall(text))
        for block in re.split(r"\n\n\n", text):
            if _TEST.search(block):
                assert _MARK.search(block), f"{path.name}: {_TEST.findall(block)} names no requirement"
    for folder in ELSEWHERE:
        for path in (HERE.parent / folder).rglob("test_*.py"):
            named |= set(_MARK.findall(path.read_text(encoding="utf-8")))
    assert named == set(REQUIREMENTS)
