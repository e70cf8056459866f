"""What a client says in its handshake."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import parse_qsl

from starlette.types import Scope

from louro.protocol.wire import Dialect, choose

KEY_SUBPROTOCOL = "openai-insecure-api-key."


@dataclass(frozen=True)
class Caller:
    """What a client says before its first event. Header names are in lower case."""

    headers: dict[str, str]
    subprotocols: tuple[str, ...]
    query: dict[str, str]
    address: str = ""
    """Of its network. No header is believed that says another."""

    @property
    def dialect(self) -> Dialect:
        return choose(self.headers, self.subprotocols, self.query)

    @property
    def key(self) -> str:
        """From the header, Azure's header, or the subprotocol that browsers use; empty if there is none."""
        scheme, _, token = self.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and token:
            return token.strip()
        if "api-key" in self.headers:
            return self.headers["api-key"]
        offered = (name for name in self.subprotocols if name.startswith(KEY_SUBPROTOCOL))
        return next(offered, "").removeprefix(KEY_SUBPROTOCOL)


def caller_of(scope: Scope) -> Caller:
    return Caller(
        headers={name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]},
        subprotocols=tuple(scope.get("subprotocols") or ()),
        query=dict(parse_qsl(scope["query_string"].decode("latin-1"))),
        address=(scope.get("client") or ("", 0))[0],
    )
