"""What the administrator's API says, field by field: OpenAI's names where it has them. Times are Unix time, in seconds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Generic, Literal, TypeAlias, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from louro.protocol.errors import ClientError
from louro.store.base import NAME, SCOPES, KeyScope

Name: TypeAlias = Annotated[str, Field(pattern=NAME)]
MAX_LIMITS = 20
MOST_LIFETIME_S = 10 * 366 * 86_400


class Identified(BaseModel):
    id: str


One = TypeVar("One", bound=Identified)


class Listed(BaseModel, Generic[One]):
    object: Literal["list"] = "list"
    data: list[One]
    first_id: str | None
    last_id: str | None
    has_more: bool


def listed(rows: Sequence[One], limit: int, after: str | None) -> Listed[One]:
    """So many of *rows* as are asked for, behind the one of that id.

    Raises:
        ClientError: there is none of that id.
    """
    ids = [row.id for row in rows]
    if after is not None and after not in ids:
        raise ClientError(
            "invalid_value", f"Invalid 'after': there is no '{after[:100]}' here.", param="after"
        )
    behind = 0 if after is None else ids.index(after) + 1
    shown = list(rows[behind : behind + limit])
    ends = (shown[0].id, shown[-1].id) if shown else (None, None)
    return Listed(data=shown, first_id=ends[0], last_id=ends[1], has_more=behind + limit < len(rows))


class Deleted(BaseModel):
    object: str
    id: str
    deleted: Literal[True] = True


class Project(Identified):
    object: Literal["organization.project"] = "organization.project"
    name: str
    status: Literal["active"] = "active"
    created_at: int
    """That of its first key."""


class ServiceAccount(BaseModel):
    id: str
    name: str
    created_at: int
    role: Literal["member"] = "member"


class Owner(BaseModel):
    """Nobody but the key itself: there are no users."""

    type: Literal["service_account"] = "service_account"
    service_account: ServiceAccount


class ApiKey(Identified):
    object: Literal["organization.project.api_key"] = "organization.project.api_key"
    name: str
    redacted_value: str
    created_at: int
    last_used_at: int | None
    """To the minute."""
    expires_at: int | None
    revoked_at: int | None
    owner: Owner
    owner_project_access: Literal["active", "inactive"]
    project: str
    scopes: list[str]
    status: Literal["active", "expired", "revoked"]
    limits: list[str]
    """As `5 USD/day`."""


class NewApiKey(ApiKey):
    value: str
    """The key, shown this once."""


class Lifetime(BaseModel):
    model_config = ConfigDict(extra="forbid")

    seconds: int = Field(ge=60, le=MOST_LIFETIME_S)


class ApiKeyWish(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: Name
    scopes: list[KeyScope] = Field(default=["realtime"], min_length=1, max_length=len(SCOPES))
    expires_after: Lifetime | None = None
    limits: list[str] = Field(default=[], max_length=MAX_LIMITS)


class LimitWish(BaseModel):
    model_config = ConfigDict(extra="forbid")

    scope: Literal["key", "project"]
    owner: Name
    """A key's id, or a project."""
    limit: str = Field(max_length=100)
    """As `5 USD/day`, `20 responses/minute`, `3 sessions`."""


class LimitShown(Identified):
    object: Literal["organization.limit"] = "organization.limit"
    scope: Literal["key", "project"]
    owner: str
    limit: str
    used: str | None
    """As `3.20 of 5 USD/day`; None of what is counted in memory, or for each session."""
    state: Literal["within", "warn", "spent"] | None


class ProjectServiceAccount(Identified):
    object: Literal["organization.project.service_account"] = "organization.project.service_account"
    name: str
    role: Literal["member"] = "member"
    created_at: int


class ServiceAccountKey(BaseModel):
    id: str
    object: Literal["organization.project.service_account.api_key"] = (
        "organization.project.service_account.api_key"
    )
    name: str
    created_at: int
    expires_at: int | None
    value: str
    """The key, shown this once."""


class NewServiceAccount(ProjectServiceAccount):
    api_key: ServiceAccountKey


class ServiceAccountWish(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: Name
    expires_in_seconds: Annotated[int, Field(ge=60, le=MOST_LIFETIME_S)] | None = None


class Enforcement(BaseModel):
    status: Literal["inactive", "enforcing"]


class SpendLimit(BaseModel):
    object: Literal["project.spend_limit"] = "project.spend_limit"
    threshold_amount: int
    """In cents."""
    currency: Literal["USD"] = "USD"
    interval: Literal["month"] = "month"
    enforcement: Enforcement
    """Whether it is spent."""


class SpendLimitWish(BaseModel):
    model_config = ConfigDict(extra="forbid")

    threshold_amount: int = Field(ge=0, le=10**9)
    currency: Literal["USD"]
    interval: Literal["month"]


class SpendLimitDeleted(BaseModel):
    object: Literal["project.spend_limit.deleted"] = "project.spend_limit.deleted"
    deleted: Literal[True] = True


class Actor(BaseModel):
    type: Literal["api_key", "session"]
    """A session: somebody at the machine's own command line."""
    name: str


AuditType: TypeAlias = Literal[
    "api_key.created", "api_key.updated", "api_key.deleted", "rate_limit.updated", "rate_limit.deleted"
]


class AuditLog(Identified):
    object: Literal["organization.audit_log"] = "organization.audit_log"
    type: AuditType
    effective_at: int
    actor: Actor
    target: str
    detail: str


class Money(BaseModel):
    value: float
    currency: Literal["usd"] = "usd"


class Compared(Money):
    """What the answers alone would have cost on another model."""

    model: str


class Completions(BaseModel):
    object: Literal["organization.usage.completions.result"] = "organization.usage.completions.result"
    input_tokens: int
    output_tokens: int
    input_cached_tokens: int
    input_audio_tokens: int
    output_audio_tokens: int
    num_model_requests: int
    """Answers."""
    project_id: str | None
    api_key_id: str | None
    model: str | None
    user_id: None = None
    batch: None = None
    input_seconds: float
    output_seconds: float
    tool_calls: int
    first_audio_ms: int | None
    """The mean."""
    cost: Money
    """Of all that the group used, transcriptions too."""
    compared: Compared


class Transcriptions(BaseModel):
    object: Literal["organization.usage.audio_transcriptions.result"] = (
        "organization.usage.audio_transcriptions.result"
    )
    seconds: int
    num_model_requests: int
    project_id: str | None
    api_key_id: str | None
    model: str | None
    user_id: None = None


class Costs(BaseModel):
    object: Literal["organization.costs.result"] = "organization.costs.result"
    amount: Money
    line_item: str | None
    """The model."""
    project_id: str | None
    api_key_id: str | None


Result = TypeVar("Result", bound=BaseModel)


class Bucket(BaseModel, Generic[Result]):
    object: Literal["bucket"] = "bucket"
    start_time: int
    end_time: int
    results: list[Result]


class Page(BaseModel, Generic[Result]):
    object: Literal["page"] = "page"
    data: list[Bucket[Result]]
    has_more: bool
    next_page: str | None
