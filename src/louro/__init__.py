"""Louro: a realtime voice API that anyone can run."""

__version__ = "0.1.0"
