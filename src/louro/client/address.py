"""Which server, and how to knock there."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from dotenv import dotenv_values

from louro.client.errors import ConnectionFailed

Dialect = Literal["ga", "beta"]

LOURO_URL = "http://127.0.0.1:8765/v1"
OPENAI_URL = "https://api.openai.com/v1"
DEFAULT_MODEL = {"ga": "gpt-realtime", "beta": "gpt-4o-realtime-preview"}
AZURE_HOSTS = (".openai.azure.com", ".cognitiveservices.azure.com", ".services.ai.azure.com")
AZURE_PREVIEW = "2024-10-01-preview"


@dataclass(frozen=True)
class Address:
    url: str
    """Of the WebSocket, with the query."""
    headers: Mapping[str, str]

    @property
    def shown(self) -> str:
        """For messages: no query, no key."""
        parts = urlsplit(self.url)
        return urlunsplit((parts.scheme, parts.netloc, parts.path, "", ""))

    @property
    def key(self) -> str:
        """Empty if there is none."""
        said = next((self.headers[name] for name in KEY_HEADERS if name in self.headers), "")
        return said.removeprefix("Bearer ")


KEY_HEADERS = ("Authorization", "api-key")


def find(
    url: str | None,
    api_key: str | None,
    model: str | None,
    dialect: Dialect,
    *,
    env_file: str | None = ".env",
    known: Mapping[str, str] | None = None,
) -> Address:
    """What the arguments leave open comes from the environment, then from *env_file*, if there is such a file; or from
    what is *known* of them already.

    `OPENAI_BASE_URL` and `OPENAI_API_KEY`; or `AZURE_OPENAI_ENDPOINT` and `AZURE_OPENAI_API_KEY`. With a key and no
    address it is OpenAI's; with neither, the Louro of this machine.

    Raises:
        ConnectionFailed: the address is none.
    """
    known = environment(env_file) if known is None else known
    azure_url = known.get("AZURE_OPENAI_ENDPOINT")
    key = api_key or known.get("OPENAI_API_KEY") or known.get("AZURE_OPENAI_API_KEY") or ""
    if url is None:
        url = known.get("OPENAI_BASE_URL") or azure_url or (OPENAI_URL if key else LOURO_URL)
    parts = urlsplit(url if "://" in url else f"http://{url}")
    if parts.scheme not in ("http", "https", "ws", "wss") or not parts.netloc:
        raise ConnectionFailed(
            f"'{url}' is no address of a server. One looks like {LOURO_URL} or {OPENAI_URL}."
        )
    is_azure = (parts.hostname or "").endswith(AZURE_HOSTS)
    query = dict(parse_qsl(parts.query))
    headers = (
        {"api-key" if is_azure else "Authorization": key if is_azure else f"Bearer {key}"} if key else {}
    )
    chosen = model or query.get("model") or query.get("deployment") or DEFAULT_MODEL[dialect]
    if is_azure and dialect == "beta":
        query = {"api-version": AZURE_PREVIEW, **query, "deployment": chosen}
    else:
        query["model"] = chosen
    if dialect == "beta" and not is_azure:
        headers["OpenAI-Beta"] = "realtime=v1"
    scheme = {"http": "ws", "https": "wss"}.get(parts.scheme, parts.scheme)
    path = _path(parts.path.rstrip("/"), is_azure=is_azure, dialect=dialect)
    return Address(urlunsplit((scheme, parts.netloc, path, urlencode(query), "")), headers)


def _path(path: str, *, is_azure: bool, dialect: Dialect) -> str:
    if path.endswith("/realtime"):
        return path
    if is_azure:
        return "/openai/realtime" if dialect == "beta" else "/openai/v1/realtime"
    return f"{path or '/v1'}/realtime"


def environment(env_file: str | None) -> dict[str, str]:
    """Of this process; what it lacks, from the file."""
    known: dict[str, str] = {}
    if env_file and Path(env_file).is_file():
        known = {name: value for name, value in dotenv_values(env_file).items() if value}
    return {**known, **{name: value for name, value in os.environ.items() if value}}
