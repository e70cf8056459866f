"""The client: a connection that comes back, a conversation that is kept, tools that run beside it."""

from __future__ import annotations

import logging
import secrets
import ssl
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from types import TracebackType
from typing import Any, Literal, Self, TypeAlias

import anyio
import msgspec
from anyio.abc import TaskGroup
from msgspec import UNSET, structs

from louro.client.address import Dialect, find
from louro.client.connection import Connection
from louro.client.conversation import Conversation, ConversationItem, Interrupted, ItemAppended, ItemCompleted
from louro.client.dialogue import Dialogue
from louro.client.emitter import Callback, Emitter, Events
from louro.client.errors import ConnectionFailed, RealtimeError
from louro.client.events import RealtimeEvent
from louro.client.link import LinkClosed, UnknownEvent, open_link
from louro.client.requests import Requests
from louro.client.toolbox import Toolbox
from louro.client.tools import TIMEOUT_S, Confirm, Function, make_tool
from louro.protocol import client_events as ce
from louro.protocol import server_events as ev
from louro.protocol.items import InputAudio, InputImage, InputText, KeptItem, MessageItem
from louro.protocol.response import ResponseParams
from louro.protocol.session import RealtimeSessionPatch, Session, merge_patches
from louro.protocol.wire import BETA, GA

logger = logging.getLogger(__name__)

QUIET_POLL_S = 0.05
KEPT_ITEMS = 100
"""For `wait_for_next_item`, of those that nobody has waited for yet."""

UserContent: TypeAlias = InputText | InputAudio | InputImage


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
        self.is_playing: Callable[[], bool] = lambda: False
        """Whether the loudspeaker still has something to say; `louro.client.voice` sets it."""
        self._tasks: TaskGroup | None = None
        self._emitter = Emitter(self._start)
        self._appended = self._emitter.iterate(("conversation.item.appended",), KEPT_ITEMS)
        self._completed = self._emitter.iterate(("conversation.item.completed",), KEPT_ITEMS)
        self._dialogue = Dialogue()
        self._answers = self._dialogue.answers
        self._requests = Requests()
        self._toolbox = Toolbox(self, self._answers, self._emitter, self._start_reporting)
        opening = partial(open_link, self.address, GA if dialect == "ga" else BETA, tls)
        self._connection = Connection(opening, self._dialogue, self._emitter, self._take, reconnect=reconnect)

    # Connection

    async def __aenter__(self) -> Self:
        try:
            created = await self._connection.open()
        except LinkClosed as closed:
            message = f"{self.address.shown} did not begin a session: {closed.reason or closed.code}."
            raise ConnectionFailed(message) from None
        self._tasks = anyio.create_task_group()
        await self._tasks.__aenter__()
        self._take(created)
        self._tasks.start_soon(self._run)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        assert self._tasks is not None
        with anyio.CancelScope(shield=True):
            await self._connection.hang_up()
        self._tasks.cancel_scope.cancel()
        try:
            return await self._tasks.__aexit__(kind, error, trace)
        except BaseExceptionGroup as group:
            if error is not None and group.exceptions == (error,):
                return None  # what was raised inside the block leaves it as it is
            raise
        finally:
            self._emitter.end()

    async def _run(self) -> None:
        closed = await self._connection.run()
        if self._connection.refusal is not None:
            self.report_error(self._connection.refusal)
        self._requests.end(self._connection.loss())
        self._emitter.emit("close", closed)
        self._emitter.end()

    @property
    def is_connected(self) -> bool:
        return self._connection.is_ready

    async def disconnect(self) -> None:
        """Hang up for good. The conversation can still be read."""
        await self._connection.hang_up()

    async def wait_closed(self) -> None:
        """Return when the connection is over: hung up, or lost for good."""
        await self._connection.wait_over()

    async def wait_for_session_created(self) -> Session:
        await self._connection.wait_begun()
        assert self.session is not None
        return self.session

    # What is known

    @property
    def session(self) -> Session | None:
        """As the server told it last."""
        return self._dialogue.session

    @property
    def conversation(self) -> Conversation:
        return self._dialogue.conversation

    @property
    def is_user_speaking(self) -> bool:
        return self._dialogue.is_user_speaking

    @property
    def is_answering(self) -> bool:
        """Whether an answer is asked for or being made; what the loudspeaker has yet to say of it is another matter."""
        return self._answers.is_under_way

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
            if not self._connection.is_over:
                self._emitter.forget(events)
        raise self._connection.loss()

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
            is_answering = self._answers.is_waited_for if with_tools else self._answers.is_under_way
            return not (self.is_user_speaking or is_answering or self.is_playing())

        while not is_quiet():  # noqa: ASYNC110 - the loudspeaker's end is no event of this loop
            await anyio.sleep(QUIET_POLL_S)

    # Speaking

    async def send(self, event: ce.AnyClientEvent) -> None:
        """Send any event, typed; wait for the connection if it is being reopened.

        Raises:
            ConnectionFailed: the connection is over for good.
        """
        await self._connection.send(event)

    async def send_raw(self, frame: str) -> None:
        """Send any text as it is, for what this client does not know."""
        await self._connection.send_raw(frame)

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
        with self._dialogue.asking(change):
            await self._requests.ask(
                self._connection.tell,
                ce.SessionUpdate(session=change),
                lambda e: isinstance(e, ev.SessionUpdated),
            )
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
            await self._requests.ask(
                self._connection.tell,
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
        self._dialogue.said(pcm)
        await self._connection.tell(ce.InputAudioBufferAppend(audio=pcm))

    async def clear_input_audio(self) -> None:
        self._dialogue.sound.clear()
        await self.send(ce.InputAudioBufferClear())

    async def create_response(self, params: ResponseParams | None = None) -> None:
        """Ask for an answer. Where the client ends the turns, what was said since the last one is committed first.

        Raises:
            RealtimeError: an answer is under way already, or the server refuses.
        """
        if self._dialogue.is_by_hand and self._dialogue.sound.ms >= 100:
            await self.send(ce.InputAudioBufferCommit())
            self._dialogue.sound.clear()
        send = self._connection.tell if self._answers.ask(params) else self.send
        try:
            await self._requests.ask(
                send, ce.ResponseCreate(response=params), lambda e: isinstance(e, ev.ResponseCreated)
            )
        except RealtimeError:
            self._answers.refused()
            raise

    async def cancel_response(
        self, item_id: str | None = None, sample_count: int = 0
    ) -> ConversationItem | None:
        """Stop the answer under way, if there is one. With *item_id*, keep of it in the conversation only what was
        heard: so many samples at 24 kHz. Returns that item."""
        if self._answers.is_under_way and self._answers.latest.response_id is not None:
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
        truncate = ce.ConversationItemTruncate(item_id=item_id, content_index=0, audio_end_ms=audio_end_ms)
        with self._dialogue.cutting(item_id, audio_end_ms):
            await self._requests.ask(
                self._connection.tell,
                truncate,
                lambda e: isinstance(e, ev.ConversationItemTruncated) and e.item_id == item_id,
            )

    async def delete_item(self, item_id: str) -> None:
        if self.conversation.get(item_id) is None:
            raise RealtimeError(f"There is no item '{item_id}'.", code="item_delete_invalid_item_id")
        await self._requests.ask(
            self.send,
            ce.ConversationItemDelete(item_id=item_id),
            lambda e: isinstance(e, ev.ConversationItemDeleted) and e.item_id == item_id,
        )

    # Tools

    async def add_tool(
        self,
        function: Function,
        definition: dict[str, Any] | None = None,
        *,
        timeout_s: float = TIMEOUT_S,
        slow: bool = False,
        confirm: Confirm | None = None,
    ) -> None:
        """Let the model call *function*: see `louro.client.tools.make_tool`. *confirm* is asked before each call.

        Raises:
            TypeError: it cannot be a tool.
            RealtimeError: there is one of that name already.
        """
        tool = make_tool(function, definition, timeout_s=timeout_s, slow=slow, confirm=confirm)
        await self._toolbox.add([tool])

    async def add_tools(self, *functions: Function) -> None:
        """Like `add_tool` for each, but the server is told once: with a local model that saves seconds."""
        await self._toolbox.add([make_tool(function) for function in functions])

    async def remove_tool(self, name: str) -> None:
        await self._toolbox.remove(name)

    # What comes in

    def _take(self, event: ev.AnyServerEvent | UnknownEvent) -> None:
        self._emitter.emit("realtime.event", RealtimeEvent("server", time.time(), event))  # noqa: TID251
        if isinstance(event, UnknownEvent):
            return
        changes = self._dialogue.receive(event)
        self._toolbox.receive(event)
        for change in changes:
            self._emitter.emit(_NAMES[type(change).__name__], change)
        match event:
            case ev.SessionCreated(session=session):
                self._requests.told_again()
                self._start(self._connection.leave_before(session.expires_at, self.wait_until_quiet))
            case ev.InputAudioBufferSpeechStarted() if not self.is_playing():
                self.report_interruption(Interrupted())
            case _:
                pass
        if isinstance(event, ev.Error):
            self._refused(event.error)
        else:
            self._emitter.emit(str(event.__struct_config__.tag), event)
        self._requests.receive(event)

    def _refused(self, detail: ev.ErrorDetail) -> None:
        error = RealtimeError(detail.message, code=detail.code, param=detail.param, event_id=detail.event_id)
        if not self._requests.refused(error):
            self.report_error(error)

    def report_error(self, error: RealtimeError) -> None:
        """Emit `error`; without a listener it is logged."""
        if not self._emitter.has_listener("error"):
            logger.warning("the server says: %s (%s)", error, error.code)
        self._emitter.emit("error", error)

    def report_interruption(self, interrupted: Interrupted) -> None:
        """Emit `conversation.interrupted`."""
        self._emitter.emit("conversation.interrupted", interrupted)

    async def _next(self, items: Events) -> ConversationItem:
        async for _, event in items:
            item: ConversationItem = event.item
            return item
        raise self._connection.loss()

    # Tasks

    def _start(self, work: Awaitable[None]) -> None:
        assert self._tasks is not None
        self._tasks.start_soon(self._do, work)

    def _start_reporting(self, work: Awaitable[None]) -> None:
        self._start(self._reporting(work))

    async def _reporting(self, work: Awaitable[None]) -> None:
        """Nobody waits for this work: what the server refuses of it is told as `error`."""
        try:
            await work
        except ConnectionFailed:
            raise
        except RealtimeError as error:
            self.report_error(error)

    async def _do(self, work: Awaitable[None]) -> None:
        try:
            await work
        except ConnectionFailed as lost:
            # Whoever hangs up in the middle of it need not be told that it was not done.
            if not self._connection.is_hung_up:
                self.report_error(lost)


_NAMES = {
    "ConversationUpdated": "conversation.updated",
    "ItemAppended": "conversation.item.appended",
    "ItemCompleted": "conversation.item.completed",
}
