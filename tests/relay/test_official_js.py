"""The official JavaScript SDK, which insists on TLS: at the server, and through a relay in all four pairs of dialects."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme
from msgspec import structs
from tests.conformance.test_js_client import packages as packages
from tests.relay.conftest import UPSTREAM_KEY, Relaying
from tests.serving import SCRIPTED, Serving

from louro.client.address import Dialect
from louro.config import Settings
from louro.relay.endpoint import Upstream
from louro.server import load_engines

HERE = Path(__file__).parents[1] / "conformance" / "js"
pytestmark = [pytest.mark.node, pytest.mark.timeout(400), pytest.mark.usefixtures("packages")]


@pytest.fixture(scope="module")
def trusted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Settings, Path]:
    """Settings with a certificate, and who vouches for it."""
    folder = tmp_path_factory.mktemp("tls")
    authority = trustme.CA()
    identity = authority.issue_cert("127.0.0.1", "localhost")
    identity.private_key_pem.write_to_path(folder / "key.pem")
    identity.cert_chain_pems[0].write_to_path(folder / "cert.pem")
    authority.cert_pem.write_to_path(folder / "ca.pem")
    files = {"tls_cert": str(folder / "cert.pem"), "tls_key": str(folder / "key.pem")}
    return structs.replace(SCRIPTED, **files), folder / "ca.pem"


@pytest.fixture(scope="module", params=["server", "relay to ga", "relay to beta"])
def address(request: pytest.FixtureRequest, trusted: tuple[Settings, Path], behind: Serving) -> Iterator[str]:
    settings, _ = trusted
    if request.param == "server":
        with Serving(settings, load_engines(settings, lambda _: None)) as serving:
            yield serving.address
        return
    spoken: Dialect = "ga" if request.param == "relay to ga" else "beta"
    upstream = Upstream(behind.address, UPSTREAM_KEY, spoken, env_file=None)
    with Relaying(upstream, settings=settings) as relay:
        yield relay.address


@pytest.mark.parametrize("dialect", ["ga", "beta"])
def test_it_talks_calls_and_listens(address: str, dialect: str, trusted: tuple[Settings, Path]) -> None:
    assert shutil.which("node") is not None
    done = subprocess.run(
        ["node", "sdk.mjs", f"{address}/v1", dialect],
        cwd=HERE,
        env={**os.environ, "NODE_EXTRA_CA_CERTS": str(trusted[1])},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    seen: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    assert seen["errors"] == []
    assert seen["types"][:2] == ["session.created", "session.updated"]
    assert seen["text"].startswith("You said: hello there")
    assert seen["calls"] == [[7, 5]]
    assert '{"result":12}' in seen["text"]
    assert seen["spoken"] > 10_000
