"""The translation there and back: what both dialects have a word for comes back as it was said."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, assume, given, settings
from msgspec import structs
from tests.protocol.examples import events
from tests.session.test_properties import STEPS, played

from louro.protocol import client_events as ce
from louro.protocol import server_events as ev
from louro.protocol.client_events import AnyClientEvent
from louro.protocol.errors import ClientError
from louro.protocol.server_events import AnyServerEvent
from louro.protocol.wire import BETA, GA, Dialect
from louro.relay.policy import Policy
from louro.relay.translate import Translator

SETTINGS = settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
from_either = pytest.mark.parametrize(("mine", "other"), [(GA, BETA), (BETA, GA)], ids=["ga", "beta"])


class Chain:
    """An app behind two relays, in the dialect of the server, and the other one between the relays."""

    def __init__(self, mine: Dialect, other: Dialect) -> None:
        self.mine, self.other = mine, other
        self.near = Translator(mine, other, Policy())
        self.far = Translator(other, mine, Policy())

    def forth(self, event: AnyClientEvent) -> AnyClientEvent:
        """What the server hears of it.

        Raises:
            ClientError: the dialect has no word for it.
        """
        frame = self.mine.encode_client(event)
        for translator in (self.near, self.far):
            said, _ = translator.to_upstream(frame.decode(), translator.read(frame.decode()))
            frame = said
        return self.mine.decode(frame)

    def back(self, event: AnyServerEvent) -> list[AnyServerEvent]:
        """What the app is told of it."""
        frame = self.mine.encode(event)
        if frame is None:
            return []
        told = [
            last for one in self.far.to_client(frame.decode()) for last in self.near.to_client(one.decode())
        ]
        return [self.mine.decode_server(one) for one in told]


@from_either
@SETTINGS
@given(event=events(AnyClientEvent))
def test_what_an_app_says_comes_back(mine: Dialect, other: Dialect, event: AnyClientEvent) -> None:
    try:
        once = Chain(mine, other).forth(event)
    except ClientError:
        assume(False)
    assert Chain(mine, other).forth(once) == once


@from_either
@SETTINGS
@given(steps=STEPS)
def test_whole_conversations_come_back(
    mine: Dialect, other: Dialect, steps: list[ce.AnyClientEvent | str]
) -> None:
    """But for the ids of events, and for the rate limits: one dialect tells them before an answer and one behind it, and
    what is not known yet cannot be told."""
    frames = [mine.encode(event) for event in played(steps, limits_first=mine.limits_first).sent]
    sent = [mine.decode_server(frame) for frame in frames if frame is not None]
    chain = Chain(mine, other)
    said = [event for one in sent for event in chain.back(one)]
    assert list(map(plain, said)) == list(map(plain, sent))
    assert limits_in(said) <= {(), *limits_in(sent)}, "those that are told were told"


def limits_in(told: list[AnyServerEvent]) -> set[tuple[ev.RateLimit, ...]]:
    return {one.rate_limits for one in told if isinstance(one, ev.RateLimitsUpdated)}


def plain(event: AnyServerEvent) -> AnyServerEvent:
    if isinstance(event, ev.RateLimitsUpdated):
        event = structs.replace(event, rate_limits=())
    return structs.replace(event, event_id="")
