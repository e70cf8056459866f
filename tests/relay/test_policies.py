"""What one key may do, and another may not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
from msgspec import structs
from tests.relay.conftest import UPSTREAM_KEY
from tests.serving import SCRIPTED, Serving
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from louro.client import ConnectionFailed, RealtimeClient
from louro.config import ConfigProblem, KeyPolicySettings, UpstreamSettings, policy_of, read_settings
from louro.protocol.session import RealtimeSession
from louro.server import load_engines
from louro.store.sql import Store

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(60)]
NOW = 1_700_000_000.0
POLICIES = {
    "window": KeyPolicySettings(
        keys=("window",),
        models=("gpt-realtime-mini*",),
        instructions="Sell parrots.",
        refuse=("conversation.*",),
    ),
    "short": KeyPolicySettings(projects=("short",), max_minutes=0.01),
}


@dataclass
class Mall:
    """A server with an upstream, and the keys of three shops."""

    serving: Serving
    keys: dict[str, str]

    def client(self, key: str, model: str) -> RealtimeClient:
        return RealtimeClient(
            self.serving.address, api_key=self.keys.get(key, key), model=model, env_file=None, reconnect=False
        )

    async def ephemeral(self, key: str, model: str) -> str:
        wish = {"session": {"type": "realtime", "model": model}}
        async with httpx.AsyncClient(base_url=self.serving.address) as http:
            heads = {"Authorization": f"Bearer {self.keys[key]}"}
            made = await http.post("/v1/realtime/client_secrets", json=wish, headers=heads)
        return str(made.json()["value"])


@pytest.fixture
def mall(tmp_path: Path, behind: Serving, monkeypatch: pytest.MonkeyPatch) -> Iterator[Mall]:
    monkeypatch.setenv("ELSEWHERE_KEY", UPSTREAM_KEY)
    place = str(tmp_path / "louro.db")
    store = Store.open(place)
    keys = {
        name: store.keys.create(name, project=project, scopes=("realtime",), expires_at=None, now=NOW)[1]
        for name, project in (("window", "shop"), ("desk", "shop"), ("kiosk", "short"))
    }
    store.close()
    elsewhere = UpstreamSettings(url=behind.address, models=("gpt-*",), key_env="ELSEWHERE_KEY")
    settings = structs.replace(SCRIPTED, store=place, upstreams={"elsewhere": elsewhere}, policies=POLICIES)
    with Serving(settings, load_engines(settings, lambda _: None)) as serving:
        yield Mall(serving, keys)


async def told(client: RealtimeClient) -> str | None:
    """The instructions, as the app sees them after it has set its own."""
    session = await client.update_session(instructions="Give them away.")
    assert isinstance(session, RealtimeSession)
    return session.instructions


async def test_what_is_pinned_for_one_key_is_not_for_another(mall: Mall) -> None:
    async with mall.client("window", "gpt-realtime-mini") as client:
        assert await told(client) == "", "pinned, and not told"
    async with mall.client("desk", "gpt-realtime-mini") as client:
        assert await told(client) == "Give them away."


async def test_an_ephemeral_key_has_the_policy_of_the_key_that_made_it(mall: Mall) -> None:
    made = await mall.ephemeral("window", "gpt-realtime-mini")
    async with mall.client(made, "gpt-realtime-mini") as client:
        assert await told(client) == ""
    dear = await mall.ephemeral("window", "gpt-realtime-2")
    with pytest.raises(ConnectionFailed, match="not available here"):
        async with mall.client(dear, "gpt-realtime-mini"):
            pass


@pytest.mark.parametrize("model", ["gpt-realtime-2", "louro"])
async def test_a_key_has_its_models_only_wherever_they_are(mall: Mall, model: str) -> None:
    with pytest.raises(ConnectionFailed, match=r"Available: gpt-realtime-mini\*") as refused:
        async with mall.client("window", model):
            pass
    assert refused.value.code == "model_not_found"
    async with mall.client("desk", model) as client:
        assert isinstance(client.session, RealtimeSession)
        assert client.session.model == model


@pytest.mark.parametrize("model", ["gpt-realtime", "louro"])
async def test_sessions_of_a_key_end_when_it_says(mall: Mall, model: str) -> None:
    heads = {"Authorization": f"Bearer {mall.keys['kiosk']}"}
    url = f"{mall.serving.websocket}/v1/realtime?model={model}"
    events: list[dict[str, Any]] = []
    async with connect(url, additional_headers=heads) as socket:
        with anyio.fail_after(10), pytest.raises(ConnectionClosed) as closed:
            while True:
                events.append(json.loads(await socket.recv()))
    assert events[-1]["error"]["code"] == "session_expired"
    assert "0.01 minutes" in events[-1]["error"]["message"]
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1001


def test_policies_are_read_from_the_file(tmp_path: Path) -> None:
    file = tmp_path / "louro.toml"
    file.write_text('[policies.shop]\nprojects = ["shop"]\nmax_minutes = 5\n', encoding="utf-8")
    found = read_settings(file, {}, {})
    assert policy_of(found.policies, None, "shop") == KeyPolicySettings(projects=("shop",), max_minutes=5)
    assert policy_of(found.policies, "shop", "other") is None
    file.write_text("[policies.shop]\nminutes = 5\n", encoding="utf-8")
    with pytest.raises(ConfigProblem, match="minutes"):
        read_settings(file, {}, {})
