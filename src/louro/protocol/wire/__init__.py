"""The dialects, at the edge: today's (GA) is the house's own, the one of October 2024 (beta) is translated here.

No other room knows that beta exists.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from louro.protocol.wire.beta import BetaDialect
from louro.protocol.wire.dialect import Dialect
from louro.protocol.wire.ga import GaDialect

__all__ = ["BETA", "GA", "Dialect", "choose"]

GA: Dialect = GaDialect()
BETA: Dialect = BetaDialect()


def choose(headers: Mapping[str, str], subprotocols: Sequence[str], query: Mapping[str, str]) -> Dialect:
    """Choose by what the client offers, never by the name of the model. *headers* have lower-case names."""
    says_beta = (
        "realtime=v1" in headers.get("openai-beta", "")
        or "openai-beta.realtime-v1" in subprotocols
        or query.get("api-version", "").endswith("-preview")
    )
    return BETA if says_beta else GA
