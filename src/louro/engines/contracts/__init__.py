"""Whether an engine keeps what `louro.engines.base` promises in its name. For the tests of whoever writes one.

    async def test_my_voice_keeps_the_contract() -> None:
        await check_voice(MyVoice())

Each check uses the engine for real, some dozens of times, and raises `ContractBroken` at the first rule that does not
hold: which one, what was seen, and what to do about it. No test framework is needed, only an event loop.
"""

from louro.engines.contracts.answering import check_responder
from louro.engines.contracts.detecting import check_detector
from louro.engines.contracts.hearing import check_transcriber
from louro.engines.contracts.rules import BOUNDS, Bounds, ContractBroken
from louro.engines.contracts.speaking import check_voice
from louro.engines.contracts.thinking import check_model

__all__ = [
    "BOUNDS",
    "Bounds",
    "ContractBroken",
    "check_detector",
    "check_model",
    "check_responder",
    "check_transcriber",
    "check_voice",
]
