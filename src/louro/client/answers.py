"""Which answer is asked for or under way, and which tools it waits for. Pure: commands and server events in."""

from __future__ import annotations

from dataclasses import dataclass

from louro.client.errors import RealtimeError
from louro.protocol import server_events as ev
from louro.protocol.client_events import ResponseCreate
from louro.protocol.items import FunctionCallItem
from louro.protocol.response import Response, ResponseParams


@dataclass(eq=False)
class Answer:
    params: ResponseParams | None = None
    response_id: str | None = None
    has_output: bool = False
    calls: int = 0
    """Tools of it that still run."""
    is_done: bool = False
    wants_another: bool = False
    """Its tools have answered: the model is to go on once it is done."""


class Answers:
    def __init__(self) -> None:
        self.latest = Answer(is_done=True)
        self._beside = 0
        """Responses beside the conversation that were asked for and not begun."""

    @property
    def is_under_way(self) -> bool:
        return not self.latest.is_done

    @property
    def is_waited_for(self) -> bool:
        """Whether one is under way, or another will come of the tools of the last."""
        return self.is_under_way or self.latest.calls > 0 or self.latest.wants_another

    # What the client does

    def ask(self, params: ResponseParams | None) -> bool:
        """Whether a new session will be asked for it again: not for one beside the conversation.

        Raises:
            RealtimeError: the answer before is still under way.
        """
        if params is not None and params.conversation == "none":
            self._beside += 1
            return False
        if self.is_under_way:
            raise RealtimeError(
                "An answer is under way. Wait for it, or cancel it first.",
                code="conversation_already_has_active_response",
            )
        self.latest = Answer(params)
        return True

    def refused(self) -> None:
        """None will come of what was asked."""
        self.latest.is_done = True

    def ask_again(self) -> ResponseCreate | None:
        """What a new session is to be asked. An answer of which something has come is over: what came of it has been
        said, and nothing is said twice."""
        if self.latest.is_done or self.latest.has_output:
            self.latest.is_done = True
            return None
        self.latest = Answer(self.latest.params)
        return ResponseCreate(response=self.latest.params)

    def call(self) -> Answer:
        """A tool begins to run, for the answer that is returned."""
        self.latest.calls += 1
        return self.latest

    def call_ended(self, answer: Answer, *, is_told: bool) -> None:
        """*is_told*: the server knows its result."""
        answer.calls -= 1
        answer.wants_another = answer.wants_another or is_told

    def goes_on(self, answer: Answer) -> bool:
        """Whether the model is to be asked to go on, now: once all tools of the answer are answered, and it is done."""
        if answer is not self.latest or not (answer.is_done and answer.wants_another) or answer.calls:
            return False
        answer.wants_another = False
        return True

    # What the server says

    def receive(self, event: ev.AnyServerEvent) -> None:
        match event:
            case ev.ResponseCreated(response=response):
                self._begun(response)
            case (
                ev.ResponseOutputTextDelta()
                | ev.ResponseOutputAudioDelta()
                | ev.ResponseOutputAudioTranscriptDelta()
                | ev.ResponseOutputItemDone(item=FunctionCallItem())
            ):
                self.latest.has_output = True
            case ev.ResponseDone(response=response) if response.id == self.latest.response_id:
                self.latest.is_done = True
            case _:
                return

    def _begun(self, response: Response) -> None:
        if response.conversation_id is None and self._beside:
            self._beside -= 1
            return
        if self.latest.is_done:
            self.latest = Answer()
        self.latest.response_id = response.id
