"""The client: a connection that comes back, a conversation that is kept, tools that run beside it."""

from __future__ import annotations

import logging
import math
import random
import secrets
import ssl
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Literal, Self, TypeAlias

import anyio
import msgspec
from anyio.abc import TaskGroup
from msgspec import UNSET, structs

from louro.client import tools as tools_module
from louro.client.address import Dialect, find
from louro.client.conversation import Conversation, ConversationItem, Interrupted, ItemAppended, ItemCompleted
from louro.client.emitter import Callback, Emitter, Events
from louro.client.errors import ConnectionFailed, RealtimeError
from louro.client.link import Link, LinkClosed, UnknownEvent, open_link
from louro.client.recent import RecentSound
from louro.client.tools import Confirm, Function, Outcome, Tool, ToolCall, make_tool, run_tool
from louro.protocol import client_events as ce
from louro.protocol import server_events as ev
from louro.protocol.items import (
    FunctionCallItem,
    FunctionCallOutputItem,
    InputAudio,
    InputImage,
    InputText,
    KeptItem,
    MessageItem,
)
from louro.protocol.response import Response, ResponseParams
from louro.protocol.session import (
    RealtimeSessionPatch,
    Session,
    merge_patches,
)
from louro.protocol.wire import BETA, GA

logger = logging.getLogger(__name__)

ACKNOWLEDGE_TIMEOUT_S = 30.0
FIRST_BACKOFF_S, LAST_BACKOFF_S = 0.2, 8.0
RENEW_BEFORE_S = 60.0
"""A session that will expire is left so long before, once nobody speaks."""
FINAL_CODES = frozenset({"invalid_api_key", "missing_model", "invalid_parameter", "insufficient_quota"})
"""What trying again does not mend."""
QUIET_POLL_S = 0.05
KEPT_ITEMS = 100
"""For `wait_for_next_item`, of those that nobody has waited for yet."""

UserContent: TypeAlias = InputText | InputAudio | InputImage


@dataclass(frozen=True)
class RealtimeEvent:
    """One event as it crossed the wire, in today's names whatever the dialect."""

    source: Literal["client", "server"]
    time: float
    """Unix time."""
    event: ce.AnyClientEvent | ev.AnyServerEvent | UnknownEvent


@dataclass(frozen=True)
class Reconnected:
    attempts: int
    items: int
    """Told to the new session."""
    reason: str


@dataclass(frozen=True)
class Closed:
    code: int
    reason: str


@dataclass(frozen=True)
class ToolStarted:
    call: ToolCall


@dataclass(frozen=True)
class ToolProgress:
    call: ToolCall
    message: str


@dataclass(frozen=True)
class ToolFinished:
    call: ToolCall
    outcome: Outcome


@dataclass
class _Request:
    """A command that waits for its acknowledgement."""

    is_answer: Callable[[ev.AnyServerEvent], bool]
    answered: anyio.Event = field(default_factory=anyio.Event)
    error: RealtimeError | None = None


@dataclass
class _Pending:
    """The response that is asked for or under way."""

    params: ResponseParams | None = None
    response_id: str | None = None
    has_output: bool = False
    calls: int = 0
    """Tools of it that still run."""
    is_done: bool = True
    wants_another: bool = False
    """Its tools have answered: the model is to go on once it is done."""

    @property
    def is_working(self) -> bool:
        """Whether another answer will come of it."""
        return self.calls > 0 or self.wants_another


class RealtimeClient:
    """A conversation with any server of the Realtime protocol.

    Use it as an async context manager: it is connected inside, and everything that it started ends with it. Nothing
    here may be called from another thread than the event loop's.

    Args:
        url: a base URL (`http://127.0.0.1:8765`, `https://api.openai.com/v1`, an Azure endpoint) or that of the
            socket itself; None: from the environment, see `louro.client.address.find`.
        dialect: "ga" is today's, "beta" that of October 2024. Events have today's names in both.
        reconnect: reopen a dropped connection and put the conversation back.
        env_file: read for keys and addresses that neither the arguments nor the environment have; None: no file.
        tls: for servers with a certificate of their own.

    Raises:
        ConnectionFailed: on entering, if there is no connection to be had.
    """

    def __init__(
        self,
        url: str | None = None,
        *,
        api_key: str | None = None,
        model: str | None = None,
        dialect: Dialect = "ga",
        reconnect: bool = True,
        env_file: str | None = ".env",
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.address = find(url, api_key, model, dialect, env_file=env_file)
        self._dialect = GA if dialect == "ga" else BETA
        self._reconnect = reconnect
        self._tls = tls
        self.conversation = Conversation()
        self.session: Session | None = None
        """As the server told it last."""
        self.is_user_speaking = False
        self.is_playing: Callable[[], bool] = lambda: False
        """Whether the loudspeaker still has something to say; `louro.client.voice` sets it."""
        self._emitter = Emitter(self._start)
        self._appended = self._emitter.iterate(("conversation.item.appended",), KEPT_ITEMS)
        self._completed = self._emitter.iterate(("conversation.item.completed",), KEPT_ITEMS)
        self._tools: dict[str, Tool] = {}
        self._settings = RealtimeSessionPatch()
        """All that was ever asked of the session: a new one is told it at once."""
        self._requests: dict[str, _Request] = {}
        self._pending = _Pending()
        self._out_of_band = 0
        """Responses beside the conversation that were asked for and not begun."""
        self._sound = RecentSound()
        self._link: Link | None = None
        self._ready = anyio.Event()
        self._is_closing = False
        self._renew_reason: str | None = None
        self._closed = anyio.Event()
        self._tasks: TaskGroup | None = None

    # Connection

    async def __aenter__(self) -> Self:
        link = await self._open()
        tasks = anyio.create_task_group()
        await tasks.__aenter__()
        self._tasks = tasks
        tasks.start_soon(self._run, link)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        assert self._tasks is not None
        with anyio.CancelScope(shield=True):
            await self._hang_up()
        self._tasks.cancel_scope.cancel()
        try:
            return await self._tasks.__aexit__(kind, error, trace)
        except BaseExceptionGroup as group:
            if error is not None and group.exceptions == (error,):
                return None  # what was raised inside the block leaves it as it is
            raise
        finally:
            self._emitter.end()

    @property
    def is_connected(self) -> bool:
        return self._ready.is_set() and not self._closed.is_set()

    @property
    def is_answering(self) -> bool:
        """Whether an answer is asked for or being made; what the loudspeaker has yet to say of it is another matter."""
        return not self._pending.is_done

    async def disconnect(self) -> None:
        """Hang up for good. The conversation can still be read."""
        await self._hang_up()

    async def wait_closed(self) -> None:
        """Return when the connection is over: hung up, or lost for good."""
        await self._closed.wait()

    async def wait_for_session_created(self) -> Session:
        await self._ready.wait()
        assert self.session is not None
        return self.session

    # Listening

    def on(self, pattern: str, callback: Callback) -> None:
        """Call *callback* with every event of that name: one of the server's own in today's names (wildcards as in
        `response.*`), or one of `realtime.event`, `conversation.updated`, `conversation.item.appended`,
        `conversation.item.completed`, `conversation.interrupted`, `tool.started`, `tool.progress`, `tool.finished`,
        `reconnecting`, `reconnected`, `error`, `close`. An async callback runs as a task of its own.
        """
        self._emitter.on(pattern, callback)

    def off(self, pattern: str, callback: Callback | None = None) -> None:
        """Forget a callback; without one, all that were given with this very *pattern*."""
        self._emitter.off(pattern, callback)

    def events(self, *patterns: str) -> Events:
        """Iterate over the same events, from now on; without patterns, over all."""
        return self._emitter.iterate(patterns)

    def __aiter__(self) -> Events:
        return self.events()

    async def wait_for_next(self, pattern: str) -> Any:
        """The next event of that name, from now on.

        Raises:
            ConnectionFailed: the connection was over before there was one.
        """
        events = self._emitter.iterate((pattern,), limit=1)
        try:
            async for _, event in events:
                return event
        finally:
            if not self._closed.is_set():
                self._emitter.forget(events)
        raise ConnectionFailed("The connection is over.")

    async def wait_for_next_item(self) -> ConversationItem:
        """Of the conversation's items, the user's and the assistant's, the next that this method has not returned."""
        return await self._next(self._appended)

    async def wait_for_next_completed_item(self) -> ConversationItem:
        """The next item that is whole and that this method has not returned: none is missed, and none comes twice."""
        return await self._next(self._completed)

    async def wait_until_quiet(self, *, with_tools: bool = True) -> None:
        """Return when nobody speaks and nothing is being answered or played; *with_tools*, also when no tool is left
        that the answer waits for. A slow tool is none: it is answered for later."""

        def is_quiet() -> bool:
            is_answering = not self._pending.is_done or (with_tools and self._pending.is_working)
            return not (self.is_user_speaking or is_answering or self.is_playing())

        while not is_quiet():  # noqa: ASYNC110 - the loudspeaker's end is no event of this loop
            await anyio.sleep(QUIET_POLL_S)

    # Speaking

    async def send(self, event: ce.AnyClientEvent) -> None:
        """Send any event, typed; wait for the connection if it is being reopened.

        Raises:
            ConnectionFailed: the connection is over for good.
        """
        while True:
            await self._until_ready()
            assert self._link is not None
            self._emitter.emit("realtime.event", RealtimeEvent("client", time.time(), event))  # noqa: TID251
            try:
                await self._link.send(event)
            except LinkClosed:
                self._ready = anyio.Event() if self._ready.is_set() else self._ready
                if isinstance(
                    event, ce.ConversationItemCreate | ce.SessionUpdate | ce.InputAudioBufferAppend
                ):
                    await self._until_ready()
                    return  # told to the new session with everything else
                continue
            return

    async def send_raw(self, frame: str) -> None:
        """Send any text as it is, for what this client does not know."""
        await self._until_ready()
        assert self._link is not None
        await self._link.send_raw(frame)

    async def update_session(
        self,
        patch: RealtimeSessionPatch | None = None,
        *,
        instructions: str | None = None,
        voice: str | None = None,
        turn_detection: Any = UNSET,
        transcription: Any = UNSET,
        output_modalities: Sequence[Literal["text", "audio"]] | None = None,
        **more: Any,
    ) -> Session:
        """Change the session; return it as it is then. *turn_detection* and *transcription* are the protocol's
        objects, as structs or dictionaries; None turns them off. *more*: other settings by their names.

        Raises:
            RealtimeError: the server refuses, and says why. Nothing has changed.
        """
        values: dict[str, Any] = {"type": "realtime", **more}
        if instructions is not None:
            values["instructions"] = instructions
        if output_modalities is not None:
            values["output_modalities"] = list(output_modalities)
        heard = {"turn_detection": turn_detection, "transcription": transcription}
        heard = {name: msgspec.to_builtins(value) for name, value in heard.items() if value is not UNSET}
        audio = {"input": heard} if heard else {}
        if voice is not None:
            audio["output"] = {"voice": voice}
        if audio:
            values["audio"] = audio
        try:
            change = msgspec.convert(values, RealtimeSessionPatch)
        except msgspec.ValidationError as error:
            raise RealtimeError(f"This session cannot be: {error}", code="invalid_value") from None
        if patch is not None:
            change = merge_patches(patch, change)
        await self._request(ce.SessionUpdate(session=change), lambda e: isinstance(e, ev.SessionUpdated))
        self._settings = merge_patches(self._settings, change)
        assert self.session is not None
        return self.session

    async def send_user_message(
        self, content: str | Sequence[UserContent], *, respond: bool = True
    ) -> ConversationItem:
        """Say something in writing, or with sound and pictures; ask for an answer unless *respond* is False."""
        parts = (InputText(content),) if isinstance(content, str) else tuple(content)
        if not parts or content == "":
            raise RealtimeError("A message needs some content.", code="invalid_value", param="item.content")
        item = await self.create_item(MessageItem(role="user", content=parts))
        if respond:
            await self.create_response()
        return item

    async def create_item(self, item: KeptItem) -> ConversationItem:
        """Put an item at the end of the conversation; it is given an id if it has none."""
        item = item if item.id else structs.replace(item, id=f"item_{secrets.token_hex(12)}")
        kept = self.conversation.add(item)
        try:
            await self._request(
                ce.ConversationItemCreate(item=item),
                lambda e: isinstance(e, ev.ConversationItemAdded) and e.item.id == kept.id,
            )
        except RealtimeError:
            self.conversation.forget(kept.id)
            raise
        self._emitter.emit("conversation.item.appended", ItemAppended(kept))
        self._emitter.emit("conversation.item.completed", ItemCompleted(kept))
        return kept

    async def append_input_audio(self, pcm: bytes) -> None:
        """The microphone's sound: 24 kHz mono int16, whole samples. Better 20 ms at a time than a second."""
        if len(pcm) % 2:
            raise RealtimeError("Sound is whole samples of two bytes.", code="invalid_value", param="audio")
        if not pcm:
            return
        self.conversation.said(pcm)
        self._sound.add(pcm)
        await self.send(ce.InputAudioBufferAppend(audio=pcm))

    async def clear_input_audio(self) -> None:
        self._sound.clear()
        await self.send(ce.InputAudioBufferClear())

    async def create_response(self, params: ResponseParams | None = None) -> None:
        """Ask for an answer. Where the client ends the turns, what was said since the last one is committed first.

        Raises:
            RealtimeError: an answer is under way already, or the server refuses.
        """
        if self._is_by_hand and self._sound.ms >= 100:
            self._sound.clear()
            await self.send(ce.InputAudioBufferCommit())
        if params is not None and params.conversation == "none":
            self._out_of_band += 1
        else:
            if not self._pending.is_done:
                raise RealtimeError(
                    "An answer is under way. Wait for it, or cancel it first.",
                    code="conversation_already_has_active_response",
                )
            self._pending = _Pending(params, is_done=False)
        await self._request(ce.ResponseCreate(response=params), lambda e: isinstance(e, ev.ResponseCreated))

    async def cancel_response(
        self, item_id: str | None = None, sample_count: int = 0
    ) -> ConversationItem | None:
        """Stop the answer under way, if there is one. With *item_id*, keep of it in the conversation only what was
        heard: so many samples at 24 kHz. Returns that item."""
        if not self._pending.is_done and self._pending.response_id is not None:
            await self.send(ce.ResponseCancel())
        if item_id is None:
            return None
        item = self.conversation.get(item_id)
        if item is None:
            raise RealtimeError(f"There is no item '{item_id}'.", code="item_truncate_invalid_item_id")
        if item.role != "assistant":
            raise RealtimeError(
                "Only what the assistant says can be cut.", code="invalid_value", param="item_id"
            )
        end_ms = min(sample_count // 24, item.audio_ms) if item.audio_ms else sample_count // 24
        await self.truncate_item(item_id, end_ms)
        return item

    async def truncate_item(self, item_id: str, audio_end_ms: int) -> None:
        await self._request(
            ce.ConversationItemTruncate(item_id=item_id, content_index=0, audio_end_ms=audio_end_ms),
            lambda e: isinstance(e, ev.ConversationItemTruncated) and e.item_id == item_id,
        )

    async def delete_item(self, item_id: str) -> None:
        if self.conversation.get(item_id) is None:
            raise RealtimeError(f"There is no item '{item_id}'.", code="item_delete_invalid_item_id")
        await self._request(
            ce.ConversationItemDelete(item_id=item_id),
            lambda e: isinstance(e, ev.ConversationItemDeleted) and e.item_id == item_id,
        )

    # Tools

    async def add_tool(
        self,
        function: Function,
        definition: dict[str, Any] | None = None,
        *,
        timeout_s: float = tools_module.TIMEOUT_S,
        slow: bool = False,
        confirm: Confirm | None = None,
    ) -> None:
        """Let the model call *function*: see `louro.client.tools.make_tool`. *confirm* is asked before each call.

        Raises:
            TypeError: it cannot be a tool.
            RealtimeError: there is one of that name already.
        """
        tool = make_tool(function, definition, timeout_s=timeout_s, slow=slow, confirm=confirm)
        await self._add([tool])

    async def add_tools(self, *functions: Function) -> None:
        """Like `add_tool` for each, but the server is told once: with a local model that saves seconds."""
        await self._add([make_tool(function) for function in functions])

    async def _add(self, tools: Sequence[Tool]) -> None:
        before = dict(self._tools)
        try:
            for tool in tools:
                tools_module.check_name(tool.definition.name, set(self._tools))
                self._tools[tool.definition.name] = tool
            await self._tell_tools()
        except RealtimeError:
            self._tools = before
            raise

    async def remove_tool(self, name: str) -> None:
        if self._tools.pop(name, None) is None:
            raise RealtimeError(f"There is no tool '{name}'.", code="tool_not_found", param="name")
        await self._tell_tools()

    async def _tell_tools(self) -> None:
        definitions = tuple(tool.definition for tool in self._tools.values())
        await self.update_session(RealtimeSessionPatch(tools=definitions))

    async def _call_tool(self, call: ToolCall, pending: _Pending) -> None:
        tool = self._tools[call.name]
        self._emitter.emit("tool.started", ToolStarted(call))
        running = None
        if tool.slow:
            running = Outcome('{"status": "This takes a while. The result will follow."}')
            await self._answer_call(call, running, pending)
        outcome = await run_tool(
            tool, call, lambda message: self._emitter.emit("tool.progress", ToolProgress(call, message))
        )
        self._emitter.emit("tool.finished", ToolFinished(call, outcome))
        if running is None:
            await self._answer_call(call, outcome, pending)
            return
        await self.wait_until_quiet()
        told = f"The tool {call.name}, called earlier with {call.arguments}, is done. Its result: {outcome.output}"
        await self.create_item(MessageItem(role="system", content=(InputText(told),)))
        await self.wait_until_quiet()
        await self.create_response()

    async def _answer_call(self, call: ToolCall, outcome: Outcome, pending: _Pending) -> None:
        """The model goes on when all the calls of one response are answered and the response is done."""
        try:
            await self.create_item(FunctionCallOutputItem(call_id=call.call_id, output=outcome.output))
            pending.wants_another = True
        finally:
            pending.calls -= 1
        await self._go_on(pending)

    async def _go_on(self, pending: _Pending) -> None:
        if pending is self._pending and pending.is_done and pending.wants_another and not pending.calls:
            pending.wants_another = False
            await self.create_response()

    # The connection's life

    async def _run(self, link: Link) -> None:
        while True:
            closed = await self._read(link)
            self._ready = anyio.Event()
            if self._is_closing or not self._may_reopen(closed):
                break
            found = await self._reopen(closed)
            if found is None:
                break
            link = found
        self._closed.set()
        self._ready.set()
        for request in self._requests.values():
            request.error = ConnectionFailed(f"The connection is over: {closed.reason or closed.code}.")
            request.answered.set()
        self._emitter.emit("close", Closed(closed.code, closed.reason))
        self._emitter.end()

    async def _read(self, link: Link) -> LinkClosed:
        with anyio.CancelScope() as scope:
            assert self._tasks is not None
            self._tasks.start_soon(self._leave_before_expiry, link, scope)
            try:
                while True:
                    self._take(await link.receive())
            except LinkClosed as closed:
                scope.cancel()
                return closed
        return LinkClosed(1001, "the session was about to expire")

    async def _open(self) -> Link:
        """Open, and wait for `session.created`, which tells that we are let in."""
        link = await open_link(self.address, self._dialect, self._tls)
        try:
            event = await self._first(link)
        except LinkClosed as closed:
            message = f"{self.address.shown} did not begin a session: {closed.reason or closed.code}."
            raise ConnectionFailed(message) from None
        self._link = link
        self._take(event)
        self._ready.set()
        return link

    def _may_reopen(self, closed: LinkClosed) -> bool:
        return self._reconnect and closed.reason.rpartition(".")[2] not in FINAL_CODES

    async def _reopen(self, closed: LinkClosed) -> Link | None:
        """Try until it works or never will; each time a little later."""
        reason = self._renew_reason or closed.reason or f"closed with {closed.code}"
        self._renew_reason = None
        self._emitter.emit("reconnecting", Closed(closed.code, reason))
        self.is_user_speaking = False
        delay_s, attempts = FIRST_BACKOFF_S, 0
        while not self._is_closing:
            attempts += 1
            try:
                link = await open_link(self.address, self._dialect, self._tls)
                items = await self._put_back(link)
            except LinkClosed:
                pass
            except ConnectionFailed as error:
                if error.code in FINAL_CODES:
                    self._tell_error(error)
                    return None
            else:
                self._emitter.emit("reconnected", Reconnected(attempts, items, reason))
                return link
            await anyio.sleep(delay_s * random.uniform(0.5, 1.0))
            delay_s = min(delay_s * 2, LAST_BACKOFF_S)
        return None

    async def _put_back(self, link: Link) -> int:
        """Tell the new session its settings, the conversation, and what the user was saying."""
        event = await self._first(link)
        self.conversation.begin_again()
        if self._settings != RealtimeSessionPatch():
            await link.send(ce.SessionUpdate(session=self._settings))
        history = self.conversation.history()
        for item in history:
            await link.send(ce.ConversationItemCreate(item=item))
        if (pcm := self._sound.kept()) and self.session is not None:
            self.conversation.said(pcm)
            await link.send(ce.InputAudioBufferAppend(audio=pcm))
        self._link = link
        self._take(event)
        for request in self._requests.values():
            request.answered.set()
        pending = self._pending
        if not pending.is_done and pending.has_output:
            pending.is_done = True  # what came of it has been said, and nothing is said twice
            self._start(self._reporting(self._go_on(pending)))
        elif not pending.is_done:
            self._pending = _Pending(pending.params, is_done=False)
            await link.send(ce.ResponseCreate(response=pending.params))
        self._ready.set()
        return len(history)

    async def _first(self, link: Link) -> ev.SessionCreated:
        """Wait for the session to begin; hang up if it does not.

        Raises:
            ConnectionFailed: we are not let in.
            LinkClosed: the connection broke, or nothing came.
        """
        try:
            with anyio.move_on_after(ACKNOWLEDGE_TIMEOUT_S):
                while not isinstance(event := await link.receive(), ev.SessionCreated):
                    if isinstance(event, ev.Error):
                        told = event.error
                        raise ConnectionFailed(told.message, code=told.code, param=told.param)
                return event
            raise LinkClosed(1006, "no session began")
        except (ConnectionFailed, LinkClosed):
            await link.close()
            raise

    async def _leave_before_expiry(self, link: Link, scope: anyio.CancelScope) -> None:
        if self.session is None or not self._reconnect:
            return
        left_s = self.session.expires_at - time.time()  # noqa: TID251 - told in Unix time
        with anyio.CancelScope() as waiting:
            await anyio.sleep(max(left_s - RENEW_BEFORE_S, 0) if left_s > 0 else math.inf)
            with anyio.move_on_after(max(RENEW_BEFORE_S - 5, 0)):
                await self.wait_until_quiet()
        if waiting.cancelled_caught or self._link is not link or scope.cancel_called:
            return
        self._renew_reason = "the session was about to expire"
        await link.close()

    async def _hang_up(self) -> None:
        self._is_closing = True
        if self._link is not None:
            await self._link.close()

    # What comes in

    def _take(self, event: ev.AnyServerEvent | UnknownEvent) -> None:
        self._emitter.emit("realtime.event", RealtimeEvent("server", time.time(), event))  # noqa: TID251
        if isinstance(event, UnknownEvent):
            return
        self._follow(event)
        for change in self.conversation.receive(event):
            self._emitter.emit(_NAMES[type(change).__name__], change)
        if isinstance(event, ev.InputAudioBufferSpeechStarted) and not self.is_playing():
            self.report_interruption(Interrupted())
        if isinstance(event, ev.Error):
            self._refused(event.error)
        else:
            self._emitter.emit(str(event.__struct_config__.tag), event)
        for request in list(self._requests.values()):
            if request.is_answer(event):
                request.answered.set()
                break

    def _follow(self, event: ev.AnyServerEvent) -> None:
        match event:
            case ev.SessionCreated(session=session) | ev.SessionUpdated(session=session):
                self.session = session
            case ev.InputAudioBufferSpeechStarted():
                self.is_user_speaking = True
                self._sound.speaking = True
            case ev.InputAudioBufferSpeechStopped():
                self.is_user_speaking = False
            case ev.InputAudioBufferCommitted():
                self._sound.clear()
            case ev.ResponseCreated(response=response):
                self._begun(response)
            case (
                ev.ResponseOutputTextDelta()
                | ev.ResponseOutputAudioDelta()
                | ev.ResponseOutputAudioTranscriptDelta()
            ):
                self._pending.has_output = True
            case ev.ResponseOutputItemDone(item=FunctionCallItem() as item):
                self._called(item)
            case ev.ResponseDone(response=response) if response.id == self._pending.response_id:
                self._pending.is_done = True
                self._start(self._reporting(self._go_on(self._pending)))
            case _:
                return

    def _begun(self, response: Response) -> None:
        if response.conversation_id is None and self._out_of_band:
            self._out_of_band -= 1
            return
        if self._pending.is_done:
            self._pending = _Pending(is_done=False)
        self._pending.response_id = response.id

    def _called(self, item: FunctionCallItem) -> None:
        self._pending.has_output = True
        if item.status == "incomplete" or item.name not in self._tools:
            return
        self._pending.calls += 1
        call = ToolCall(item.name, item.arguments, item.call_id or "")
        self._start(self._reporting(self._call_tool(call, self._pending)))

    def _refused(self, detail: ev.ErrorDetail) -> None:
        error = RealtimeError(detail.message, code=detail.code, param=detail.param, event_id=detail.event_id)
        request = self._requests.get(detail.event_id or "")
        if request is not None:
            request.error = error
            request.answered.set()
            return
        self._tell_error(error)

    def report_error(self, error: RealtimeError) -> None:
        """Emit `error`; without a listener it is logged."""
        self._tell_error(error)

    def report_interruption(self, interrupted: Interrupted) -> None:
        """Emit `conversation.interrupted`."""
        self._emitter.emit("conversation.interrupted", interrupted)

    def _tell_error(self, error: RealtimeError) -> None:
        if not self._emitter.has_listener("error"):
            logger.warning("the server says: %s (%s)", error, error.code)
        self._emitter.emit("error", error)

    # Odds

    async def _request(self, event: Any, is_answer: Callable[[ev.AnyServerEvent], bool]) -> None:
        """Send, and wait until the server has done it.

        Raises:
            RealtimeError: it refused, or said nothing for too long.
        """
        event_id = f"evt_{secrets.token_hex(10)}"
        request = self._requests[event_id] = _Request(is_answer)
        try:
            await self.send(structs.replace(event, event_id=event_id))
            with anyio.fail_after(ACKNOWLEDGE_TIMEOUT_S):
                await request.answered.wait()
        except TimeoutError:
            raise RealtimeError(
                "The server did not answer in time.", code="timeout", event_id=event_id
            ) from None
        finally:
            del self._requests[event_id]
        if request.error is not None:
            if isinstance(event, ce.ResponseCreate):
                self._pending.is_done = True
            raise request.error

    async def _until_ready(self) -> None:
        await self._ready.wait()
        if self._closed.is_set():
            raise ConnectionFailed("The connection is over.")

    async def _next(self, items: Events) -> ConversationItem:
        async for _, event in items:
            item: ConversationItem = event.item
            return item
        raise ConnectionFailed("The connection is over.")

    @property
    def _is_by_hand(self) -> bool:
        return self.session is not None and self.session.audio.input.turn_detection is None

    def _start(self, work: Awaitable[None]) -> None:
        assert self._tasks is not None
        self._tasks.start_soon(self._do, work)

    async def _reporting(self, work: Awaitable[None]) -> None:
        """Nobody waits for this work: what the server refuses of it is told as `error`."""
        try:
            await work
        except ConnectionFailed:
            raise
        except RealtimeError as error:
            self._tell_error(error)

    async def _do(self, work: Awaitable[None]) -> None:
        try:
            await work
        except ConnectionFailed:
            # Whoever hangs up in the middle of it need not be told that it was not done.
            if not self._is_closing:
                raise


_NAMES = {
    "ConversationUpdated": "conversation.updated",
    "ItemAppended": "conversation.item.appended",
    "ItemCompleted": "conversation.item.completed",
}
