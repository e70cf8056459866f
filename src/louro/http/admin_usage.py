"""What was used and what it cost, in stretches of time: the administrator's questions, and their answers."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Annotated, Literal, TypeAlias, TypeVar

from pydantic import BaseModel, Field

from louro.http import admin_models as shown
from louro.protocol.errors import ClientError
from louro.store.base import Filters, GroupBy, Part, Span, Usage
from louro.store.prices import NANOS_PER_USD, Price, cost

LATEST = 253_402_300_799
"""The last second of the year 9999."""
_WIDTHS_S = {"1m": 60, "1h": 3_600, "1d": 86_400}
_USUAL = {"1m": 60, "1h": 24, "1d": 7}
_MOST = {"1m": 1_440, "1h": 168, "1d": 180}
"""Stretches on a page."""
_GROUPS: dict[str, GroupBy] = {
    "project_id": "project",
    "api_key_id": "key",
    "model": "model",
    "line_item": "model",
}
Moment: TypeAlias = Annotated[int, Field(ge=0, le=LATEST)]
Names: TypeAlias = Annotated[list[str], Field(max_length=100)]
Group: TypeAlias = Literal["project_id", "api_key_id", "model"]
CostGroup: TypeAlias = Literal["project_id", "api_key_id", "line_item"]
Groups: TypeAlias = dict[str, str | None]
"""What a part is of, by the names that were asked for; None where it has none."""
Result = TypeVar("Result", bound=BaseModel)


class SpanQuery(BaseModel):
    """Which time. Stretches begin at whole UTC days, hours or minutes."""

    start_time: Moment
    end_time: Moment | None = None
    """None: now."""
    limit: Annotated[int, Field(ge=1, le=1_440)] | None = None
    page: Annotated[str, Field(pattern=r"^page_\d{1,12}$")] | None = None
    """`next_page` of the page before."""
    project_ids: Names | None = None
    api_key_ids: Names | None = None

    def span(self, width: str, now: float) -> Span:
        """That of the page.

        Raises:
            ClientError: it ends before it begins, or is too long for a page.
        """
        width_s, most = _WIDTHS_S[width], self.limit or _USUAL[width]
        if most > _MOST[width]:
            message = f"Invalid 'limit': a page has at most {_MOST[width]} stretches of {width}."
            raise ClientError("invalid_value", message, param="limit")
        until = self.end_time if self.end_time is not None else math.ceil(now)
        if until <= self.start_time:
            raise ClientError(
                "invalid_value", "Invalid 'end_time': it is not after 'start_time'.", param="end_time"
            )
        begin = int(self.page.removeprefix("page_")) if self.page else self.start_time
        begin -= begin % width_s
        return Span(begin, min(until, begin + most * width_s), width_s)


class UsageQuery(SpanQuery):
    bucket_width: Literal["1m", "1h", "1d"] = "1d"
    group_by: list[Group] = []
    models: Names | None = None


class CostsQuery(SpanQuery):
    bucket_width: Literal["1d"] = "1d"
    group_by: list[CostGroup] = []
    line_items: Names | None = None


def filters_of(query: UsageQuery | CostsQuery) -> Filters:
    models = query.models if isinstance(query, UsageQuery) else query.line_items
    return Filters(_some(query.api_key_ids), _some(query.project_ids), _some(models))


def page_of(
    query: UsageQuery | CostsQuery,
    now: float,
    read: Callable[[Span, Sequence[GroupBy]], Sequence[Part]],
    result: Callable[[Usage, Groups], Result],
) -> shown.Page[Result]:
    """Every stretch of the time that was asked for, those without use too.

    Args:
        read: says what was used; blocks.
    """
    span = query.span(query.bucket_width, now)
    groups = list(dict.fromkeys(query.group_by))
    found: dict[int, list[Result]] = {}
    for part in read(span, [_GROUPS[one] for one in groups]) if span.since < span.until else ():
        names: Groups = dict(zip(groups, (name or None for name in part.names), strict=True))
        found.setdefault(part.begins, []).append(result(part.usage, names))
    data = [
        shown.Bucket(start_time=begin, end_time=begin + span.width_s, results=found.get(begin, []))
        for begin in range(span.since, span.until, span.width_s)
    ]
    asked_until = query.end_time if query.end_time is not None else math.ceil(now)
    more = span.until < asked_until and bool(data)
    return shown.Page(data=data, has_more=more, next_page=f"page_{span.until}" if more else None)


def completions(usage: Usage, names: Groups, elsewhere: Price, elsewhere_name: str) -> shown.Completions:
    tokens = usage.response_tokens
    compared = shown.Compared(value=_usd(cost(elsewhere, tokens)), model=elsewhere_name)
    return shown.Completions(
        input_tokens=tokens.input,
        output_tokens=tokens.output,
        input_cached_tokens=tokens.cached,
        input_audio_tokens=tokens.input_audio - tokens.cached_audio,
        output_audio_tokens=tokens.output_audio,
        num_model_requests=usage.entries.get("response", 0),
        project_id=names.get("project_id"),
        api_key_id=names.get("api_key_id"),
        model=names.get("model"),
        input_seconds=usage.input_ms / 1000,
        output_seconds=usage.output_ms / 1000,
        tool_calls=usage.tool_calls,
        first_audio_ms=usage.first_audio_ms,
        cost=shown.Money(value=_usd(usage.nanos)),
        compared=compared,
    )


def transcriptions(usage: Usage, names: Groups) -> shown.Transcriptions:
    return shown.Transcriptions(
        seconds=round(usage.transcribed_ms / 1000),
        num_model_requests=usage.entries.get("transcription", 0),
        project_id=names.get("project_id"),
        api_key_id=names.get("api_key_id"),
        model=names.get("model"),
    )


def costs(usage: Usage, names: Groups) -> shown.Costs:
    return shown.Costs(
        amount=shown.Money(value=_usd(usage.nanos)),
        line_item=names.get("line_item"),
        project_id=names.get("project_id"),
        api_key_id=names.get("api_key_id"),
    )


def _usd(nanos: int) -> float:
    return float(Decimal(nanos) / NANOS_PER_USD)


def _some(names: list[str] | None) -> tuple[str, ...] | None:
    return tuple(names) if names else None
