"""From a plan to an assistant that is connected, hears and speaks."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import anyio

from louro.cli.embedded import embedded_server
from louro.cli.talk.assistant import VOICE_ACTIVATED, Assistant
from louro.cli.talk.recorder import Recorder
from louro.cli.talk.tools import Memory, Weather, calculate_sum
from louro.cli.talk.words import ENGLISH, Language, Words
from louro.client import RealtimeClient
from louro.client.address import Dialect, environment
from louro.client.sound_errors import SoundError
from louro.client.tools import Function
from louro.client.voice import Voice
from louro.client.voice import voice as use_devices
from louro.config import Settings, is_loopback
from louro.protocol.session import RealtimeSession
from louro.store.prices import Price, PriceTable

HEARD_BY = "whisper-1"
"""What OpenAI transcribes the user with; a server that knows one ear only does not mind the name."""
ELSEWHERE = "gpt-realtime"
LOCAL = ("127.0.0.1", 8765)


@dataclass(frozen=True)
class Plan:
    url: str | None = None
    """None: as the environment says; otherwise a Louro on this machine, started here if there is none."""
    key: str | None = None
    model: str | None = None
    dialect: Dialect = "ga"
    env_file: str | None = ".env"
    embedded: bool = False
    settings: Settings | None = None
    """Of the embedded server."""
    words: Words = ENGLISH
    """In whose language the models are spoken to."""
    heard_language: Language | None = None
    """Told to the model that hears, which may know no other than its own; None leaves it to that."""
    instructions: str | None = None
    voice: str | None = None
    by_hand: bool = False
    silent: bool = False
    microphone: int | str | None = None
    loudspeaker: int | str | None = None
    cancel_echo: bool = True
    tools: tuple[Callable[..., Any], ...] = ()
    memory: Memory = field(default_factory=Memory)
    weather: Weather = field(default_factory=Weather)
    open_voice: Callable[..., AbstractAsyncContextManager[Voice]] = use_devices


@asynccontextmanager
async def open_assistant(
    plan: Plan, loading: Callable[[str], None], tell: Callable[[str], None]
) -> AsyncIterator[Assistant]:
    """Raises:
    ConnectionFailed: there is no server to be had.
    SoundError: a device that the plan names cannot be used.
    ConfigError: something that the embedded engines need is missing.
    """
    async with AsyncExitStack() as stack:
        url = plan.url
        if plan.embedded or (url is None and await _is_nobody_there(plan.env_file)):
            url = await stack.enter_async_context(embedded_server(loading, plan.settings))
        client = RealtimeClient(
            url, api_key=plan.key, model=plan.model, dialect=plan.dialect, env_file=plan.env_file
        )
        await stack.enter_async_context(client)
        talking = await _sound(plan, client, stack, tell)
        recorder = Recorder()
        stack.push_async_callback(anyio.to_thread.run_sync, recorder.close)
        price = await anyio.to_thread.run_sync(_price, client)
        assistant = Assistant(client, talking, recorder, tell, price)
        assistant.listen()
        await _settle(plan, client, talking)
        yield assistant


async def _is_nobody_there(env_file: str | None) -> bool:
    """Whether nothing names a server, and none runs on this machine."""
    known = environment(env_file)
    if any(known.get(name) for name in ("OPENAI_BASE_URL", "AZURE_OPENAI_ENDPOINT", "OPENAI_API_KEY")):
        return False
    try:
        stream = await anyio.connect_tcp(*LOCAL)
    except OSError:
        return True
    await stream.aclose()
    return False


def _price(client: RealtimeClient) -> Price:
    """Of the model that answers. One on this machine costs nothing, and is called whatever the client likes: of it is
    told what the same would cost on OpenAI's."""
    host = urlsplit(client.address.url).hostname or ""
    model = client.session.model if isinstance(client.session, RealtimeSession) else ""
    known = PriceTable.load().price_for(ELSEWHERE if is_loopback(host) else model, datetime.now(UTC).date())
    return known


async def _sound(
    plan: Plan, client: RealtimeClient, stack: AsyncExitStack, tell: Callable[[str], None]
) -> Voice | None:
    if plan.silent:
        return None
    opened = plan.open_voice(
        client, microphone=plan.microphone, loudspeaker=plan.loudspeaker, cancel_echo=plan.cancel_echo
    )
    try:
        talking = await stack.enter_async_context(opened)
    except SoundError as error:
        if plan.microphone is not None or plan.loudspeaker is not None:
            raise
        tell(plan.words.sound_problem(error))
        return None
    if talking.sound.advice:
        tell(plan.words.no_canceller or talking.sound.advice)
    return talking


async def _settle(plan: Plan, client: RealtimeClient, talking: Voice | None) -> None:
    by_hand = plan.by_hand or talking is None
    hearing = {"model": HEARD_BY}
    if plan.heard_language is not None:
        hearing["language"] = plan.heard_language
    await client.update_session(
        instructions=await anyio.to_thread.run_sync(_instructions, plan),
        voice=plan.voice,
        turn_detection=None if by_hand else VOICE_ACTIVATED,
        transcription=hearing,
        output_modalities=["text"] if talking is None else ["audio"],
    )
    if talking is not None:
        talking.by_hand = by_hand
    own = {function.__name__ for function in plan.tools}
    ours: tuple[Function, ...] = (calculate_sum, plan.weather.get_weather, plan.memory.set_memory)
    await client.add_tools(*(tool for tool in ours if tool.__name__ not in own), *plan.tools)


def _instructions(plan: Plan) -> str:
    told = plan.instructions or plan.words.instructions
    memories = plan.memory.told()
    return f"{told} {plan.words.remembered.format(memories=memories)}" if memories else told


def folder_maker(parent: Path, now: Callable[[], str]) -> Callable[[], Path]:
    """Folders of their own for what is saved; *now* names the moment."""
    return lambda: parent / f"louro-{now()}"
