"""louro keys, as it is typed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

LOURO = Path(sys.executable).with_name("louro")


def louro(folder: Path, *words: str, fails: bool = False) -> str:
    command = [str(LOURO), "keys", *words, "--store", str(folder / "louro.db")]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, check=False)
    assert (done.returncode != 0) is fails, done.stderr
    return done.stderr if fails else done.stdout


def test_a_key_is_made_shown_once_rotated_and_revoked(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("OTHER=1\nOPENAI_API_KEY=old\n", encoding="utf-8")
    shown = louro(tmp_path, "create", "--name", "shop", "--expires", "30d", "--env", ".env")
    kept = (tmp_path / ".env").read_text(encoding="utf-8").splitlines()
    secret = kept[1].removeprefix("OPENAI_API_KEY=")
    assert kept[0] == "OTHER=1"
    assert secret.startswith("sk-lr-")
    assert secret in shown
    listed = louro(tmp_path, "list")
    assert "shop" in listed
    assert secret not in listed
    assert "sk-lr-" in louro(tmp_path, "rotate", "shop")
    assert "revoked" in louro(tmp_path, "revoke", "shop")
    assert louro(tmp_path, "list").count("revoked") == 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("create", "--name", "x", "--expires", "soon"), "no length of time"),
        (("revoke", "nobody"), "no valid key 'nobody'"),
        (("rotate", "nobody"), "no valid key 'nobody'"),
    ],
)
def test_what_is_wrong_is_said(words: tuple[str, ...], said: str, tmp_path: Path) -> None:
    assert said in louro(tmp_path, *words, fails=True)
