"""`louro talk`: a voice assistant in the terminal."""

from louro.cli.talk.command import talk

__all__ = ["talk"]
