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
    (tmp_path / ".env").chmod(0o644)
    shown = louro(tmp_path, "create", "--name", "shop", "--expires", "30d", "--env", ".env")
    kept = (tmp_path / ".env").read_text(encoding="utf-8").splitlines()
    secret = kept[1].removeprefix("OPENAI_API_KEY=")
    assert kept[0] == "OTHER=1"
    assert secret.startswith("sk-lr-")
    assert secret in shown
    assert sys.platform == "win32" or (tmp_path / ".env").stat().st_mode & 0o777 == 0o600
    listed = louro(tmp_path, "list")
    assert "shop" in listed
    assert secret not in listed
    assert secret[:14] in listed, "what it begins with is whole at 80 columns"
    assert "sk-lr-" in louro(tmp_path, "rotate", "shop")
    assert "revoked" in louro(tmp_path, "revoke", "shop")
    assert louro(tmp_path, "list").count("revoked") == 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("create", "--name", "x", "--expires", "soon"), "no length of time"),
        (("create", "--name", "x", "--expires", "0d"), "no length of time"),
        (("create", "--name", ""), "--name is a line of 1 to 100 characters"),
        (("create", "--name", "x", "--project", "a/b"), "--project is a line"),
        (("create", "--name", "x", "--env", "no/folder/.env"), "The key is made, but"),
        (("revoke", "nobody"), "no valid key 'nobody'"),
        (("rotate", "nobody"), "no valid key 'nobody'"),
    ],
)
def test_what_is_wrong_is_said(words: tuple[str, ...], said: str, tmp_path: Path) -> None:
    assert said in louro(tmp_path, *words, fails=True)
