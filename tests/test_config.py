"""Settings: where they come from, and what is said about wrong ones."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import msgspec
import pytest

from louro.config import (
    ConfigProblem,
    Settings,
    UpstreamSettings,
    check_exposure,
    is_loopback,
    read_settings,
)

EXAMPLE = Path(__file__).parents[1] / "examples" / "louro.toml"
SETTING = re.compile(r"# ([\w-]+ = |\[[\w.]+\]$)")
OF_ITS_OWN = ("models", "prompts", "instructions")
"""Where the example shows something else than the default."""


def written(folder: Path, text: str) -> Path:
    path = folder / "louro.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_without_a_file_everything_has_a_default(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert read_settings(None, {}, {}) == Settings()


def test_the_command_line_comes_before_the_file(tmp_path: Path) -> None:
    file = written(tmp_path, 'port = 1\nllm = "openai:http://10.0.0.1/v1#m"\napi_keys = ["a"]\n')
    settings = read_settings(file, {"port": 2, "host": None}, {"LOURO_API_KEY": "b"})
    assert (settings.port, settings.llm, settings.host) == (2, "openai:http://10.0.0.1/v1#m", "127.0.0.1")
    assert settings.api_keys == ("a", "b")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("port = 'x'", "port"),
        ("prot = 1", "prot"),
        ("port =", "cannot be read"),
        ("sessions = 0", "at least 1"),
        ("threads = 0", "at least 1"),
        ('tls_cert = "/nowhere.pem"\ntls_key = "/nowhere.pem"', "/nowhere.pem cannot be read"),
    ],
)
def test_what_is_wrong_is_named_with_its_cure(text: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigProblem, match=said):
        read_settings(written(tmp_path, text), {}, {})


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigProblem, match="none\\.toml cannot be read"):
        read_settings(tmp_path / "none.toml", {}, {})


def test_a_certificate_needs_its_key(tmp_path: Path) -> None:
    certificate = tmp_path / "cert.pem"
    certificate.touch()
    with pytest.raises(ConfigProblem, match="both"):
        read_settings(written(tmp_path, f'tls_cert = "{certificate}"'), {}, {})


def test_a_public_address_needs_a_key() -> None:
    settings = Settings(host="0.0.0.0")
    with pytest.raises(ConfigProblem, match="louro keys create"):
        check_exposure(settings, has_keys=False)
    check_exposure(settings, has_keys=True)
    check_exposure(Settings(host="0.0.0.0", api_keys=("k",)), has_keys=False)
    check_exposure(Settings(), has_keys=False)


@pytest.mark.parametrize(
    ("host", "is_ours"),
    [("127.0.0.1", True), ("::1", True), ("localhost", True), ("10.0.0.1", False), ("x", False)],
)
def test_loopback_is_told_from_the_rest(host: str, is_ours: bool) -> None:
    assert is_loopback(host) is is_ours


def test_the_example_has_every_setting_with_its_default() -> None:
    lines = EXAMPLE.read_text(encoding="utf-8").splitlines()
    given = tomllib.loads("\n".join(line.removeprefix("# ") for line in lines if SETTING.match(line)))
    assert set(given) == set(Settings.__struct_fields__)
    named = {
        "upstreams": set(UpstreamSettings.__struct_fields__),
        "policies": {"keys", "projects", "models", "max_minutes", "instructions"},
    }
    for table, names in named.items():
        assert all(set(one) == names for one in given[table].values())
    plain = {name: value for name, value in given.items() if name not in (*named, *OF_ITS_OWN)}
    assert msgspec.convert(plain, Settings) == Settings()
    assert msgspec.convert(given, Settings).upstreams["openai"].models == ("gpt-realtime*",)
