"""What a user has asked for, told by the words: one thing or several, and of which tools they say a word.

The joints and the questions are English; docs/decisions/0017 says what is lost in other languages.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from louro.engines.base import Message, Tool, ToolCall, ToolResult, Turn

_JOINT = re.compile(r"[,.;?!]* (?i:and then|and also|and|then|also),? (?=[a-z])")
_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")
_QUESTION = re.compile(r"(what|how|where|when|who|which|is|are|will|can|could|do|does|please|tell)\b")
_SAYS_LITTLE = re.compile(
    r"the|and|for|from|with|that|this|some|something|user|users|about|say|says|have|has|are|was|were"
    r"|will|would|can|could|what|where|when|who|which|how|why|you|your|they|them|their|like|likes|get"
    r"|gets|set|sets|give|gives|make|makes|does|any|another|other|much|many|more|now|here|there|its|one"
    r"|into|onto|his|her|him|our|all|not|but|than|then|too|very|just|please|want|need"
)


class Requests:
    """What a user has asked for in one breath: with a result in hand, a small model has forgotten the rest.

    Not every "and" asks for something else, so it must sound like one of the tools that are left, or like a question.
    """

    def __init__(self, tools: Sequence[Tool]) -> None:
        self._tools = tools
        self._left: list[str] = []
        self.uncalled = list(tools)
        self.has_result = False
        self.is_in_talk = False
        """The last that the assistant did was to answer in words, out of its own head."""
        self.next: str | None = None
        """To be done after the result that was heard last."""

    def hear(self, turn: Turn) -> None:
        self.next = None
        match turn:
            case Message(role="user"):
                self._left = _JOINT.split(turn.text)
                self.uncalled, self.has_result = list(self._tools), False
            case Message(role="assistant"):
                self.is_in_talk = not self.has_result
            case ToolCall(name=name):
                self.is_in_talk = False
                self._answer(name)
            case ToolResult():
                self.has_result = True
                self.next = next(filter(self._is_request, self._left), None)

    @property
    def is_single(self) -> bool:
        return self.next is not None or len(self._left) == 1

    @property
    def named(self) -> list[Tool]:
        """The tools of which the user has said a word: where there are such, it is one of them that is meant."""
        words = _stems(self.next or " ".join(self._left))
        return [tool for tool in self.uncalled if words & _words_of(tool)]

    def _answer(self, name: str) -> None:
        """Of what is left, what sounds most like the tool that is called is being done: the first of equals."""
        words = set[str]().union(*(_words_of(tool) for tool in self._tools if tool.name == name))
        if self._left:
            self._left.remove(max(self._left, key=lambda request: len(_stems(request) & words)))
        self.uncalled = [tool for tool in self.uncalled if tool.name != name]

    def _is_request(self, text: str) -> bool:
        if _QUESTION.match(text):
            return bool(self.uncalled)
        words = _stems(text)
        return any(words & _words_of(tool) for tool in self.uncalled)


def _words_of(tool: Tool) -> set[str]:
    return _stems(_HUMP.sub(" ", tool.name)) | _stems(tool.description)


def _stems(text: str) -> set[str]:
    words = re.findall(r"[^\W\d_]{3,}", text.lower())
    return {word.removesuffix("s")[:4] for word in words if not _SAYS_LITTLE.fullmatch(word)}
