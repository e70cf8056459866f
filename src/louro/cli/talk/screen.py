"""The assistant on the whole terminal."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import ClassVar, TypeAlias

import anyio
from rich.table import Table
from rich.text import Text
from textual.app import App, ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.theme import Theme
from textual.widgets import Footer, Input, Static

from louro.cli.talk.assistant import QUIETEST_DBFS, Assistant
from louro.cli.talk.transcript import Entry
from louro.cli.talk.words import State, Words
from louro.client import RealtimeError
from louro.config import ConfigProblem

REFRESH_S = 0.1
LATEST = 200
"""Items on the screen; `save` writes them all."""
FLOOR_DBFS = -60.0
NOTICE_S = 6.0
METER_WIDTH, SHORT_METER_WIDTH = 16, 8
METER_GAPS = 10
"""Columns: both margins, and around two labels and two bars."""
EIGHTHS = " ▏▎▍▌▋▊▉█"

FEATHERS = Theme(
    name="louro",
    primary="#4cc26b",
    secondary="#f2c14e",
    accent="#4cc26b",
    warning="#f2c14e",
    error="#ef6f5c",
    success="#4cc26b",
    foreground="#e6ebe4",
    background="#0d1411",
    surface="#131d18",
    panel="#1a2721",
    dark=True,
)
MARKS: dict[State, tuple[str, str]] = {
    "loading": ("◌", "#f2c14e"),
    "connecting": ("◌", "#f2c14e"),
    "ready": ("○", "#8fa398"),
    "listening": ("○", "#4cc26b"),
    "hearing": ("●", "#ef6f5c"),
    "thinking": ("◐", "#f2c14e"),
    "working": ("◑", "#f2c14e"),
    "speaking": ("●", "#4cc26b"),
    "over": ("■", "#8fa398"),
}

Work: TypeAlias = Callable[[Assistant], Awaitable[object]]
OpenAssistant = Callable[["TalkScreen"], AbstractAsyncContextManager[Assistant]]


class Message(Input):
    """The line to type in, which shows its own keys."""

    def __init__(self, words: Words) -> None:
        super().__init__(placeholder=words.placeholder, id="message", compact=True)
        self._bindings.key_to_bindings.pop("enter")  # the same, but not shown
        self._bindings.bind("enter", "submit", words.send, show=True)
        self._bindings.bind("escape", "leave", words.leave, show=True)

    def action_leave(self) -> None:
        self.screen.query_one("#conversation").focus()


class TalkScreen(App[None]):
    """*open_assistant* is entered once the screen stands, and left at the end. What it raises is `failure`."""

    TITLE = "louro talk"
    ENABLE_COMMAND_PALETTE = False
    CSS = """
    Screen { background: $background; }
    #top { height: 1; padding: 0 2; background: $panel; }
    #name { width: auto; color: $primary; text-style: bold; }
    #server { width: 1fr; color: $foreground 50%; padding: 0 2; }
    #state { width: auto; text-style: bold; }
    #conversation { height: 1fr; padding: 1 2; scrollbar-size-vertical: 1; align-horizontal: center; }
    #conversation { scrollbar-gutter: stable; }
    #conversation Static { margin: 0 1 1 0; max-width: 100; }
    #hint { color: $foreground 50%; }
    #meters { height: 1; padding: 0 2; background: $surface; }
    #levels { width: 1fr; }
    #figures { width: auto; color: $foreground 60%; }
    #message { border: none; height: 1; padding: 0 2; background: $panel; }
    #message:focus { background: $surface; border: none; }
    Footer { background: $background; padding: 0 1; }
    FooterKey { padding: 0; }
    FooterKey .footer-key--key { padding: 0 1 0 0; }
    FooterKey .footer-key--description { padding: 0 1 0 0; }
    /* Over the conversation, never over what stands below it. */
    ToastRack { dock: top; align: right top; padding: 0; margin: 1 0 0 0; }
    Toast { padding: 0 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = []

    def __init__(
        self, open_assistant: OpenAssistant, words: Words, server: str, new_folder: Callable[[], Path]
    ) -> None:
        super().__init__()
        self._open_assistant = open_assistant
        self._words = words
        self._server = server
        self._new_folder = new_folder
        self.assistant: Assistant | None = None
        """None while it is being opened, and at the end."""
        self._stage = ""
        """What is being loaded."""
        self.drawn: dict[str, Entry] = {}
        """What stands on the screen, by item."""
        self._reconnected = 0
        self._hint: Static | None = None
        self.failure: Exception | None = None
        self._pressing = anyio.Lock()
        self._bind(words)

    def _bind(self, words: Words) -> None:
        keys = (
            ("space", "press", words.talk, words.space),
            ("enter", "release", words.send, None),
            ("t", "type", words.type, None),
            ("escape", "interrupt", words.interrupt, None),
            ("m", "mute", words.mute, None),
            ("p", "push_to_talk", words.push_to_talk, None),
            ("p", "by_voice", words.by_voice, None),
            ("s", "save", words.save, None),
            ("q", "quit", words.quit, None),
        )
        for key, action, label, shown in keys:
            self._bindings.bind(key, action, label, show=True, key_display=shown)
        self._bindings.bind("ctrl+c", "quit", words.quit, show=False, priority=True)

    def compose(self) -> ComposeResult:
        with Horizontal(id="top"):
            yield Static("louro", id="name")
            yield Static(self._server, id="server", markup=False)
            yield Static("", id="state")
        with VerticalScroll(id="conversation", can_focus=True):
            yield Static("", id="hint")
        with Horizontal(id="meters"):
            yield Static("", id="levels")
            yield Static("", id="figures")
        yield Message(self._words)
        yield Footer(compact=True, show_command_palette=False)

    def on_mount(self) -> None:
        self.register_theme(FEATHERS)
        self.theme = "louro"
        self._hint = self.query_one("#hint", Static)
        self.query_one("#conversation").focus()
        self.set_interval(REFRESH_S, self._refresh)
        self.run_worker(self._converse(), exit_on_error=False)

    async def _converse(self) -> None:
        try:
            async with self._open_assistant(self) as assistant:
                self.assistant = assistant
                self._show_hint(assistant)
                self.refresh_bindings()
                await assistant.wait_over()
        except Exception as error:  # noqa: BLE001 - told to whoever started the screen, once it is gone
            self.failure = error
        self.assistant = None
        self.exit()

    def loading(self, what: str) -> None:
        """May be called from any thread."""
        self._stage = what

    def tell(self, message: str) -> None:
        self.notify(message, timeout=NOTICE_S, markup=False)

    def warn(self, message: str) -> None:
        self.notify(message, timeout=NOTICE_S, severity="warning", markup=False)

    def _show_hint(self, assistant: Assistant) -> None:
        if self._hint is None:
            return
        words = self._words
        spoken = words.hint_by_hand if assistant.is_by_hand else words.hint_voice
        self._hint.update(words.hint_silent if assistant.voice is None else spoken)

    # Drawing

    def _refresh(self) -> None:
        if not self.is_running or not self.query("#state"):
            return
        self._draw_state()
        assistant = self.assistant
        if assistant is None:
            return
        if assistant.reconnected > self._reconnected:
            self._reconnected = assistant.reconnected
            self.tell(self._words.reconnected)
        self._draw_meters(assistant)
        self._draw_conversation(assistant.shown(LATEST))

    def _draw_state(self) -> None:
        state: State = self.assistant.state if self.assistant is not None else "loading"
        mark, colour = MARKS[state]
        told = (
            self._words.states[state] if state != "loading" else f"{self._words.states[state]} {self._stage}"
        )
        if self.assistant is not None and self.assistant.is_muted:
            told = f"{told} · {self._words.muted}"
        self.query_one("#state", Static).update(Text(f"{mark} {told}", style=colour))

    def _draw_meters(self, assistant: Assistant) -> None:
        words = self._words
        room = self.size.width - METER_GAPS - len(words.microphone) - len(words.loudspeaker)
        figures = self._figures(assistant, words.latency)
        if assistant.voice is not None and room - len(figures) < 2 * SHORT_METER_WIDTH:
            figures = self._figures(assistant, words.short_latency)
        self.query_one("#figures", Static).update(figures)
        width = max(2, min(METER_WIDTH, (room - len(figures)) // 2))
        self.query_one("#levels", Static).update(self._levels(assistant, width))

    def _levels(self, assistant: Assistant, width: int) -> Text:
        if assistant.voice is None:
            return Text(self._words.no_sound, style="dim")
        heard, said = assistant.levels_dbfs
        text = Text()
        for label, level, colour in (
            (self._words.microphone, heard, "#ef6f5c"),
            (self._words.loudspeaker, said, "#4cc26b"),
        ):
            text.append(f"{label} ", style="dim")
            text.append(bar(level, width), style=f"{colour} on #1a2721")
            text.append("  ")
        return text

    def _figures(self, assistant: Assistant, latency: str) -> Text:
        figures, words = assistant.figures, self._words
        parts = [words.tokens.format(count=figures.tokens)] if figures.tokens else []
        if figures.latency_s is not None:
            parts.insert(0, latency.format(seconds=words.number(figures.latency_s, 2)))
        if figures.nanos:
            usd = words.number(figures.nanos / 1e9, 4)
            parts.append(words.cost.format(usd=usd, model=figures.price.model))
        return Text(" · ".join(parts))

    def _draw_conversation(self, shown: list[Entry]) -> None:
        if {entry.id: entry for entry in shown} == self.drawn:
            return
        conversation = self.query_one("#conversation", VerticalScroll)
        was_at_end = conversation.max_scroll_y - conversation.scroll_y <= 2
        if shown and self._hint is not None:
            self._hint.remove()
            self._hint = None
        for gone in self.drawn.keys() - {entry.id for entry in shown}:
            self.query_one(f"#{_widget(gone)}").remove()
            del self.drawn[gone]
        for place, entry in enumerate(shown):
            if entry.id not in self.drawn:
                self._insert(conversation, shown, place)
            elif self.drawn[entry.id] != entry:
                self.query_one(f"#{_widget(entry.id)}", Static).update(self._drawing(entry))
            self.drawn[entry.id] = entry
        if was_at_end:
            conversation.scroll_end(animate=False)

    def _insert(self, conversation: VerticalScroll, shown: list[Entry], place: int) -> None:
        new = Static(self._drawing(shown[place]), id=_widget(shown[place].id))
        later = next((one for one in shown[place + 1 :] if one.id in self.drawn), None)
        conversation.mount(new, before=f"#{_widget(later.id)}" if later is not None else None)

    def _drawing(self, entry: Entry) -> Table:
        words = self._words
        label, colour = {
            "user": (words.you, "bold #f2c14e"),
            "tool": (words.tool, "#8fa398"),
            "system": ("", ""),
            "assistant": (words.louro, "bold #4cc26b"),
        }[entry.speaker]
        row = Table.grid(padding=(0, 2))
        row.add_column(width=max(map(len, (words.you, words.louro, words.tool))))
        row.add_column(ratio=1)
        row.add_row(Text(label, style=colour), _said(entry))
        return row

    # Keys

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only keys that do something now are shown."""
        assistant = self.assistant
        match action:
            case "press" | "release" | "by_voice":
                return assistant is not None and assistant.is_by_hand
            case "push_to_talk":
                return assistant is not None and assistant.voice is not None and not assistant.is_by_hand
            case "mute":
                return assistant is not None and assistant.voice is not None
            case "type" | "interrupt" | "save":
                return assistant is not None
            case _:
                return True

    def _do(self, work: Work) -> None:
        """Beside the keys: while the connection is being reopened, work waits for it, and the user may want to quit."""
        self.run_worker(self._try(work), exit_on_error=False)

    async def _try(self, work: Work) -> None:
        """What the user asks for may be refused; that is told, and the conversation goes on."""
        if self.assistant is None:
            return
        try:
            await work(self.assistant)
        except (RealtimeError, ConfigProblem) as error:
            self.warn(self._words.error.format(message=error))

    def action_press(self) -> None:
        self._do(self._in_turn(Assistant.press))

    def action_release(self) -> None:
        self._do(self._in_turn(Assistant.release))

    def _in_turn(self, work: Work) -> Work:
        """Once what was begun before is done: nobody releases what is still being pressed."""

        async def do(assistant: Assistant) -> None:
            async with self._pressing:
                await work(assistant)

        return do

    def action_type(self) -> None:
        self.query_one("#message", Input).focus()

    def action_interrupt(self) -> None:
        self._do(Assistant.interrupt)

    def action_mute(self) -> None:
        if self.assistant is not None:
            self.assistant.mute()

    def action_push_to_talk(self) -> None:
        self._set_by_hand(True)

    def action_by_voice(self) -> None:
        self._set_by_hand(False)

    def _set_by_hand(self, by_hand: bool) -> None:
        async def change(assistant: Assistant) -> None:
            await assistant.set_by_hand(by_hand)
            self.tell(self._words.by_hand_mode if by_hand else self._words.voice_mode)
            self._show_hint(assistant)
            self.refresh_bindings()

        self._do(self._in_turn(change))

    def action_save(self) -> None:
        async def save(assistant: Assistant) -> None:
            folder = self._new_folder()
            await assistant.save(folder)
            self.tell(self._words.saved.format(folder=folder))

        self._do(save)

    async def action_quit(self) -> None:
        if self.assistant is None:
            self.exit()
        else:
            self.assistant.end()

    async def on_input_submitted(self, event: Input.Submitted) -> None:
        text = event.value.strip()
        event.input.clear()
        self.query_one("#conversation").focus()
        if text:
            self._do(lambda assistant: assistant.say(text))


def bar(level_dbfs: float, width: int) -> str:
    """As many eighths of a cell as there are decibels between -60 and 0, in proportion; always *width* cells."""
    share = max(0.0, min(1.0, 1 - max(level_dbfs, QUIETEST_DBFS) / FLOOR_DBFS))
    eighths = round(share * width * 8)
    full, rest = divmod(eighths, 8)
    return ("█" * full + (EIGHTHS[rest] if rest else "")).ljust(width)


def _said(entry: Entry) -> Text:
    text = Text(entry.heard, style="#b9c7be" if entry.speaker in ("tool", "system") else "")
    unheard = entry.unheard.lstrip()
    text.append(entry.unheard[: len(entry.unheard) - len(unheard)])
    text.append(unheard, style="strike #76857c" if entry.is_cut else "#7d8d83")
    if entry.result is not None:
        text.append("\n→ ", style="#8fa398")
        text.append(entry.result, style="#ef6f5c" if entry.has_failed else "#4cc26b")
    return text


def _widget(item_id: str) -> str:
    """Of an item's id, which is any text, a name that a style sheet can hold."""
    return "item-" + item_id.encode().hex()
