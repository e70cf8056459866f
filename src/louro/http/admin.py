"""The administrator's API: keys, limits, usage and the audit, in the shape of OpenAI's where it has one."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Coroutine
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from fastapi.routing import APIRoute

from louro.http import admin_models as shown
from louro.http import admin_usage as usage
from louro.http.admin_access import Cursor, Many, gone, key_in, revoke_in, store_of
from louro.http.admin_projects import ProjectsDesk
from louro.http.doorkeeper import Doorkeeper
from louro.http.errors import PROBLEMS
from louro.protocol.errors import ClientError
from louro.store import budgets as rules
from louro.store.base import NAME, Act, Key, NewKey
from louro.store.budgets import Budget, BudgetProblem, Limit, Standing
from louro.store.prices import COMPARED, PriceTable
from louro.transports.caller import caller_of
from louro.transports.door import Refusal

if TYPE_CHECKING:
    from louro.store.sql import Store

KEY_ACTOR = "key "
"""Before a key's name, in the audit."""


ACTIONS: dict[str, shown.AuditType] = {
    "key.create": "api_key.created",
    "key.rotate": "api_key.updated",
    "key.revoke": "api_key.deleted",
    "budget.set": "rate_limit.updated",
    "budget.remove": "rate_limit.deleted",
}
"""What is done, in OpenAI's words."""


class AdminRoute(APIRoute):
    """Takes lists as OpenAI's SDKs write them, too: `group_by[]=model`."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def plain(request: Request) -> Response:
            query = request.scope["query_string"].replace(b"%5B%5D=", b"=").replace(b"[]=", b"=")
            return await handle(Request({**request.scope, "query_string": query}, request.receive))

        return plain


class AdminDesk:
    """*store* is None where no key was ever made: then nobody is an administrator. *clock* gives Unix time."""

    def __init__(
        self,
        doorkeeper: Doorkeeper,
        store: Store | None,
        prices: PriceTable,
        clock: Callable[[], float],
    ) -> None:
        self._doorkeeper = doorkeeper
        self._store = store
        self._prices = prices
        self._clock = clock

    def router(self) -> APIRouter:
        router = APIRouter(
            prefix="/v1/organization",
            tags=["administration"],
            dependencies=[Depends(self.enter)],
            responses=PROBLEMS,
            route_class=AdminRoute,
        )
        keys = "/projects/{project}/api_keys"
        ProjectsDesk(self._clock).add_to(router)
        router.get(keys)(self.keys)
        router.post(keys)(self.create_key)
        router.get(f"{keys}/{{key_id}}")(self.key)
        router.delete(f"{keys}/{{key_id}}")(self.revoke_key)
        router.post(f"{keys}/{{key_id}}/rotate")(self.rotate_key)
        router.get("/limits")(self.limits)
        router.post("/limits")(self.set_limit)
        router.delete("/limits/{limit_id}")(self.remove_limit)
        router.get("/usage/completions")(self.completions)
        router.get("/usage/audio_transcriptions")(self.transcriptions)
        router.get("/costs")(self.costs)
        router.get("/audit_logs")(self.audit)
        return router

    async def enter(self, request: Request) -> None:
        """Raises Refusal: whoever asks is no administrator."""
        caller = caller_of(request.scope)
        boss = await self._doorkeeper.administrator(caller.key, caller.address)
        if self._store is None:
            raise Refusal("invalid_api_key", "This server keeps no accounts.", 3000)
        request.state.store = self._store.acting(f"{KEY_ACTOR}{boss.name}")

    # Keys

    def keys(
        self, request: Request, project: str, limit: Many = 20, after: Cursor = None
    ) -> shown.Listed[shown.ApiKey]:
        """Of a project, oldest first; revoked and expired ones too. The keys themselves are not kept."""
        store = store_of(request)
        limits = store.budgets.of_keys()
        found = [self._shown(key, limits) for key in store.keys.all() if key.project == project]
        return shown.listed(found, limit, after)

    def key(self, request: Request, project: str, key_id: str) -> shown.ApiKey:
        """One key."""
        store = store_of(request)
        return self._shown(key_in(store, project, key_id), store.budgets.of_keys())

    def create_key(
        self, request: Request, project: Annotated[str, Path(pattern=NAME)], wish: shown.ApiKeyWish
    ) -> shown.NewApiKey:
        """Make a key, and a project if there is none of that name. `value` is shown this once."""
        now = self._clock()
        expires_at = now + wish.expires_after.seconds if wish.expires_after is not None else None
        limits = tuple(_parsed(text, f"limits.{number}") for number, text in enumerate(wish.limits))
        new = NewKey(wish.name, project, tuple(dict.fromkeys(wish.scopes)), expires_at, limits)
        return self._made(store_of(request), *store_of(request).keys.create_limited(new, now))

    def rotate_key(self, request: Request, project: str, key_id: str) -> shown.NewApiKey:
        """Revoke a key and make another like it, with the same limits."""
        store = store_of(request)
        key_in(store, project, key_id)
        made = store.keys.rotate(key_id, self._clock(), by_id=True)
        if made is None:
            raise gone("This key is revoked already.")
        return self._made(store, *made)

    def revoke_key(self, request: Request, project: str, key_id: str) -> shown.Deleted:
        """No session begins with it any more; live ones go on."""
        revoke_in(store_of(request), project, key_id, self._clock())
        return shown.Deleted(object="organization.project.api_key.deleted", id=key_id)

    def _made(self, store: Store, key: Key, secret: str) -> shown.NewApiKey:
        return shown.NewApiKey(**self._shown(key, store.budgets.of_keys()).model_dump(), value=secret)

    def _shown(self, key: Key, limits: dict[str, list[str]]) -> shown.ApiKey:
        is_valid = key.is_valid(self._clock())
        account = shown.ServiceAccount(id=key.id, name=key.name, created_at=int(key.created_at))
        return shown.ApiKey(
            id=key.id,
            name=key.name,
            redacted_value=f"{key.prefix}...",
            created_at=int(key.created_at),
            last_used_at=_whole(key.used_at),
            expires_at=_whole(key.expires_at),
            revoked_at=_whole(key.revoked_at),
            owner=shown.Owner(service_account=account),
            owner_project_access="active" if is_valid else "inactive",
            project=key.project,
            scopes=list(key.scopes),
            status="revoked" if key.revoked_at is not None else "active" if is_valid else "expired",
            limits=limits.get(key.id, []),
        )

    # Limits

    def limits(
        self, request: Request, limit: Many = 20, after: Cursor = None
    ) -> shown.Listed[shown.LimitShown]:
        """What keys and projects may use, and how far each is used up."""
        standings = store_of(request).budgets.all_standings(self._clock())
        return shown.listed([_limit(one) for one in standings], limit, after)

    def set_limit(self, request: Request, wish: shown.LimitWish) -> shown.LimitShown:
        """Set one; one of the same owner for the same unit and period is replaced."""
        store, now = store_of(request), self._clock()
        if wish.scope == "key" and not any(key.id == wish.owner for key in store.keys.all()):
            raise gone(f"There is no key '{wish.owner}'.")
        budget = Budget(wish.scope, wish.owner, _parsed(wish.limit, "limit"))
        store.budgets.create(budget, now)
        return next(_limit(one) for one in store.budgets.all_standings(now) if one.budget == budget)

    def remove_limit(self, request: Request, limit_id: str) -> shown.Deleted:
        """Take one away."""
        budgets = store_of(request).budgets
        found = next((one for one in budgets.all() if _limit_id(one) == limit_id), None)
        if found is None or not budgets.remove(found, self._clock()):
            raise gone("There is no such limit.")
        return shown.Deleted(object="organization.limit.deleted", id=limit_id)

    # Usage

    def completions(
        self, request: Request, query: Annotated[usage.UsageQuery, Query()]
    ) -> shown.Page[shown.Completions]:
        """What was used: tokens, sound, and what it cost."""
        read = partial(store_of(request).ledger.usage_in, filters=usage.filters_of(query))
        today = datetime.fromtimestamp(self._clock(), UTC).date()
        told = partial(
            usage.completions, elsewhere=self._prices.price_for(COMPARED, today), elsewhere_name=COMPARED
        )
        return usage.page_of(query, self._clock(), read, told)

    def transcriptions(
        self, request: Request, query: Annotated[usage.UsageQuery, Query()]
    ) -> shown.Page[shown.Transcriptions]:
        """What was written down of what users said."""
        filters = replace(usage.filters_of(query), kind="transcription")
        read = partial(store_of(request).ledger.usage_in, filters=filters)
        return usage.page_of(query, self._clock(), read, usage.transcriptions)

    def costs(self, request: Request, query: Annotated[usage.CostsQuery, Query()]) -> shown.Page[shown.Costs]:
        """What it cost, by UTC days."""
        read = partial(store_of(request).ledger.usage_in, filters=usage.filters_of(query))
        return usage.page_of(query, self._clock(), read, usage.costs)

    # The audit

    def audit(
        self,
        request: Request,
        limit: Many = 20,
        after: Annotated[str | None, Query(pattern=r"^audit_\d{1,9}$")] = None,
        event_types: Annotated[list[shown.AuditType] | None, Query(max_length=10)] = None,
    ) -> shown.Listed[shown.AuditLog]:
        """Who made, changed and took back keys and limits; newest first."""
        before = int(after.removeprefix("audit_")) if after is not None else None
        actions = (
            None if event_types is None else [one for one, type_ in ACTIONS.items() if type_ in event_types]
        )
        acts = store_of(request).audit(limit=limit + 1, before=before, actions=actions)
        return shown.listed([_act(act) for act in acts], limit, None)


def _parsed(text: str, param: str) -> Limit:
    """Raises ClientError."""
    try:
        return rules.parse_limit(text)
    except BudgetProblem as problem:
        raise ClientError("invalid_value", f"Invalid '{param}': {problem}", param=param) from None


def _limit(one: Standing) -> shown.LimitShown:
    limit = one.budget.limit
    is_counted = limit.per != "session" and not limit.is_rate
    return shown.LimitShown(
        id=_limit_id(one.budget),
        scope=one.budget.scope,
        owner=one.budget.owner,
        limit=str(limit),
        used=rules.shown(limit, one.spent) if is_counted else None,
        state=one.state if is_counted else None,
    )


def _limit_id(budget: Budget) -> str:
    """The same as long as its owner has one for this unit and period, whatever the amount."""
    parts = (budget.scope, budget.owner, budget.limit.unit, budget.limit.per)
    return f"limit_{hashlib.sha256(repr(parts).encode()).hexdigest()[:24]}"


def _act(act: Act) -> shown.AuditLog:
    actor = (
        shown.Actor(type="api_key", name=act.actor.removeprefix(KEY_ACTOR))
        if act.actor.startswith(KEY_ACTOR)
        else shown.Actor(type="session", name=act.actor)
    )
    return shown.AuditLog(
        id=f"audit_{act.id}",
        type=ACTIONS[act.action],
        effective_at=int(act.at),
        actor=actor,
        target=act.target,
        detail=act.detail,
    )


def _whole(at: float | None) -> int | None:
    return None if at is None else int(at)
