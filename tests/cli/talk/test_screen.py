"""The screen, driven by keys, at the smallest terminal and at a large one, against a real server."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import anyio
import pytest
from msgspec import structs
from tests.cli.talk.conftest import Room
from tests.client.test_reconnect import Killable, break_link, killable
from tests.serving import SCRIPTED, Serving, sound
from textual.pilot import Pilot
from textual.widgets import Static
from textual.widgets._footer import FooterKey
from textual.widgets._toast import Toast

from louro.cli.talk.opening import Plan, open_assistant
from louro.cli.talk.screen import TalkScreen, _said, bar
from louro.cli.talk.transcript import Entry
from louro.cli.talk.words import ENGLISH, PORTUGUESE, Words
from louro.client import ConnectionFailed, RealtimeClient
from louro.client import connection as connection_module
from louro.client.link import Link
from louro.server import load_engines

__all__ = ["killable"]

pytestmark = pytest.mark.timeout(120)

SMALL, LARGE = (80, 24), (160, 50)
SIZES = pytest.mark.parametrize("size", [SMALL, LARGE], ids=["80x24", "160x50"])


def screen_of(plan: Plan, folder: Path, words: Words = ENGLISH) -> TalkScreen:
    return TalkScreen(
        lambda screen: open_assistant(plan, screen.loading, screen.tell),
        words,
        "a server",
        lambda: folder,
    )


async def until(pilot: Pilot[None], is_so: Callable[[], object]) -> None:
    screen = pilot.app
    assert isinstance(screen, TalkScreen)
    with anyio.move_on_after(20):
        while not is_so():
            await pilot.pause(0.02)
        return
    notices = [one.message for one in screen._notifications]
    raise AssertionError(f"{state_of(screen)} / {screen.failure!r} {notices}\n{text_of(screen)}")


def text_of(screen: TalkScreen) -> str:
    """All that the conversation shows."""
    hint = "".join(str(one.render()) for one in screen.query("#hint").results(Static))
    shown = [screen.drawn[one.id] for one in said(screen) if one.id in screen.drawn]
    lines = [f"{one.heard}{one.unheard}" + (f" → {one.result}" if one.result else "") for one in shown]
    return "\n".join([hint, *lines])


def said(screen: TalkScreen) -> list[Entry]:
    return screen.assistant.shown() if screen.assistant is not None else []


def state_of(screen: TalkScreen) -> str:
    return str(screen.query_one("#state", Static).render())


def last_answer(screen: TalkScreen) -> Entry:
    return next(one for one in reversed(said(screen)) if one.speaker == "assistant")


def keep_picture(screen: TalkScreen, name: str) -> None:
    """For whoever wants to look: LOURO_PICTURES names a folder."""
    if folder := os.environ.get("LOURO_PICTURES"):
        screen.save_screenshot(f"{name}-{screen.size.width}.svg", folder)


@SIZES
@pytest.mark.anyio
async def test_a_whole_conversation(
    size: tuple[int, int], plan: Plan, room: Room, tmp_path: Path, killable: Killable
) -> None:
    screen = screen_of(plan_at(plan, killable.url), tmp_path / "saved")
    async with screen.run_test(size=size) as pilot:
        await until(pilot, lambda: "listening" in state_of(screen))
        assert ENGLISH.hint_voice in text_of(screen)
        # Spoken, and heard to the end.
        room.microphone.hear(sound("capital.flac") + bytes(48_000))
        await until(pilot, lambda: "What is the capital of France?" in text_of(screen))
        await until(pilot, lambda: "speaking" in state_of(screen))
        await until(pilot, lambda: room.plays() and "listening" in state_of(screen))
        assert not last_answer(screen).unheard
        # A tool.
        await pilot.press("t", *"calculate_sum of 7 and 5", "enter")
        await until(pilot, lambda: "calculate_sum(a=7.0, b=5.0) → 12.0" in text_of(screen))
        await until(pilot, lambda: "The result is 12.0." in text_of(screen))
        # An interruption.
        await until(pilot, lambda: "speaking" in state_of(screen))
        room.loudspeaker.play(500)
        keep_picture(screen, "speaking")
        await pilot.press("escape")
        await until(pilot, lambda: last_answer(screen).is_cut)
        room.loudspeaker.play(20)
        cut = last_answer(screen)
        assert cut.heard and cut.unheard
        assert cut.heard + cut.unheard == "The result is 12.0."
        # The server dies and comes back.
        killable.kill()
        await until(pilot, lambda: "connecting" in state_of(screen))
        killable.start()
        await until(pilot, lambda: "listening" in state_of(screen))
        await pilot.press("t", *"are you back", "enter")
        await until(pilot, lambda: "You said: are you back" in text_of(screen))
        await until(pilot, lambda: room.plays() and "listening" in state_of(screen))
        keep_picture(screen, "conversation")
        await pilot.press("s")
        await until(pilot, (tmp_path / "saved" / "conversation.json").exists)
        figures = str(screen.query_one("#figures", Static).render())
        told = "" if size == SMALL else "answered in "
        assert re.fullmatch(rf"{told}\d+\.\d\d s · \d+ tokens · \$0\.\d{{4}} on gpt-realtime", figures)
        assert_it_fits(screen)
        levels = screen.query_one("#levels", Static)
        assert len(str(levels.render())) <= levels.region.width, "a meter is cut off"
        await pilot.press("q")
        await until(pilot, lambda: not screen.is_running)
    assert screen.failure is None


def plan_at(plan: Plan, url: str) -> Plan:
    return Plan(**{**vars(plan), "url": url})


def assert_it_fits(screen: TalkScreen) -> None:
    for widget in screen.query("#top, #conversation, #meters, #message, Footer"):
        assert widget.region.right <= screen.size.width
        assert widget.region.bottom <= screen.size.height
        assert widget.region.height >= 1


@pytest.mark.anyio
async def test_an_answer_that_is_stopped_while_the_server_is_gone_stays_cut(
    plan: Plan, room: Room, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection_module, "FIRST_BACKOFF_S", 0.01)
    screen = screen_of(plan, tmp_path)
    async with screen.run_test(size=SMALL) as pilot:
        await until(pilot, lambda: "listening" in state_of(screen))
        await pilot.press("t", *"tell me " + "la " * 6, "enter")
        await until(pilot, lambda: "speaking" in state_of(screen))
        room.loudspeaker.play(500)
        connection = client_of(screen)._connection
        with monkeypatch.context() as gone:
            gone.setattr(connection, "_open_link", nobody_there)
            break_link(client_of(screen))
            await until(pilot, lambda: "connecting" in state_of(screen))
            await pilot.press("escape")
            room.loudspeaker.play(20)
            await until(pilot, lambda: last_answer(screen).is_cut)
        heard = last_answer(screen).heard
        assert heard
        await until(pilot, lambda: screen._notifications)
        assert [one.message for one in screen._notifications] == [ENGLISH.reconnected]
        assert last_answer(screen).heard == heard
        await pilot.press("q")
        await until(pilot, lambda: not screen.is_running)


async def nobody_there() -> Link:
    raise ConnectionFailed("Nobody answers.")


def client_of(screen: TalkScreen) -> RealtimeClient:
    assert screen.assistant is not None
    return screen.assistant._client


@pytest.mark.anyio
async def test_one_can_quit_while_the_server_is_gone_and_something_waits_for_it(
    plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    screen = screen_of(plan, tmp_path)
    async with screen.run_test(size=SMALL) as pilot:
        await until(pilot, lambda: "listening" in state_of(screen))
        monkeypatch.setattr(client_of(screen)._connection, "_open_link", nobody_there)
        break_link(client_of(screen))
        await until(pilot, lambda: "connecting" in state_of(screen))
        await pilot.press("p", "q")
        await until(pilot, lambda: not screen.is_running)
    assert screen.failure is None


@pytest.mark.anyio
async def test_a_server_that_will_not_have_the_user_back_is_told_when_the_screen_is_gone(
    plan: Plan, tmp_path: Path
) -> None:
    settings = structs.replace(SCRIPTED, api_keys=("sk-right",))
    with Serving(settings, load_engines(settings, lambda _: None)) as serving:
        screen = screen_of(replace(plan, url=serving.address, key="sk-right"), tmp_path)
        async with screen.run_test(size=SMALL) as pilot:
            await until(pilot, lambda: "listening" in state_of(screen))
            client_of(screen).address.headers["Authorization"] = "Bearer sk-wrong"  # type: ignore[index]
            break_link(client_of(screen))
            await until(pilot, lambda: screen.failure is not None)
    assert "Incorrect API key" in str(screen.failure)


@SIZES
@pytest.mark.anyio
async def test_push_to_talk_begins_with_space_and_sends_with_enter(
    size: tuple[int, int], plan: Plan, room: Room, tmp_path: Path
) -> None:
    screen = screen_of(plan, tmp_path)
    async with screen.run_test(size=size) as pilot:
        await until(pilot, lambda: "listening" in state_of(screen))
        await pilot.press("p")
        await until(pilot, lambda: "ready" in state_of(screen))
        room.microphone.hear(sound("capital.flac"))
        await pilot.press("space")
        await until(pilot, lambda: "you speak" in state_of(screen))
        room.microphone.hear(sound("capital.flac"))
        keep_picture(screen, "pressed")
        await pilot.pause(0.2)
        await pilot.press("enter")
        await until(pilot, lambda: "What is the capital of France?" in text_of(screen))
        await until(pilot, lambda: room.plays() and "ready" in state_of(screen))
        await pilot.press("q")


@pytest.mark.anyio
async def test_a_muted_microphone_says_so_and_hears_nothing(plan: Plan, room: Room, tmp_path: Path) -> None:
    screen = screen_of(plan, tmp_path, PORTUGUESE)
    async with screen.run_test(size=SMALL) as pilot:
        await until(pilot, lambda: "ouvindo" in state_of(screen))
        await pilot.press("m")
        await until(pilot, lambda: "mudo" in state_of(screen))
        room.microphone.hear(sound("capital.flac") + bytes(48_000))
        await pilot.press("t", *"bom dia", "enter")
        await until(pilot, lambda: "You said: bom dia" in text_of(screen))
        assert "France" not in text_of(screen)
        keep_picture(screen, "muted")
        await pilot.press("m", "q")


@SIZES
@pytest.mark.anyio
async def test_the_keys_of_the_line_being_typed_are_shown_and_escape_leaves_it(
    size: tuple[int, int], plan: Plan, tmp_path: Path
) -> None:
    screen = screen_of(plan, tmp_path)
    async with screen.run_test(size=size) as pilot:
        await until(pilot, lambda: "listening" in state_of(screen))
        await pilot.press("t", *"hello q")
        shown = {key.description for key in screen.query(FooterKey)}
        assert shown == {ENGLISH.send, ENGLISH.leave}
        await pilot.press("escape")
        assert not screen.query_one("#message").has_focus
        await until(pilot, lambda: {ENGLISH.quit} < {key.description for key in screen.query(FooterKey)})
        await pilot.press("q")


@pytest.mark.anyio
@pytest.mark.parametrize("words", [ENGLISH, PORTUGUESE], ids=["en", "pt"])
async def test_only_keys_that_do_something_are_shown_and_they_fit(
    words: Words, plan: Plan, tmp_path: Path
) -> None:
    screen = screen_of(plan, tmp_path, words)
    async with screen.run_test(size=SMALL) as pilot:
        await until(pilot, lambda: words.states["listening"] in state_of(screen))
        by_voice = [words.type, words.interrupt, words.mute, words.push_to_talk, words.save, words.quit]
        await until(pilot, lambda: keys_of(screen) == by_voice)
        await pilot.press("p")
        by_hand = [words.talk, words.send, *by_voice]
        by_hand[by_hand.index(words.push_to_talk)] = words.by_voice
        await until(pilot, lambda: keys_of(screen) == by_hand)
        keys = list(screen.query(FooterKey))
        assert keys[0].key_display == words.space
        assert max(key.region.right for key in keys) <= screen.size.width
        await pilot.press("p")
        await until(pilot, lambda: keys_of(screen) == by_voice)
        await pilot.press("q")


@pytest.mark.anyio
async def test_without_sound_one_writes_and_nothing_of_sound_is_shown(plan: Plan, tmp_path: Path) -> None:
    screen = screen_of(replace(plan, silent=True), tmp_path)
    async with screen.run_test(size=SMALL) as pilot:
        await until(pilot, lambda: "ready" in state_of(screen))
        assert ENGLISH.hint_silent in text_of(screen)
        shown = [ENGLISH.type, ENGLISH.interrupt, ENGLISH.save, ENGLISH.quit]
        await until(pilot, lambda: keys_of(screen) == shown)
        await pilot.press("t", *"hello", "enter")
        await until(pilot, lambda: "You said: hello" in text_of(screen))
        figures = screen.query_one("#figures", Static)
        await until(pilot, lambda: str(figures.render()).startswith("answered in "))
        await until(pilot, lambda: "gpt-realtime" in str(figures.render()))
        assert_it_fits(screen)
        await pilot.press("q")


def keys_of(screen: TalkScreen) -> list[str]:
    return [key.description for key in screen.query(FooterKey)]


@pytest.mark.anyio
async def test_what_was_heard_before_push_to_talk_is_not_sent_with_a_message(
    plan: Plan, room: Room, tmp_path: Path
) -> None:
    screen = screen_of(plan, tmp_path)
    async with screen.run_test(size=SMALL) as pilot:
        await until(pilot, lambda: "listening" in state_of(screen))
        room.microphone.hear(bytes(48_000))
        await room.microphone.wait_taken()
        await pilot.press("p")
        await until(pilot, lambda: "ready" in state_of(screen))
        await pilot.press("t", *"hello", "enter")
        await until(pilot, lambda: "You said: hello" in text_of(screen))
        assert [one.heard for one in said(screen) if one.speaker == "user"] == ["hello"]
        await pilot.press("q")


@pytest.mark.anyio
async def test_a_notice_covers_nothing_below_the_conversation(plan: Plan, tmp_path: Path) -> None:
    screen = screen_of(plan, tmp_path)
    async with screen.run_test(size=SMALL, notifications=True) as pilot:
        await until(pilot, lambda: "listening" in state_of(screen))
        await pilot.press("p", "p")
        await until(pilot, lambda: len(screen.screen.query(Toast)) == 2)
        keep_picture(screen, "notices")
        for toast in screen.screen.query(Toast):
            assert toast.region.bottom <= screen.query_one("#meters").region.y
            assert toast.region.y >= 1
        await pilot.press("q")


@pytest.mark.anyio
async def test_a_server_that_is_not_there_ends_the_screen_and_is_told(plan: Plan, tmp_path: Path) -> None:
    screen = screen_of(plan_at(plan, "http://127.0.0.1:9"), tmp_path)
    async with screen.run_test(size=SMALL) as pilot:
        await until(pilot, lambda: screen.failure is not None)
    assert "127.0.0.1:9" in str(screen.failure)


@pytest.mark.anyio
async def test_what_cannot_be_saved_is_told_and_the_conversation_goes_on(
    plan: Plan, room: Room, tmp_path: Path
) -> None:
    (tmp_path / "taken").write_text("a file")
    screen = screen_of(plan, tmp_path / "taken")
    async with screen.run_test(size=SMALL) as pilot:
        await until(pilot, lambda: "listening" in state_of(screen))
        await pilot.press("s")
        await until(pilot, lambda: any("cannot be saved" in one.message for one in screen._notifications))
        assert "listening" in state_of(screen)
        await pilot.press("q")


def test_the_gap_before_what_was_not_heard_is_not_struck_through() -> None:
    told = _said(Entry("a", "assistant", "It is", unheard=" a parrot.", is_cut=True))
    assert str(told) == "It is a parrot."
    assert [(span.start, span.end) for span in told.spans if "strike" in str(span.style)] == [(6, 15)]


def test_a_level_is_drawn_in_eighths_of_a_cell() -> None:
    assert bar(0.0, 4) == "████"
    assert bar(-60.0, 4) == "    "
    assert bar(-100.0, 4) == "    "
    assert bar(-30.0, 4) == "██  "
    assert bar(-43.125, 4) == "█▏  "
