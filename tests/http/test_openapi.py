"""What the OpenAPI description promises holds, whatever is asked: schemathesis makes the requests up."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from msgspec import structs
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from tests.serving import SCRIPTED, Serving

from louro.server import load_engines
from louro.store.sql import Store

pytestmark = pytest.mark.timeout(120)
NOW = 1_700_000_000.0
EXAMPLES = int(os.environ.get("LOURO_HTTP_EXAMPLES", "20"))
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


@pytest.fixture(scope="module")
def boss(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Serving, str]]:
    place = str(tmp_path_factory.mktemp("store") / "louro.db")
    store = Store.open(place)
    scopes = ("admin", "realtime")
    _, key = store.keys.create("boss", project="default", scopes=scopes, expires_at=None, now=NOW)
    store.close()
    config = structs.replace(SCRIPTED, store=place)
    with Serving(config, load_engines(config, lambda _: None)) as serving:
        yield serving, key


OPERATIONS = (
    "GET /health",
    "GET /v1/models",
    "POST /v1/realtime/client_secrets",
    "POST /v1/realtime/sessions",
    "POST /v1/realtime/transcription_sessions",
    "GET /v1/organization/projects",
    "GET /v1/organization/projects/{project}",
    "GET /v1/organization/projects/{project}/service_accounts",
    "POST /v1/organization/projects/{project}/service_accounts",
    "GET /v1/organization/projects/{project}/service_accounts/{account_id}",
    "DELETE /v1/organization/projects/{project}/service_accounts/{account_id}",
    "GET /v1/organization/projects/{project}/spend_limit",
    "POST /v1/organization/projects/{project}/spend_limit",
    "DELETE /v1/organization/projects/{project}/spend_limit",
    "GET /v1/organization/projects/{project}/api_keys",
    "POST /v1/organization/projects/{project}/api_keys",
    "GET /v1/organization/projects/{project}/api_keys/{key_id}",
    "DELETE /v1/organization/projects/{project}/api_keys/{key_id}",
    "POST /v1/organization/projects/{project}/api_keys/{key_id}/rotate",
    "GET /v1/organization/limits",
    "POST /v1/organization/limits",
    "DELETE /v1/organization/limits/{limit_id}",
    "GET /v1/organization/usage/completions",
    "GET /v1/organization/usage/audio_transcriptions",
    "GET /v1/organization/costs",
    "GET /v1/organization/audit_logs",
)


@pytest.fixture(scope="module")
def described(boss: tuple[Serving, str]) -> dict[str, Any]:
    schema = schemathesis.openapi.from_url(f"{boss[0].address}/openapi.json")
    found = [one.ok() for one in schema.get_all_operations() if isinstance(one, Ok)]
    return {operation.label: operation for operation in found}


def test_all_is_asked(described: dict[str, Any]) -> None:
    assert set(described) - {"GET /metrics"} == set(OPERATIONS)


@pytest.mark.parametrize("label", OPERATIONS)
def test_every_answer_is_as_described(
    described: dict[str, Any], boss: tuple[Serving, str], label: str
) -> None:
    headers = {"Authorization": f"Bearer {boss[1]}"}

    @given(case=described[label].as_strategy())
    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    def ask(case: Any) -> None:
        case.call_and_validate(headers=headers, checks=CHECKS, timeout=10)

    ask()
