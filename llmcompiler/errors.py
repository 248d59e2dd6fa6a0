"""Every exception this library raises on purpose, in one tree split by who must act.

    LLMCompilerError
    ├── UsageError                      the developer
    │   ├── ToolDefinitionError         a tool that can not be described to a planner
    │   └── ConfigurationError          no model, a missing extra, an unknown name
    ├── PlanError                       the model: a plan with errors; `.diagnostics`
    │   └── PlanningFailed              no usable plan after every repair; `.result`
    ├── ToolError                       the tool: one call failed
    │   ├── ArgumentError               its arguments do not fit its schema
    │   ├── ReferenceFailed             `$1.height` is not in the result of task 1
    │   ├── ToolTimeout                 it took longer than its timeout
    │   ├── GuardFailed                 the condition of an `if` can not be decided
    │   ├── ItemsFailed                 items of a `for` failed; `.items`
    │   ├── CircuitOpen                 it failed too often of late and is left alone for a while
    │   ├── BatchFailed                 its batch function gave something that is not a list of results
    │   ├── ApprovalDenied              a call that needs approval did not get it
    │   │   └── ApprovalExpired         nobody decided in time
    │   └── TransientError              raised by tools: worth another try
    ├── ModelError                      the model's server
    │   ├── ModelConnectionError        unreachable, or the connection broke
    │   │   ├── ModelTimeout            no answer in time
    │   │   └── ModelStreamBroken       the reply stopped half-way; `.partial`
    │   ├── ModelRequestRejected        4xx: the request is wrong
    │   │   ├── ModelAuthenticationError    401, 403
    │   │   ├── ModelNotFound               404
    │   │   └── ModelRateLimited            429; `.retry_after`
    │   ├── ModelServerError            5xx
    │   └── ModelReplyInvalid           bad JSON, wrong shape, not what was asked for
    └── LimitExceeded                   the limits: too many, too long; `.result`

Errors carry attributes and build their text from them. No error holds a key or a header.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .diagnostics import Diagnostic
    from .outcomes import Outcome
    from .result import RunResult


class LLMCompilerError(Exception):
    """Base class of every error this library raises on purpose."""

    result: RunResult | None = None
    """What the run had done when it failed, where a run was under way."""


class UsageError(LLMCompilerError):
    """The calling code must change."""


class ToolDefinitionError(UsageError):
    """A tool can not be described: a missing hint, a bad default, a duplicate name."""

    def __init__(self, tool: str, problem: str, hint: str = "") -> None:
        self.tool = tool
        self.problem = problem
        self.hint = hint
        super().__init__(f"tool `{tool}`: {problem}" + (f"; {hint}" if hint else ""))


class ConfigurationError(UsageError):
    """Something the run needs is not there or not known; the text says the ways out."""


class PlanError(LLMCompilerError):
    """A plan has errors. `diagnostics` lists everything wrong, in the order of the text."""

    def __init__(self, diagnostics: Sequence[Diagnostic], message: str | None = None) -> None:
        self.diagnostics = tuple(diagnostics)
        self._message = message
        super().__init__(message)

    def __str__(self) -> str:
        errors = sum(d.severity == "error" for d in self.diagnostics)
        head = self._message or f"the plan has {errors} error{'s' if errors != 1 else ''}"
        shown = [d.render() for d in self.diagnostics[:20]]
        if len(self.diagnostics) > 20:
            shown.append(f"... and {len(self.diagnostics) - 20} more")
        return "\n".join([head, *shown])


class PlanningFailed(PlanError):
    """The planner gave nothing that can run, after every repair it was allowed."""


class ToolError(LLMCompilerError):
    """One call of a tool failed. Tools may raise it themselves; its text is shown to the joiner."""


class ArgumentError(ToolError):
    """The arguments of a call do not fit the tool's schema once references are resolved."""

    def __init__(self, tool: str, problems: Sequence[str]) -> None:
        self.tool = tool
        self.problems = tuple(problems)
        super().__init__(f"bad arguments for `{tool}`: " + "; ".join(problems))


class ReferenceFailed(ToolError):
    """A reference names a field or item that the result does not have."""

    def __init__(self, reference: str, problem: str) -> None:
        self.reference = reference
        self.problem = problem
        super().__init__(f"reference `{reference}`: {problem}")


class ToolTimeout(ToolError, TimeoutError):
    """A call took longer than its timeout; it was cancelled, and may have taken effect."""

    def __init__(self, tool: str, seconds: float) -> None:
        self.tool = tool
        self.seconds = seconds
        super().__init__(
            f"`{tool}` gave no result within {seconds:g} s; raise `timeout=` of the tool if it needs longer"
        )


class GuardFailed(ToolError):
    """The condition of an `if` task can not be decided: it compares things that have no order, or the like."""

    def __init__(self, guard: str, problem: str) -> None:
        self.guard = guard
        self.problem = problem
        super().__init__(f"the condition `{guard}` can not be decided: {problem}")


class ItemsFailed(ToolError):
    """Items of a `for` task failed, and its policy is `"fail"`. `items` holds the outcome of every item, in order."""

    def __init__(self, tool: str, items: Sequence[Outcome]) -> None:
        self.tool = tool
        self.items = tuple(items)
        bad = [(i, o) for i, o in enumerate(self.items) if o.status not in ("succeeded", "skipped")]
        shown = "; ".join(f"item {i}: {_reason(o)}" for i, o in bad[:3]) + ("; ..." if len(bad) > 3 else "")
        super().__init__(f"{len(bad)} of {len(self.items)} calls of `{tool}` failed: {shown}")

    @property
    def values(self) -> dict[int, Any]:
        """The values of the items that succeeded, by position."""
        return {i: o.value for i, o in enumerate(self.items) if o.status == "succeeded"}  # type: ignore[union-attr]


def _reason(outcome: Outcome) -> str:
    error = getattr(outcome, "error", None)
    text = f"{type(error).__name__}: {error}" if error is not None else getattr(outcome, "reason", "")
    text = " ".join(str(text).split()) or outcome.status
    return text if len(text) <= 120 else text[:117] + "..."


class CircuitOpen(ToolError):
    """The tool failed too many times in a row; it is not called again for `seconds` more."""

    def __init__(self, tool: str, seconds: float) -> None:
        self.tool = tool
        self.seconds = seconds
        super().__init__(
            f"`{tool}` failed too many times in a row and is not called for another {seconds:.3g} s"
        )


class BatchFailed(ToolError):
    """The tool's batch function gave something that is not one result for each call."""


class ApprovalDenied(ToolError):
    """A call that needs approval was rejected, or nobody was there to approve it."""


class ApprovalExpired(ApprovalDenied):
    """Nobody decided about a call that needs approval before its time was up."""


class TransientError(ToolError):
    """Raise this in a tool for a failure that another try may mend: it counts as retryable."""


class ModelError(LLMCompilerError):
    """The language model gave no usable reply."""


class ModelConnectionError(ModelError):
    """The model's server can not be reached, or the connection broke."""


class ModelTimeout(ModelConnectionError):
    """The model's server did not answer in time."""


class ModelStreamBroken(ModelConnectionError):
    """The reply stopped before its end. `partial` is the text that had arrived."""

    def __init__(self, message: str, partial: str = "") -> None:
        self.partial = partial
        super().__init__(message)


class ModelRequestRejected(ModelError):
    """The server refused the request (4xx). `status` is the HTTP status."""

    def __init__(self, message: str, status: int | None = None) -> None:
        self.status = status
        super().__init__(message)


class ModelAuthenticationError(ModelRequestRejected):
    """401 or 403: no key, a wrong key, or no right to use this model."""


class ModelNotFound(ModelRequestRejected):
    """404: the server has no such model or no such path."""


class ModelRateLimited(ModelRequestRejected):
    """429: too many requests. `retry_after` is in seconds where the server says."""

    def __init__(self, message: str, status: int | None = 429, retry_after: float | None = None) -> None:
        self.retry_after = retry_after
        super().__init__(message, status)


class ModelServerError(ModelError):
    """The server failed (5xx). `status` is the HTTP status."""

    def __init__(self, message: str, status: int | None = None) -> None:
        self.status = status
        super().__init__(message)


class ModelReplyInvalid(ModelError):
    """The reply is not what was asked for: no JSON, the wrong shape, no text."""


class LimitExceeded(LLMCompilerError):
    """A limit of the run was reached. `result` holds everything that was done until then."""

    def __init__(self, limit: str, allowed: float, message: str = "") -> None:
        self.limit = limit
        self.allowed = allowed
        super().__init__(
            message or f"the run reached its limit of {allowed:g} {limit}; raise `Limits({limit}=...)`"
        )
