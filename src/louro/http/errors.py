"""What is wrong with a request, in the shape that OpenAI's SDKs read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from louro.protocol.errors import ClientError
from louro.transports.door import Refusal

MAX_BODY_BYTES = 1_000_000
"""Of a request. The longest instructions that a session may have are a small part of it."""
_TOO_LARGE = f"The body may have {MAX_BODY_BYTES} bytes."
_STATUS = {
    "origin_not_allowed": 403,
    "insufficient_scope": 403,
    "insufficient_quota": 429,
    "rate_limit_exceeded": 429,
}
_CODES = {404: "not_found", 405: "method_not_allowed", 413: "request_too_large"}


class ErrorBody(BaseModel):
    message: str
    type: str
    param: str | None
    code: str | None


class ErrorAnswer(BaseModel):
    error: ErrorBody


PROBLEMS: dict[int | str, dict[str, Any]] = {
    400: {"model": ErrorAnswer, "description": "Something in the request is wrong; `param` says what."},
    401: {"model": ErrorAnswer, "description": "No key, or one that is unknown, expired or revoked."},
    403: {"model": ErrorAnswer, "description": "The key may not do this."},
    404: {"model": ErrorAnswer, "description": "There is none."},
    413: {"model": ErrorAnswer, "description": "The body is too large."},
    429: {"model": ErrorAnswer, "description": "Too many wrong keys came from this address."},
}
"""For OpenAPI."""


def add_error_shape(app: FastAPI) -> None:
    """Every error of the application's routes gets it."""

    @app.exception_handler(ClientError)
    async def is_wrong(_: Request, error: ClientError) -> JSONResponse:
        return _answer(400, error.code, error.message, error.param)

    @app.exception_handler(Refusal)
    async def is_refused(_: Request, refusal: Refusal) -> JSONResponse:
        return _answer(_STATUS.get(refusal.code, 401), refusal.code, refusal.message)

    @app.exception_handler(RequestValidationError)
    async def is_invalid(_: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        param = _place(first["loc"])
        shown = f"Invalid '{param}': {first['msg']}." if param else f"{first['msg']}."
        return _answer(400, "invalid_value", shown, param)

    @app.exception_handler(ClientDisconnect)
    async def has_gone(_: Request, __: ClientDisconnect) -> Response:
        return Response(status_code=400)

    @app.exception_handler(HTTPException)
    async def is_elsewhere(_: Request, error: HTTPException) -> JSONResponse:
        code = _CODES.get(error.status_code, "invalid_request")
        answer = _answer(error.status_code, code, str(error.detail))
        answer.headers.update(error.headers or {})
        return answer


class BodyLimit:
    """ASGI: no request may have more than MAX_BODY_BYTES."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and _claims(scope) > MAX_BODY_BYTES:
            answer = _answer(413, _CODES[413], _TOO_LARGE)
            answer.headers["connection"] = "close"
            await answer(scope, receive, send)
            return
        received = 0

        async def bounded() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > MAX_BODY_BYTES:
                raise HTTPException(413, _TOO_LARGE)
            return message

        await self._app(scope, bounded if scope["type"] == "http" else receive, send)


def _claims(scope: Scope) -> int:
    """How long its body is said to be."""
    told = dict(scope["headers"]).get(b"content-length", b"")
    return int(told) if told.isdigit() and len(told) < 20 else 0


def _answer(status: int, code: str | None, message: str, param: str | None = None) -> JSONResponse:
    error = {
        "message": _sendable(message),
        "type": "invalid_request_error",
        "param": None if param is None else _sendable(param),
        "code": code,
    }
    return JSONResponse({"error": error}, status)


def _place(loc: Sequence[str | int]) -> str | None:
    return ".".join(str(part) for part in loc[1:]) or None


def _sendable(text: str) -> str:
    """What a client sent may hold half a surrogate pair."""
    return text.encode("utf-8", "replace").decode("utf-8")
