"""A server that has upstreams of its own: some models go there, the others stay."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from msgspec import structs
from tests.relay.conftest import UPSTREAM_KEY
from tests.serving import SCRIPTED, Serving

from louro.client import ConnectionFailed, RealtimeClient
from louro.config import ConfigProblem, Settings, UpstreamSettings, read_settings
from louro.protocol.session import RealtimeSession
from louro.server import load_engines, make_server
from louro.store.sql import Store

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(60)]
NOW = 1_700_000_000.0


@pytest.fixture
def behind_name(behind: Serving, monkeypatch: pytest.MonkeyPatch) -> UpstreamSettings:
    monkeypatch.setenv("ELSEWHERE_KEY", UPSTREAM_KEY)
    return UpstreamSettings(
        url=behind.address, models=("gpt-*",), model="from-behind", key_env="ELSEWHERE_KEY"
    )


@pytest.fixture
def served(tmp_path: Path, behind_name: UpstreamSettings) -> Iterator[tuple[Serving, str]]:
    place = str(tmp_path / "louro.db")
    store = Store.open(place)
    _, key = store.keys.create("app", project="p", scopes=("realtime",), expires_at=None, now=NOW)
    store.close()
    settings = structs.replace(SCRIPTED, store=place, upstreams={"elsewhere": behind_name})
    with Serving(settings, load_engines(settings, lambda _: None)) as serving:
        yield serving, key


async def model_of(serving: Serving, key: str, model: str) -> str:
    async with RealtimeClient(serving.address, api_key=key, model=model, env_file=None) as client:
        assert isinstance(client.session, RealtimeSession)
        return client.session.model


async def test_a_model_of_an_upstream_goes_there_and_any_other_stays(served: tuple[Serving, str]) -> None:
    serving, key = served
    assert await model_of(serving, key, "gpt-realtime") == "from-behind"
    assert await model_of(serving, key, "louro") == "louro"
    with pytest.raises(ConnectionFailed) as refused:
        await model_of(serving, "sk-wrong", "gpt-realtime")
    assert refused.value.code == "invalid_api_key"


async def test_an_ephemeral_key_is_of_its_model_wherever_that_is(served: tuple[Serving, str]) -> None:
    serving, key = served
    async with httpx.AsyncClient(timeout=10) as http:
        for model, shown in (("gpt-realtime", "from-behind"), ("louro", "louro")):
            session = {"type": "realtime", "model": model, "instructions": "Be brief."}
            made = await http.post(
                f"{serving.address}/v1/realtime/client_secrets",
                json={"session": session},
                headers={"Authorization": f"Bearer {key}"},
            )
            ephemeral = made.json()["value"]
            for asked in ("louro", "gpt-5-expensive"):
                if shown == "louro" and asked != "louro":
                    continue  # any name is taken for our own
                assert await model_of(serving, ephemeral, asked) == shown


async def test_what_is_used_there_is_counted_here(served: tuple[Serving, str], tmp_path: Path) -> None:
    serving, key = served
    async with RealtimeClient(serving.address, api_key=key, model="gpt-realtime", env_file=None) as client:
        await client.send_user_message("hello")
        await client.wait_until_quiet()
    import anyio.to_thread  # noqa: PLC0415

    def counted() -> dict[str, int]:
        store = Store.open(str(tmp_path / "louro.db"))
        try:
            return {one.name: one.entries.get("response", 0) for one in store.ledger.usage(0, 4e9, "model")}
        finally:
            store.close()

    assert (await anyio.to_thread.run_sync(counted))["from-behind"] == 1


def test_an_upstream_without_its_key_is_told_at_the_start(behind_name: UpstreamSettings) -> None:
    behind = structs.replace(behind_name, key_env="NOT_SET_ANYWHERE")
    settings = structs.replace(SCRIPTED, upstreams={"elsewhere": behind})
    with pytest.raises(ConfigProblem, match="NOT_SET_ANYWHERE"):
        make_server(settings, load_engines(settings, lambda _: None), lambda _: None)


def test_upstreams_are_read_from_the_file(tmp_path: Path) -> None:
    file = tmp_path / "louro.toml"
    file.write_text('[upstreams.openai]\nmodels = ["gpt-realtime*"]\nmax_minutes = 30\n', encoding="utf-8")
    found: Settings = read_settings(file, {}, {})
    assert found.upstreams["openai"] == UpstreamSettings(models=("gpt-realtime*",), max_minutes=30)
