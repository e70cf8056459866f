"""The command line."""

from __future__ import annotations

from louro.cli.commands import main

__all__ = ["main"]
