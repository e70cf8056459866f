"""What the adapters of OpenAI-compatible servers share: the address, the connections, and what is told when they fail."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import httpx

from louro.engines.base import ConfigError, EngineError
from louro.engines.workers import PerLoop

JsonObject = dict[str, object]

TIMEOUT = httpx.Timeout(60.0, connect=5.0)
"""60 s between two pieces: a server may load its model at the first request."""
LARGEST_ERROR_BYTES = 8192


@dataclass(frozen=True)
class Role:
    """What a server is asked for."""

    name: str
    kind: str
    """As engines are registered: llm, stt or tts."""
    path: str
    example: str

    @property
    def key_name(self) -> str:
        return f"LOURO_{self.kind.upper()}_API_KEY"


THINKS = Role("language model", "llm", "/chat/completions", "openai:http://127.0.0.1:11434/v1#qwen3")
HEARS = Role(
    "speech recognition", "stt", "/audio/transcriptions", "openai:http://127.0.0.1:8000/v1#whisper-1"
)
SPEAKS = Role("speech", "tts", "/audio/speech", "openai:http://127.0.0.1:8000/v1#kokoro")


@dataclass(frozen=True)
class Server:
    url: str
    """Without a slash at the end."""
    model: str
    key: str | None = field(default=None, repr=False)


def read_server(argument: str, role: Role) -> Server:
    """*argument*: `URL#MODEL`, the URL up to and with `/v1`. The key is that of the role, else OPENAI_API_KEY."""
    address, _, model = argument.partition("#")
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or not parts.hostname or not model:
        raise ConfigError(
            f"The {role.kind} engine 'openai' needs the address of a server and a model, as in {role.example}"
        )
    if parts.username or parts.password:
        raise ConfigError(f"Put the server's key into {role.key_name}, not into its address.")
    key = os.environ.get(role.key_name) or os.environ.get("OPENAI_API_KEY")
    return Server(address.partition("?")[0].rstrip("/"), model, key)


class Connections:
    """They stay open from turn to turn, and belong to the event loop that opened them."""

    def __init__(self, server: Server, role: Role, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._server = server
        self._role = role
        self._transport = transport
        self._clients = PerLoop(self._connect)

    def _connect(self) -> httpx.AsyncClient:
        key = self._server.key
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        return httpx.AsyncClient(timeout=TIMEOUT, headers=headers, transport=self._transport)

    @asynccontextmanager
    async def ask(self, **content: Any) -> AsyncIterator[httpx.Response]:
        """The answer to a POST of *content*, as httpx takes it, while it comes. Leaving early closes the request, by
        which servers know to stop.

        Raises:
            EngineError: there was none, or a refusal, or it broke off while it was read here.
        """
        url = f"{self._server.url}{self._role.path}"
        try:
            async with self._clients.get().stream("POST", url, **content) as answer:
                if answer.is_error:
                    raise EngineError(self._refusal(answer.status_code, await _read_error(answer)))
                yield answer
        except httpx.HTTPError as error:
            raise EngineError(self._failure(error)) from error

    async def close(self) -> None:
        """Close those that this event loop opened."""
        client = self._clients.pop()
        if client is not None:
            await client.aclose()

    @property
    def _whose(self) -> str:
        return f"The {self._role.name} server at {self._server.url}"

    def _refusal(self, status: int, said: str) -> str:
        match status:
            case 401 | 403:
                return f"{self._whose} refuses the key. Set {self._role.key_name} to a key that it accepts."
            case 404:
                cure = f"Check the model '{self._server.model}' and that the address ends where {self._role.path} begins"
                return f"{self._whose} does not know what it was asked for. {cure}: {said}"
            case 429:
                return f"{self._whose} has too much to do, or the account is used up: {said}"
            case _:
                return f"{self._whose} answered {status}: {said}"

    def _failure(self, error: httpx.HTTPError) -> str:
        match error:
            case httpx.ConnectError() | httpx.ConnectTimeout():
                return (
                    f"No {self._role.name} server answers at {self._server.url}. "
                    f"Start it, or name another with --{self._role.kind}."
                )
            case httpx.TimeoutException():
                return f"{self._whose} has not gone on for {TIMEOUT.read:.0f} seconds."
            case _:
                return f"The connection to the {self._role.name} server at {self._server.url} broke: {type(error).__name__}."


async def _read_error(answer: httpx.Response) -> str:
    body = b""
    async for block in answer.aiter_bytes():
        body += block
        if len(body) >= LARGEST_ERROR_BYTES:
            break
    text = body[:LARGEST_ERROR_BYTES].decode("utf-8", "replace")
    return reason(json_object(text) or {"error": text.strip()})


def reason(event: JsonObject) -> str:
    """Why a server failed, in its own words."""
    error = event.get("error", event.get("message") or event.get("detail") or "no reason given")
    return str(error.get("message", error) if isinstance(error, dict) else error)[:500]


def json_object(text: str) -> JsonObject | None:
    try:
        value = json.loads(text)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None
