"""The assistant line by line: for pipes, logs and screen readers. Nothing is ever drawn twice."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TextIO

import anyio
import anyio.to_thread

from louro.cli.talk.assistant import Assistant
from louro.cli.talk.transcript import Entry
from louro.cli.talk.words import Words
from louro.client import RealtimeError
from louro.config import ConfigProblem

POLL_S = 0.1
HELP = "/talk, /send, /stop, /mute, /mode, /save [folder], /quit"


class Plain:
    """Reads lines from *source*: messages, or commands that begin with a slash. Its end ends the conversation once
    everything has been answered."""

    def __init__(
        self,
        assistant: Assistant,
        words: Words,
        new_folder: Callable[[], Path],
        source: TextIO = sys.stdin,
        out: TextIO = sys.stdout,
    ) -> None:
        self._assistant = assistant
        self._words = words
        self._new_folder = new_folder
        self._source = source
        self._out = out
        self._told: set[str] = set()
        """Lines that are out, by item and part."""

    async def run(self) -> None:
        """Return when the user has ended it."""
        self.tell(HELP)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._watch)
            await self._read()
            await self._assistant.wait_until_answered()
            tasks.cancel_scope.cancel()
        self._print_news(final=True)

    def tell(self, message: str) -> None:
        """Something that nobody said."""
        self._print(f"* {message}")

    async def _read(self) -> None:
        while line := await anyio.to_thread.run_sync(self._source.readline, abandon_on_cancel=True):
            text = line.strip()
            try:
                if text == "/quit":
                    return
                await self.do(text)
            except (RealtimeError, ConfigProblem) as error:
                self.tell(self._words.error.format(message=error))

    async def do(self, text: str) -> None:
        """One line of the user's."""
        command, _, rest = text.partition(" ")
        match command:
            case "":
                # As in the tutorial: Enter begins, Enter sends.
                if self._assistant.is_by_hand:
                    await (
                        self._assistant.release() if self._assistant.is_pressed else self._assistant.press()
                    )
            case "/talk":
                await self._assistant.press()
            case "/send":
                await self._assistant.release()
            case "/stop":
                await self._assistant.interrupt()
            case "/mute":
                self._assistant.mute()
                self.tell(self._words.muted if self._assistant.is_muted else self._words.states["listening"])
            case "/mode":
                await self._assistant.set_by_hand(not self._assistant.is_by_hand)
                by_hand = self._assistant.is_by_hand
                self.tell(self._words.by_hand_mode if by_hand else self._words.voice_mode)
            case "/save":
                await self._assistant.wait_until_answered()
                folder = Path(rest) if rest else self._new_folder()
                await self._assistant.save(folder)
                self.tell(self._words.saved.format(folder=folder))
            case _ if command.startswith("/"):
                self.tell(HELP)
            case _:
                await self._assistant.wait_until_answered()
                await self._assistant.say(text)

    async def _watch(self) -> None:
        reconnected = 0
        while True:
            await anyio.sleep(POLL_S)
            if self._assistant.reconnected > reconnected:
                reconnected = self._assistant.reconnected
                self.tell(self._words.reconnected)
            self._print_news(final=False)

    def _print_news(self, *, final: bool) -> None:
        for entry in self._assistant.shown():
            for part, line in self._lines(entry, final=final):
                if (name := f"{entry.id} {part}") not in self._told:
                    self._told.add(name)
                    self._print(line)

    def _lines(self, entry: Entry, *, final: bool) -> Iterator[tuple[str, str]]:
        """What can be told of an entry: it will not change any more."""
        is_whole = final or self._assistant.is_whole(entry)
        match entry.speaker:
            case "tool":
                if is_whole:
                    yield "call", f"[{self._words.tool}] {entry.heard}"
                if entry.result is not None:
                    yield "result", f"[{self._words.tool}] -> {entry.result}"
            case "assistant" if is_whole:
                cut = " [...]" if entry.is_cut else ""
                yield "words", f"{self._words.louro}: {entry.heard}{cut}"
            case "user" if is_whole:
                yield "words", f"{self._words.you}: {entry.heard}"
            case _:
                return

    def _print(self, line: str) -> None:
        with suppress(BrokenPipeError):
            print(line, file=self._out, flush=True)
