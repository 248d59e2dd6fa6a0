"""What is kept of a run, and what clients send and get. Plain data: nothing here runs or stores anything."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

RunStatus = Literal["running", "waiting", "succeeded", "failed", "cancelled", "interrupted"]
"""`waiting`: at least one call needs approval. `interrupted`: the service ended before the run did."""
ENDED: frozenset[RunStatus] = frozenset(["succeeded", "failed", "cancelled", "interrupted"])

_MOST = 2**53
"""The largest whole number that every JSON parser reads as it is; no float holds all of those far above."""

Scope = Literal["run", "read", "approve", "admin"]
"""`run` starts and cancels, `read` looks, `approve` decides, `admin` does all of it on every key's runs."""


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks: a key's name and what it may do. Without keys, everybody is the same `anonymous`."""

    name: str
    scopes: frozenset[Scope]

    @property
    def is_admin(self) -> bool:
        """Whether it sees the runs of all keys."""
        return "admin" in self.scopes


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """An event of a run as it is kept and sent."""

    seq: int
    """From 0, without gaps: the `id:` of server-sent events."""
    type: str
    data: str
    """`Event.to_json()`."""


@dataclass(slots=True)
class RunRecord:
    """A run as it is kept. Times are seconds since 1970, UTC."""

    id: str
    owner: str
    """Name of the key that started it."""
    input: str
    status: RunStatus
    created_at: float
    finished_at: float | None = None
    output: Any = None
    """JSON value."""
    error: dict[str, Any] | None = None
    """`{"code": ..., "message": ...}` where it failed."""
    result: dict[str, Any] | None = None
    """`RunResult.to_dict()` of a run that is over."""
    usage: dict[str, Any] | None = None
    events: int = 0
    """How many events there are so far."""
    source: Literal["runs", "chat"] = "runs"
    metadata: dict[str, str] = field(default_factory=dict)


class RunLimits(BaseModel):
    """Bounds of one run; none may be above the server's own."""

    model_config = ConfigDict(extra="forbid")

    tasks: int | None = Field(default=None, ge=1, le=_MOST)
    model_calls: int | None = Field(default=None, ge=1, le=_MOST)
    tokens: int | None = Field(default=None, ge=1, le=_MOST)
    seconds: float | None = Field(default=None, gt=0)
    rounds: int | None = Field(default=None, ge=1, le=_MOST)


Metadata = dict[Annotated[str, Field(max_length=100)], Annotated[str, Field(max_length=4_000)]]
"""It is kept with every run, and told with every list of them."""
METADATA = "Texts of your own, kept with the run: names have 100 characters at most, texts 4,000."


class RunRequest(BaseModel):
    """A question to answer."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"input": "Which is higher, Mount Everest or K2?"}, {"input": "...", "stream": True}]
        },
    )

    input: str = Field(min_length=1, description="The question, in plain words.")
    stream: bool = Field(
        default=False, description="Answer with server-sent events of the run as they happen."
    )
    background: bool = Field(default=False, description="Answer at once with 202 and the run's id.")
    cancel_on_disconnect: bool | None = Field(
        default=None,
        description="Whether the run ends when this request's connection does. By default it does, but not with "
        "`background`, nor with an `Idempotency-Key`.",
    )
    output_schema: dict[str, Any] | None = Field(
        default=None, description="JSON schema that the answer must fit."
    )
    limits: RunLimits | None = None
    metadata: Metadata = Field(default_factory=dict, max_length=16, description=METADATA)


class ErrorInfo(BaseModel):
    """Why a run failed."""

    code: str
    message: str


class RunDocument(BaseModel):
    """A run as clients see it."""

    id: str = Field(examples=["run_4f2c81d07b"])
    object: Literal["run"] = "run"
    status: RunStatus
    input: str
    output: Any = Field(
        default=None,
        description="The answer of a run that succeeded: text, or what `output_schema` asks for.",
    )
    error: ErrorInfo | None = None
    created_at: float = Field(description="Seconds since 1970, UTC.")
    finished_at: float | None = None
    events: int = Field(description="How many events there are so far.")
    usage: dict[str, Any] | None = None
    timing: dict[str, Any] | None = Field(default=None, description="Where the time went, in seconds.")
    tasks: list[dict[str, Any]] | None = Field(
        default=None, description="Tasks and outcomes; not in lists of runs."
    )
    metadata: dict[str, str] = Field(default_factory=dict)


class RunPage(BaseModel):
    """Some runs, newest first."""

    object: Literal["list"] = "list"
    data: list[RunDocument]
    next: str | None = Field(
        default=None, description="Give it as `after` for the next page; null on the last."
    )


class ApprovalDocument(BaseModel):
    """A call that waits for a decision, with its exact arguments."""

    task_id: int
    item: int | None = Field(default=None, description="Position of the item, where the task is a `for`.")
    tool: str
    arguments: dict[str, Any]
    digest: str = Field(description="Fingerprint of tool and arguments; a decision holds for them alone.")
    expires_at: float | None = Field(default=None, description="Seconds since 1970, UTC.")


class ApprovalDecision(BaseModel):
    """What to do about a call that waits."""

    model_config = ConfigDict(extra="forbid")

    decision: Literal["approve", "reject"]
    digest: str | None = Field(
        default=None, description="Of the arguments that are meant; another one is refused with 409."
    )
    item: int | None = Field(default=None, ge=0, le=_MOST)
    reason: str = Field(default="", max_length=2_000)


__all__ = [
    "ENDED",
    "ApprovalDecision",
    "ApprovalDocument",
    "ErrorInfo",
    "Principal",
    "RunDocument",
    "RunLimits",
    "RunPage",
    "RunRecord",
    "RunRequest",
    "RunStatus",
    "Scope",
    "StoredEvent",
]
