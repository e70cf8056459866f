"""What an administrator's request is about: the store, and what is in it by that name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, TypeAlias

from fastapi import Query, Request
from starlette.exceptions import HTTPException

from louro.store.base import Key

if TYPE_CHECKING:
    from louro.store.sql import Store

Many: TypeAlias = Annotated[int, Query(ge=1, le=100)]
Cursor: TypeAlias = Annotated[str | None, Query(max_length=200)]


def store_of(request: Request) -> Store:
    """With the administrator in the audit for what is done."""
    store: Store = request.state.store
    return store


def key_in(store: Store, project: str, key_id: str) -> Key:
    """Raises HTTPException: there is none."""
    for key in store.keys.all():
        if (key.id, key.project) == (key_id, project):
            return key
    raise gone("There is no such key in this project.")


def revoke_in(store: Store, project: str, key_id: str, now: float) -> None:
    """Raises HTTPException: there is none that is not revoked."""
    key_in(store, project, key_id)
    if store.keys.revoke(key_id, now, by_id=True) is None:
        raise gone("This key is revoked already.")


def gone(message: str) -> HTTPException:
    return HTTPException(404, message)
