"""The rows of the catalogue, and where models lie."""

from __future__ import annotations

from pathlib import Path

import pytest

from louro.engines import catalogue
from louro.engines.base import ConfigError


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOURO_MODELS", str(tmp_path / "models"))


def test_every_file_has_a_size_a_hash_and_a_source() -> None:
    for model in catalogue.models():
        assert model.licence
        assert model.note
        assert model.languages
        for file in model.files:
            assert file.size_bytes > 0
            assert len(bytes.fromhex(file.sha256)) == 32
            assert file.url is not None
            assert file.url.startswith("https://")
            assert file.mirror


def test_mirrors_are_pinned_to_exact_versions() -> None:
    for model in catalogue.models():
        for address in (address for file in model.files for address in file.mirror):
            registry, package, inside = address.split(":", 2)
            assert registry in ("pypi", "npm")
            assert ("==" if registry == "pypi" else "@") in package
            assert inside


def test_the_default_models_are_in_the_catalogue() -> None:
    assert set(catalogue.DEFAULT) <= {model.name for model in catalogue.models()}


def test_the_doubtful_licence_of_joe_is_told() -> None:
    assert "non-commercial" in catalogue.model("piper-joe").note


def test_an_unknown_model_is_refused_with_a_cure() -> None:
    with pytest.raises(ConfigError, match="louro models list"):
        catalogue.find("parrot")


def test_a_model_that_is_not_here_names_the_cure() -> None:
    with pytest.raises(ConfigError, match="louro models get silero-vad"):
        catalogue.find("silero-vad")


def test_models_lie_in_the_users_cache_unless_moved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert catalogue.models_folder() == tmp_path / "models"
    monkeypatch.delenv("LOURO_MODELS")
    assert catalogue.models_folder().name == "models"
