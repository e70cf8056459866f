"""The command line."""

from __future__ import annotations

import sys

__all__ = ["main"]


def main() -> None:
    try:
        from louro.cli.commands import main as run  # noqa: PLC0415 - the client alone comes without what it needs
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("louro"):
            raise
        sys.exit(
            f"louro: the command line needs {error.name}. `pip install 'louro[embedded,audio]'` brings the server with "
            "its models, and sound; `pip install 'louro[server]'` the server alone."
        )
    run()
