"""The conformance suite of the server, through a relay: four pairs of dialects."""

# ruff: noqa: F403, F405, F821
from tests.conformance.talk import talk
from tests.conformance.test_input import *
from tests.conformance.test_items import *
from tests.conformance.test_js_client import packages as packages
from tests.conformance.test_js_client import test_the_reference_client_holds_a_conversation as test_it
from tests.conformance.test_responses import *
from tests.conformance.test_sdk import *
from tests.oracle import Dialect
from tests.serving import Serving

test_the_reference_client_holds_a_conversation = test_it
# The models are no other behind a relay. What takes a server of its own is no relay's.
del test_it, test_the_embedded_models_answer_a_spoken_question, test_the_embedded_model_adds_by_voice


@both  # type: ignore[no-redef]
async def test_limits_follow_the_event_that_the_dialect_says(scripted: Serving, dialect: Dialect) -> None:
    """Beta tells them before they are known to whoever stands in front of today's: at first there are none to tell."""
    async with talk(scripted.websocket, dialect) as session:
        await session.prepare(modalities=["text"])
        for is_first in (True, False):
            await session.send({"type": "response.create"})
            events = await session.until("rate_limits.updated")
            if dialect == "beta":
                await session.until("response.done")
            assert events[-2]["type"] == ("response.created" if dialect == "beta" else "response.done")
            assert is_first or events[-1]["rate_limits"][0]["name"] == "tokens"
