"""How weights get onto the disk, without a network: servers, archives and package clients of our own."""

from __future__ import annotations

import hashlib
import re
import subprocess
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from louro.engines import catalogue, fetching
from louro.engines.base import ConfigError
from louro.engines.catalogue import CatalogueModel, ModelFile

CONTENT = bytes(range(256)) * 40
NAME = "weights.bin"


def one_file(url: str | None = None, mirror: tuple[str, ...] = ()) -> ModelFile:
    return ModelFile(NAME, len(CONTENT), hashlib.sha256(CONTENT).hexdigest(), url, mirror)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LOURO_MODELS", str(tmp_path / "models"))
    return tmp_path / "models" / "tiny"


@pytest.fixture
def offer(monkeypatch: pytest.MonkeyPatch) -> Offer:
    return Offer(monkeypatch)


class Offer:
    """Makes the catalogue consist of one model of given files."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._monkeypatch = monkeypatch

    def __call__(self, *files: ModelFile) -> None:
        tiny = CatalogueModel("tiny", "MIT", ("en",), "A test.", files)
        self._monkeypatch.setattr(catalogue, "models", lambda: (tiny,))


def get(source: Path | str | None = None) -> list[tuple[str, int, int]]:
    seen: list[tuple[str, int, int]] = []
    files = fetching.get(
        "tiny", lambda *progress: seen.append(progress), None if source is None else str(source)
    )
    assert files.path(NAME).read_bytes() == CONTENT
    return seen


class Server:
    """Serves one file, in ranges if it is asked to; counts what it sends."""

    def __init__(self, content: bytes, ranges: bool = True) -> None:
        self.asked: list[str | None] = []
        outer = self

        class Answer(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                wanted = self.headers["Range"]
                outer.asked.append(wanted)
                start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and ranges else 0
                self.send_response(206 if start else 200)
                self.send_header("Content-Length", str(len(content) - start))
                self.end_headers()
                self.wfile.write(content[start:])

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self.url = f"http://127.0.0.1:{self._server.server_port}/{NAME}"

    def __enter__(self) -> Server:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(CONTENT) as serving:
        yield serving


def unused_url() -> str:
    with Server(b"") as gone:
        return gone.url


# A source of the user's own


def test_a_folder_is_a_source(offer: Offer, tmp_path: Path) -> None:
    offer(one_file())
    (tmp_path / NAME).write_bytes(CONTENT)
    assert get(tmp_path)[-1] == (NAME, len(CONTENT), len(CONTENT))
    assert catalogue.find("tiny").path(NAME).exists()


@pytest.mark.parametrize("inside", [NAME, f"deep/down/{NAME}"])
def test_a_zip_is_a_source(offer: Offer, tmp_path: Path, inside: str) -> None:
    offer(one_file())
    with zipfile.ZipFile(tmp_path / "all.whl", "w") as packed:
        packed.writestr(inside, CONTENT)
    get(tmp_path / "all.whl")


def test_a_tar_is_a_source(offer: Offer, tmp_path: Path) -> None:
    offer(one_file())
    (tmp_path / NAME).write_bytes(CONTENT)
    with tarfile.open(tmp_path / "all.tgz", "w:gz") as packed:
        packed.add(tmp_path / NAME, f"package/{NAME}")
    get(tmp_path / "all.tgz")


def test_what_is_there_is_not_fetched_again(offer: Offer, tmp_path: Path) -> None:
    offer(one_file())
    (tmp_path / NAME).write_bytes(CONTENT)
    get(tmp_path)
    assert get("/nowhere") == []


@pytest.mark.parametrize("wrong", [CONTENT[:-1], CONTENT[::-1], CONTENT + b"more", b""])
def test_wrong_bytes_never_become_a_model(offer: Offer, tmp_path: Path, folder: Path, wrong: bytes) -> None:
    offer(one_file())
    (tmp_path / NAME).write_bytes(wrong)
    with pytest.raises(ConfigError, match="could not be had anywhere"):
        get(tmp_path)
    assert not [path for path in folder.rglob("*") if path.is_file()]
    assert not catalogue.is_here(catalogue.model("tiny"))


def test_a_broken_archive_is_a_refusal_and_no_crash(offer: Offer, tmp_path: Path) -> None:
    offer(one_file())
    (tmp_path / "all.zip").write_bytes(b"PK\x03\x04 and no more")
    with pytest.raises(ConfigError, match="could not be had anywhere"):
        get(tmp_path / "all.zip")


def test_a_folder_that_cannot_be_written_names_the_cure(
    offer: Offer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    offer(one_file())
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("LOURO_MODELS", str(tmp_path / "file"))
    with pytest.raises(ConfigError, match="LOURO_MODELS"):
        get(tmp_path)


# Over HTTP


def test_the_publisher_is_a_source(offer: Offer, server: Server) -> None:
    offer(one_file(server.url))
    assert get()[-1] == (NAME, len(CONTENT), len(CONTENT))


def test_an_url_prefix_of_the_users_goes_first(offer: Offer, server: Server) -> None:
    offer(one_file(unused_url()))
    get(server.url.removesuffix(NAME))
    assert server.asked == [None]


def test_a_broken_off_download_is_gone_on_with(offer: Offer, server: Server, folder: Path) -> None:
    offer(one_file(server.url))
    folder.mkdir(parents=True)
    (folder / f"{NAME}.partial").write_bytes(CONTENT[:1000])
    get()
    assert server.asked == ["bytes=1000-"]


def test_a_server_without_ranges_is_read_from_the_start(offer: Offer, folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / f"{NAME}.partial").write_bytes(CONTENT[:1000])
    with Server(CONTENT, ranges=False) as server:
        offer(one_file(server.url))
        get()


@pytest.mark.parametrize("spoilt", [b"spoilt", b"x" * len(CONTENT), b"x" * (len(CONTENT) + 5)])
def test_a_spoilt_beginning_is_thrown_away(offer: Offer, server: Server, folder: Path, spoilt: bytes) -> None:
    offer(one_file(server.url))
    folder.mkdir(parents=True)
    (folder / f"{NAME}.partial").write_bytes(spoilt)
    get()
    assert server.asked[-1] is None


def test_a_server_that_sends_too_much_is_refused(offer: Offer, folder: Path) -> None:
    with Server(CONTENT * 300) as server:
        offer(one_file(server.url))
        with pytest.raises(ConfigError, match="more bytes"):
            get()
    assert not [path for path in folder.rglob("*") if path.is_file()]


def test_a_host_that_is_gone_is_asked_once_and_told_of(offer: Offer, tmp_path: Path) -> None:
    url = unused_url()
    other = ModelFile("other.bin", 1, hashlib.sha256(b"o").hexdigest(), url)
    offer(one_file(url, ("pypi:p==1:p/part0",)), other)
    folder = catalogue.models_folder() / "tiny" / fetching.PACKAGES
    folder.mkdir(parents=True)
    (folder / f"{NAME}.part0").write_bytes(CONTENT)
    lines: list[str] = []
    with pytest.raises(ConfigError, match="did not answer before"):
        fetching.get("tiny", lambda *_: None, None, lines.append)
    assert [line.split(":")[0] for line in lines] == [NAME, "other.bin"]


# From packages


class Registry:
    """Stands in for pip and npm: puts an archive where it was asked to, and counts."""

    def __init__(self, archives: dict[str, dict[str, bytes]]) -> None:
        self.archives = archives
        self.asked: list[str] = []

    def run(self, command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        package = next(word for word in reversed(command) if re.fullmatch(r"\w+[=@]+[\d.]+", word))
        self.asked.append(package)
        if package not in self.archives:
            return subprocess.CompletedProcess(command, 1, "", f"ERROR: no {package}\n")
        option = "--dest" if "--dest" in command else "--pack-destination"
        with zipfile.ZipFile(Path(command[command.index(option) + 1]) / "package.whl", "w") as packed:
            for name, content in self.archives[package].items():
                packed.writestr(name, content)
        return subprocess.CompletedProcess(command, 0, "", "")


PARTS = ("pypi:one==1.0:one/part1.bin", "pypi:two==1.0:two/part2.bin")


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> Registry:
    stand_in = Registry(
        {"one==1.0": {"one/part1.bin": CONTENT[:4000]}, "two==1.0": {"two/part2.bin": CONTENT[4000:]}}
    )
    monkeypatch.setattr(subprocess, "run", stand_in.run)
    return stand_in


def test_parts_of_packages_are_put_together(offer: Offer, registry: Registry, folder: Path) -> None:
    offer(one_file(mirror=PARTS))
    seen = get()
    assert (NAME, 4000, len(CONTENT)) in seen
    assert [path.name for path in folder.iterdir()] == [NAME]


def test_a_finished_part_is_kept_for_the_next_attempt(offer: Offer, registry: Registry) -> None:
    offer(one_file(mirror=PARTS))
    second = registry.archives.pop("two==1.0")
    with pytest.raises(ConfigError, match=r"no two==1\.0"):
        get()
    registry.archives["two==1.0"] = second
    get()
    assert registry.asked == ["one==1.0", "two==1.0", "two==1.0"]


def test_a_package_with_several_files_is_fetched_once(offer: Offer, registry: Registry) -> None:
    small = ModelFile(
        "small.bin", 5, hashlib.sha256(b"small").hexdigest(), None, ("pypi:both==1:both/small.bin",)
    )
    offer(one_file(mirror=(f"pypi:both==1:both/{NAME}",)), small)
    registry.archives["both==1"] = {f"both/{NAME}": CONTENT, "both/small.bin": b"small"}
    get()
    assert registry.asked == ["both==1"]


def test_a_package_with_other_bytes_is_refused(offer: Offer, registry: Registry) -> None:
    offer(one_file(mirror=PARTS))
    registry.archives["two==1.0"] = {"two/part2.bin": CONTENT[4000:][::-1]}
    with pytest.raises(ConfigError, match="not the right ones"):
        get()


def test_a_package_without_the_file_is_refused_and_not_kept(offer: Offer, registry: Registry) -> None:
    offer(one_file(mirror=PARTS))
    registry.archives["one==1.0"] = {"one/else.bin": b""}
    with pytest.raises(ConfigError, match=r"has no one/part1\.bin"):
        get()
    registry.archives["one==1.0"] = {"one/part1.bin": CONTENT[:4000]}
    get()


def test_a_missing_npm_is_told(offer: Offer, monkeypatch: pytest.MonkeyPatch) -> None:
    offer(one_file(mirror=(f"npm:voices@1.0.0:package/{NAME}",)))
    monkeypatch.setattr("shutil.which", lambda _: None)
    with pytest.raises(ConfigError, match="npm is not installed"):
        get()


def test_the_clients_run_nothing_of_what_they_fetch(offer: Offer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda _: "npm")
    assert "--only-binary=:all:" in fetching._command("pypi", "one==1.0", Path())
    assert "--ignore-scripts" in fetching._command("npm", "one@1.0.0", Path())
