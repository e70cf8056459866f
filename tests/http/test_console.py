"""The page at `/`, and which pages may use the server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient
from tests.serving import SCRIPTED, Serving

from louro.http.console import add_console
from louro.server import load_engines
from louro.transports.door import Refusal, check_origin

HOST = {"host": "louro.example:8765"}


@pytest.fixture(scope="module")
def scripted() -> Iterator[Serving]:
    with Serving(SCRIPTED, load_engines(SCRIPTED, lambda _: None)) as serving:
        yield serving


def page_of(built: Path) -> TestClient:
    app = FastAPI()
    add_console(app, built)
    return TestClient(app)


def test_without_a_build_the_page_says_how_to_make_one(tmp_path: Path) -> None:
    told = page_of(tmp_path).get("/")
    assert told.status_code == 200
    assert "make console-build" in told.text


def test_the_page_is_asked_for_anew_and_what_it_loads_is_kept(tmp_path: Path) -> None:
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text("<title>Louro</title>")
    (tmp_path / "assets" / "index-abc.js").write_text("1")
    page = page_of(tmp_path)
    told = page.get("/")
    assert told.text == "<title>Louro</title>"
    assert told.headers["cache-control"] == "no-cache"
    assert "frame-ancestors 'none'" in told.headers["content-security-policy"]
    assert "immutable" in page.get("/assets/index-abc.js").headers["cache-control"]
    assert page.get("/assets/../index.html").status_code == 404
    assert page.get("/assets/none.js").status_code == 404


def test_what_the_page_loads_travels_compressed(tmp_path: Path) -> None:
    (tmp_path / "assets").mkdir()
    (tmp_path / "assets" / "index-abc.js").write_text("let parrot = 1;\n" * 1000)
    told = page_of(tmp_path).get("/assets/index-abc.js", headers={"Accept-Encoding": "gzip"})
    assert told.headers["content-encoding"] == "gzip"
    assert int(told.headers["content-length"]) < len(told.content) / 10


@pytest.mark.parametrize(
    "origin",
    [
        None,
        "http://localhost:3000",
        "https://127.0.0.1",
        "http://[::1]:80",
        "http://louro.example:8765",
        "https://app.example",
    ],
)
def test_these_pages_may_connect(origin: str | None) -> None:
    check_origin({**HOST, **({"origin": origin} if origin else {})}, ["https://app.example"])


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "http://localhost.evil.example",
        "http://localhost:3000.evil.example",
        "null",
        "https://app.example.evil",
    ],
)
def test_other_pages_may_not(origin: str) -> None:
    with pytest.raises(Refusal, match="may not connect"):
        check_origin({**HOST, "origin": origin}, ["https://app.example"])
    check_origin({**HOST, "origin": origin}, ["*"])


@pytest.mark.anyio
async def test_another_hosts_page_gets_no_socket_and_no_answer(scripted: Serving) -> None:
    from websockets.asyncio.client import connect  # noqa: PLC0415

    url = f"{scripted.websocket}/v1/realtime?model=m"
    async with connect(url, additional_headers={"Origin": "https://evil.example"}) as socket:
        assert "origin_not_allowed" in str(await socket.recv())
    async with connect(url, additional_headers={"Origin": "http://localhost:3000"}) as socket:
        assert "session.created" in str(await socket.recv())
    async with httpx.AsyncClient(base_url=scripted.address) as http:
        for origin, allowed in (("https://evil.example", False), ("http://localhost:3000", True)):
            asked = {"Origin": origin, "Access-Control-Request-Method": "POST"}
            told = await http.options("/v1/realtime/client_secrets", headers=asked)
            assert ("access-control-allow-origin" in told.headers) is allowed
