"""The web console's files, as they were built; without them, a page that says how to build them."""

from __future__ import annotations

from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import FileResponse, HTMLResponse, Response
from starlette.middleware.gzip import GZipMiddleware
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

BUILT = Path(__file__).parent / "console"
POLICY = "; ".join(
    (
        "default-src 'self'",
        # Tools that the user writes are run here, in a worker of the user's own page.
        "script-src 'self' blob:",
        "worker-src 'self' blob:",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "media-src 'self' data: blob:",
        "font-src 'self' data:",
        # The user may talk to any Realtime server, and ask any service for the weather.
        "connect-src *",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    )
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}
FOR_EVER = "public, max-age=31536000, immutable"
NOT_BUILT = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Louro</title>
<style>
  body { font: 1.1rem/1.5 system-ui, sans-serif; max-width: 36rem; margin: 15vh auto; padding: 0 1.5rem;
         background: #0d1411; color: #e6ebe4 }
  h1 { color: #4cc26b } code { background: #1a2721; padding: .15rem .4rem; border-radius: .3rem }
</style>
<h1>Louro is running</h1>
<p>The Realtime API is at <code>/v1/realtime</code>. The web console has not been built in this checkout.
<p>With Node.js 20 or newer, run <code>make console-build</code>, and load this page again. The packages that are
published have it inside.
</html>
"""


class _Hashed(StaticFiles):
    """Files whose names change with what is in them."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers.update({**HEADERS, "Cache-Control": FOR_EVER})
        return response


def add_console(app: FastAPI, built: Path = BUILT) -> None:
    """Serve it at `/`."""

    @app.get("/", include_in_schema=False)
    def index() -> Response:
        if not (built / "index.html").is_file():
            return HTMLResponse(NOT_BUILT, headers=HEADERS)
        return FileResponse(built / "index.html", headers=HEADERS)

    if (built / "assets").is_dir():
        app.mount("/assets", GZipMiddleware(_Hashed(directory=built / "assets"), compresslevel=6))
