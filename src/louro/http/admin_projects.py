"""Projects, their service accounts, and what a project may spend: in OpenAI's shape alone, for its SDKs and tools.

A service account here is one key, and has its id.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Path, Request

from louro.http import admin_models as shown
from louro.http.admin_access import Cursor, Many, gone, key_in, revoke_in, store_of
from louro.store.base import NAME, Key, NewKey
from louro.store.budgets import Budget, Limit, Standing
from louro.store.prices import NANOS_PER_USD

NANOS_PER_CENT = NANOS_PER_USD // 100
ProjectName = Annotated[str, Path(pattern=NAME)]


class ProjectsDesk:
    """*clock* gives Unix time."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock

    def add_to(self, router: APIRouter) -> None:
        accounts = "/projects/{project}/service_accounts"
        spending = "/projects/{project}/spend_limit"
        router.get("/projects")(self.projects)
        router.get("/projects/{project}")(self.project)
        router.get(accounts)(self.accounts)
        router.post(accounts)(self.create_account)
        router.get(f"{accounts}/{{account_id}}")(self.account)
        router.delete(f"{accounts}/{{account_id}}")(self.delete_account)
        router.get(spending)(self.spend_limit)
        router.post(spending)(self.set_spend_limit)
        router.delete(spending)(self.remove_spend_limit)

    def projects(
        self, request: Request, limit: Many = 20, after: Cursor = None
    ) -> shown.Listed[shown.Project]:
        """Those that have keys, and had."""
        return shown.listed(_projects(store_of(request).keys.all()), limit, after)

    def project(self, request: Request, project: str) -> shown.Project:
        """One of them."""
        for one in _projects(store_of(request).keys.all()):
            if one.id == project:
                return one
        raise gone("There is no such project.")

    def accounts(
        self, request: Request, project: str, limit: Many = 20, after: Cursor = None
    ) -> shown.Listed[shown.ProjectServiceAccount]:
        """The keys of a project that are not revoked, oldest first."""
        keys = store_of(request).keys.all()
        theirs = [_account(key) for key in keys if key.project == project and key.revoked_at is None]
        return shown.listed(theirs, limit, after)

    def account(self, request: Request, project: str, account_id: str) -> shown.ProjectServiceAccount:
        """One of them."""
        return _account(key_in(store_of(request), project, account_id))

    def create_account(
        self, request: Request, project: ProjectName, wish: shown.ServiceAccountWish
    ) -> shown.NewServiceAccount:
        """Make a key, and a project if there is none of that name. `api_key.value` is shown this once."""
        now = self._clock()
        expires_at = now + wish.expires_in_seconds if wish.expires_in_seconds is not None else None
        new = NewKey(wish.name, project, ("realtime",), expires_at)
        key, secret = store_of(request).keys.create_limited(new, now)
        api_key = shown.ServiceAccountKey(
            id=key.id,
            name=key.name,
            created_at=int(now),
            value=secret,
            expires_at=None if expires_at is None else int(expires_at),
        )
        return shown.NewServiceAccount(**_account(key).model_dump(), api_key=api_key)

    def delete_account(self, request: Request, project: str, account_id: str) -> shown.Deleted:
        """Revoke the key."""
        revoke_in(store_of(request), project, account_id, self._clock())
        return shown.Deleted(object="organization.project.service_account.deleted", id=account_id)

    def spend_limit(self, request: Request, project: str) -> shown.SpendLimit:
        """The project's budget in money for a month, in cents."""
        now = self._clock()
        for one in store_of(request).budgets.standings(now, None, project):
            if (one.budget.limit.unit, one.budget.limit.per) == ("money", "month"):
                return _spend_limit(one)
        raise gone("This project has no budget for a month.")

    def set_spend_limit(
        self, request: Request, project: ProjectName, wish: shown.SpendLimitWish
    ) -> shown.SpendLimit:
        """Set it."""
        monthly = Limit(wish.threshold_amount * NANOS_PER_CENT, "money", "month")
        store_of(request).budgets.create(Budget("project", project, monthly), self._clock())
        return self.spend_limit(request, project)

    def remove_spend_limit(self, request: Request, project: str) -> shown.SpendLimitDeleted:
        """Take it away."""
        monthly = Budget("project", project, Limit(0, "money", "month"))
        if not store_of(request).budgets.remove(monthly, self._clock()):
            raise gone("This project has no budget for a month.")
        return shown.SpendLimitDeleted()


def _projects(keys: list[Key]) -> list[shown.Project]:
    first: dict[str, int] = {}
    for key in keys:
        first.setdefault(key.project, int(key.created_at))
    return [shown.Project(id=name, name=name, created_at=at) for name, at in first.items()]


def _account(key: Key) -> shown.ProjectServiceAccount:
    return shown.ProjectServiceAccount(id=key.id, name=key.name, created_at=int(key.created_at))


def _spend_limit(standing: Standing) -> shown.SpendLimit:
    return shown.SpendLimit(
        threshold_amount=standing.budget.limit.amount // NANOS_PER_CENT,
        enforcement=shown.Enforcement(status="enforcing" if standing.state == "spent" else "inactive"),
    )
