"""What can go wrong, as exceptions."""

from __future__ import annotations


class RealtimeError(Exception):
    """The server refused something, or the client did before it was sent.

    *code*, *param* and *event_id* are the protocol's: a name for what is wrong, the path of the field, and the id of
    the client's event. Each is None where the server told none.
    """

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        event_id: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.param = param
        self.event_id = event_id


class ConnectionFailed(RealtimeError):
    """There is no connection, and none can be had. The message names the cure."""
