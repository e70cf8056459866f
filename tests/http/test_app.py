"""What is HTTP: health, models, metrics, and a description of itself."""

from __future__ import annotations

import anyio
import httpx
import pytest
from tests.client.conftest import scripted as scripted
from tests.serving import Serving

from louro.client import RealtimeClient

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(30)]


async def get(serving: Serving, path: str) -> httpx.Response:
    async with httpx.AsyncClient(base_url=serving.address, timeout=10) as client:
        return await client.get(path)


async def test_health_counts_the_sessions(scripted: Serving) -> None:
    async with RealtimeClient(scripted.address, env_file=None):
        told = (await get(scripted, "/health")).json()
        assert (told["status"], told["sessions"]) == ("ok", 1)


async def test_models_are_listed_as_openai_lists_them(scripted: Serving) -> None:
    told = (await get(scripted, "/v1/models")).json()
    assert told["object"] == "list"
    assert [model["id"] for model in told["data"]] == ["louro"]


async def test_every_stage_of_a_turn_is_measured(scripted: Serving) -> None:
    async with RealtimeClient(scripted.address, env_file=None) as client:
        await client.send_user_message("Hi.")
        with anyio.fail_after(5):
            await client.wait_until_quiet()
    text = (await get(scripted, "/metrics")).text
    for stage in ("first_token", "first_audio", "done"):
        assert f'stage="{stage}"' in text
    assert "louro_sessions" in text


async def test_the_description_names_every_path(scripted: Serving) -> None:
    told = (await get(scripted, "/openapi.json")).json()
    assert {"/health", "/v1/models", "/metrics"} <= set(told["paths"])


async def test_what_is_not_there_is_not_found(scripted: Serving) -> None:
    assert (await get(scripted, "/v1/nothing")).status_code == 404
