"""The administrator's API, by the official SDK where it knows it, and by plain HTTP for the rest."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import anyio
import httpx
import openai
import pytest
from msgspec import structs
from openai import AuthenticationError, NotFoundError, OpenAI, PermissionDeniedError
from tests.serving import SCRIPTED, Serving
from tests.store.recorder import an_entry

from louro.client import ConnectionFailed, RealtimeClient
from louro.server import load_engines
from louro.store.prices import NANOS_PER_USD, Tokens
from louro.store.sql import Store

pytestmark = pytest.mark.timeout(60)
DAY_S = 86_400
NOON = 20_000 * DAY_S + DAY_S // 2


@dataclass
class Office:
    serving: Serving
    store: Store
    boss: str

    def sdk(self, key: str | None = None) -> OpenAI:
        key = self.boss if key is None else key
        return OpenAI(api_key=key, admin_api_key=key, base_url=f"{self.serving.address}/v1", max_retries=0)

    def ask(self, method: str, path: str, body: object = None, key: str | None = None) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.boss if key is None else key}"}
        address = f"{self.serving.address}/v1/organization/{path}"
        return httpx.request(method, address, headers=headers, json=body, timeout=10)


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    place = str(tmp_path / "louro.db")
    store = Store.open(place)
    scopes = ("admin", "realtime")
    _, boss = store.keys.create("boss", project="default", scopes=scopes, expires_at=None, now=NOON)
    settings = structs.replace(SCRIPTED, store=place)
    with Serving(settings, load_engines(settings, lambda _: None)) as serving:
        yield Office(serving, store, boss)
    store.close()


def opens(office: Office, key: str) -> bool:
    async def connect() -> None:
        async with RealtimeClient(office.serving.address, api_key=key, env_file=None):
            pass

    try:
        anyio.run(connect)
    except ConnectionFailed:
        return False
    return True


def test_a_key_is_made_shown_once_rotated_and_revoked(office: Office) -> None:
    wish = {
        "name": "desk",
        "scopes": ["realtime"],
        "expires_after": {"seconds": 3600},
        "limits": ["5 USD/day"],
    }
    made = office.ask("POST", "projects/shop/api_keys", wish).json()
    assert opens(office, made["value"])
    api = office.sdk().admin.organization.projects.api_keys
    (listed,) = api.list("shop").data
    assert (listed.id, listed.name, listed.redacted_value) == (made["id"], "desk", f"{made['value'][:14]}...")
    assert listed.expires_at == listed.created_at + 3600
    assert listed.owner.service_account is not None and listed.owner.service_account.name == "desk"
    assert made["value"] not in office.ask("GET", "projects/shop/api_keys").text
    turned = office.ask("POST", f"projects/shop/api_keys/{made['id']}/rotate").json()
    assert turned["limits"] == ["5 USD/day"]
    assert not opens(office, made["value"]) and opens(office, turned["value"])
    assert api.retrieve(turned["id"], project_id="shop").owner_project_access == "active"
    assert api.delete(turned["id"], project_id="shop").deleted
    assert not opens(office, turned["value"])
    states = [one["status"] for one in office.ask("GET", "projects/shop/api_keys").json()["data"]]
    assert states == ["revoked", "revoked"]
    with pytest.raises(NotFoundError, match="revoked already"):
        api.delete(turned["id"], project_id="shop")


def test_the_official_sdk_makes_and_takes_back_keys_of_its_own(office: Office) -> None:
    projects = office.sdk().admin.organization.projects
    made = projects.service_accounts.create("shop", name="till", expires_in_seconds=3600)
    assert made.api_key is not None
    assert opens(office, made.api_key.value)
    assert made.api_key.expires_at == made.api_key.created_at + 3600
    assert projects.retrieve("shop").name == "shop"
    assert [one.id for one in projects.service_accounts.list("shop")] == [made.id]
    assert projects.service_accounts.retrieve(made.id, project_id="shop").name == "till"
    assert projects.service_accounts.delete(made.id, project_id="shop").deleted
    assert not opens(office, made.api_key.value)
    assert list(projects.service_accounts.list("shop")) == []
    for gone in (
        lambda: projects.retrieve("nowhere"),
        lambda: projects.service_accounts.delete(made.id, project_id="shop"),
    ):
        with pytest.raises(NotFoundError):
            gone()


def test_the_official_sdk_says_what_a_project_may_spend(office: Office) -> None:
    spending = office.sdk().admin.organization.projects.spend_limit
    with pytest.raises(NotFoundError):
        spending.retrieve("shop")
    made = spending.update("shop", threshold_amount=500, currency="USD", interval="month")
    assert (made.threshold_amount, made.enforcement.status) == (500, "inactive")
    assert [str(one.limit) for one in office.store.budgets.all()] == ["5 USD/month"]
    spending.update("shop", threshold_amount=0, currency="USD", interval="month")
    assert spending.retrieve("shop").enforcement.status == "enforcing"
    assert spending.delete("shop").deleted
    with pytest.raises(NotFoundError):
        spending.delete("shop")


def test_lists_come_in_pages(office: Office) -> None:
    for number in range(5):
        office.store.keys.create(
            f"key {number}",
            project=f"p{number}",
            scopes=("realtime",),
            expires_at=None,
            now=NOON + 1 + number,
        )
    projects = office.sdk().admin.organization.projects.list(limit=2)
    assert [one.id for one in projects] == ["default", "p0", "p1", "p2", "p3", "p4"]
    wrong = office.ask("GET", "projects?after=nowhere")
    assert (wrong.status_code, wrong.json()["error"]["param"]) == (400, "after")


def test_only_an_administrator_comes_in(office: Office) -> None:
    _, narrow = office.store.keys.create(
        "app", project="default", scopes=("realtime",), expires_at=None, now=NOON
    )
    with pytest.raises(PermissionDeniedError, match="scope 'admin'"):
        office.sdk(narrow).admin.organization.projects.list()
    for nobody in ("sk-lr-nobody", "x"):
        with pytest.raises(AuthenticationError, match="Incorrect API key"):
            office.sdk(nobody).admin.organization.projects.list()
    answer = office.ask("POST", "projects/default/api_keys", {"name": "mine"}, key=narrow)
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "insufficient_scope")
    assert {key.name for key in office.store.keys.all()} == {"boss", "app"}


def test_a_server_without_accounts_says_so(tmp_path: Path) -> None:
    settings = structs.replace(SCRIPTED, store=str(tmp_path / "louro.db"))
    with Serving(settings, load_engines(settings, lambda _: None)) as scripted:
        no_accounts(scripted)


def no_accounts(scripted: Serving) -> None:
    assert httpx.get(f"{scripted.address}/health").json()["accounts"] is False
    answer = httpx.get(f"{scripted.address}/v1/organization/projects", headers={"Authorization": "Bearer x"})
    assert answer.status_code == 401


def test_limits_are_set_shown_and_removed(office: Office) -> None:
    wish = {"scope": "project", "owner": "shop", "limit": "2 USD/month"}
    made = office.ask("POST", "limits", wish).json()
    office.ask("POST", "limits", {**wish, "limit": "60 minutes/session"})
    assert office.ask("POST", "limits", {**wish, "limit": "3 USD/month"}).json()["id"] == made["id"]
    shown = {one["limit"]: one for one in office.ask("GET", "limits").json()["data"]}
    assert set(shown) == {"3 USD/month", "60 minutes/session"}
    assert shown["3 USD/month"]["used"] == "0.00 of 3 USD/month"
    assert shown["60 minutes/session"]["used"] is None
    assert office.ask("DELETE", f"limits/{made['id']}").json()["deleted"]
    assert office.ask("DELETE", f"limits/{made['id']}").status_code == 404


@pytest.mark.parametrize(
    ("path", "body", "param"),
    [
        ("projects/shop/api_keys", {}, "name"),
        ("projects/shop/api_keys", {"name": ""}, "name"),
        ("projects/shop/api_keys", {"name": "a", "scopes": ["everything"]}, "scopes.0"),
        ("projects/shop/api_keys", {"name": "a", "expires_after": {"seconds": 1}}, "expires_after.seconds"),
        ("projects/shop/api_keys", {"name": "a", "limits": ["5 USD/day", "much"]}, "limits.1"),
        ("projects/shop/api_keys", {"name": "a", "colour": "red"}, "colour"),
        ("projects/%00/api_keys", {"name": "a"}, "project"),
        ("limits", {"scope": "project", "owner": "shop", "limit": "5 bananas"}, "limit"),
    ],
)
def test_what_cannot_be_is_told(office: Office, path: str, body: object, param: str) -> None:
    answer = office.ask("POST", path, body)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)
    assert [key.name for key in office.store.keys.all()] == ["boss"]


def test_a_limit_of_nobody_is_refused(office: Office) -> None:
    answer = office.ask("POST", "limits", {"scope": "key", "owner": "key_of_nobody", "limit": "5 USD"})
    assert answer.status_code == 404
    assert office.store.budgets.all() == []


def test_usage_comes_in_days_and_by_whom(office: Office) -> None:
    tokens = Tokens(input_text=10, input_audio=90, cached_audio=40, output_audio=50)
    half = NANOS_PER_USD // 2
    entries = [
        an_entry("a", NOON, project="shop", model="x", tokens=tokens, price_nanos=half),
        an_entry("b", NOON + 60, project="shop", model="y", tokens=tokens, price_nanos=half),
        an_entry("c", NOON + 2 * DAY_S, project="shop", model="x", tokens=tokens, price_nanos=half),
        an_entry("d", NOON, project="fair", model="x", kind="transcription", price_nanos=0),
    ]
    office.store.ledger.record(entries)
    usage = office.sdk().admin.organization.usage
    page = usage.completions(start_time=NOON - 60, end_time=NOON + 3 * DAY_S, limit=2)
    midnight = NOON - DAY_S // 2
    assert [(one.start_time, len(one.results)) for one in page.data] == [
        (midnight, 1),
        (midnight + DAY_S, 0),
    ]
    first = page.data[0].results[0]
    assert first.object == "organization.usage.completions.result"
    assert (first.num_model_requests, first.input_tokens, first.input_audio_tokens) == (2, 200, 100)
    assert page.has_more and page.next_page is not None
    last = usage.completions(start_time=NOON - 60, end_time=NOON + 3 * DAY_S, limit=2, page=page.next_page)
    assert [len(one.results) for one in last.data] == [1, 0] and not last.has_more
    by_model = usage.completions(
        start_time=midnight, end_time=midnight + DAY_S, group_by=["project_id", "model"], models=["x"]
    )
    found = by_model.data[0].results
    assert [getattr(one, "project_id", None) for one in found] == ["fair", "shop"]
    hours = usage.completions(start_time=midnight, end_time=midnight + DAY_S, bucket_width="1h")
    assert [number for number, one in enumerate(hours.data) if one.results] == [12]
    heard = usage.audio_transcriptions(start_time=midnight, end_time=midnight + DAY_S).data[0].results[0]
    assert heard.object == "organization.usage.audio_transcriptions.result"
    assert heard.num_model_requests == 1
    paid = usage.costs(start_time=midnight, end_time=midnight + 3 * DAY_S, group_by=["project_id"])
    amounts = [
        (one.project_id, one.amount.value)
        for bucket in paid.data
        for one in bucket.results
        if one.object == "organization.costs.result" and one.amount is not None
    ]
    assert amounts == [("fair", 0.0), ("shop", 1.0), ("shop", 0.5)]


def test_time_that_cannot_be_is_told(office: Office) -> None:
    usage = office.sdk().admin.organization.usage
    with pytest.raises(openai.BadRequestError, match="end_time"):
        usage.completions(start_time=100, end_time=100)
    with pytest.raises(openai.BadRequestError, match="180"):
        usage.costs(start_time=100, limit=181)
    assert office.ask("GET", "usage/completions?start_time=never").json()["error"]["param"] == "start_time"


def test_the_audit_names_the_administrator(office: Office) -> None:
    made = office.ask("POST", "projects/shop/api_keys", {"name": "desk"}).json()
    office.ask("DELETE", f"projects/shop/api_keys/{made['id']}")
    revoked, created, first = office.ask("GET", "audit_logs").json()["data"]
    assert (revoked["type"], revoked["target"], revoked["actor"]) == (
        "api_key.deleted",
        made["id"],
        {"type": "api_key", "name": "boss"},
    )
    assert (created["type"], first["actor"]["type"]) == ("api_key.created", "session")
    one_by_one = office.sdk().admin.organization.audit_logs.list(limit=1)
    assert [one.id for one in one_by_one] == [revoked["id"], created["id"], first["id"]]
    deleted = office.sdk().admin.organization.audit_logs.list(event_types=["api_key.deleted"])
    assert [one.id for one in deleted] == [revoked["id"]]


def test_no_body_may_be_endless(office: Office) -> None:
    def endless() -> Iterator[bytes]:
        for _ in range(40):
            yield b" " * 65_536

    address = f"{office.serving.address}/v1/organization/limits"
    headers = {"Authorization": f"Bearer {office.boss}", "Content-Type": "application/json"}
    answer = httpx.post(address, content=endless(), headers=headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "request_too_large")
