"""Whose fault it is, part one: the client's."""

from __future__ import annotations


class ClientError(Exception):
    """The client asked for what cannot be. Becomes an `error` event; the session goes on.

    *code* and *param* are the protocol's; *event_id* is the client's own id of the offending event.
    """

    def __init__(
        self, code: str | None, message: str, *, param: str | None = None, event_id: str | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.param = param
        self.event_id = event_id


def invalid_value(message: str, param: str) -> ClientError:
    return ClientError("invalid_value", message, param=param)
