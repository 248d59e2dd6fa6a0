"""Compile a request into a graph of function calls and run it in parallel while it is still being planned."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from ._version import __version__
from .backend.executor import AsyncExecutor
from .backend.hedging import Hedging
from .compiler import LLMCompiler
from .context import ToolContext
from .diagnostics import Diagnostic
from .driver import Call, Driver, Executor
from .errors import (
    ApprovalDenied,
    ApprovalExpired,
    ArgumentError,
    BatchFailed,
    CircuitOpen,
    ConfigurationError,
    GuardFailed,
    ItemsFailed,
    LimitExceeded,
    LLMCompilerError,
    ModelAuthenticationError,
    ModelConnectionError,
    ModelError,
    ModelNotFound,
    ModelRateLimited,
    ModelReplyInvalid,
    ModelRequestRejected,
    ModelServerError,
    ModelStreamBroken,
    ModelTimeout,
    PlanError,
    PlanningFailed,
    ReferenceFailed,
    ToolDefinitionError,
    ToolError,
    ToolTimeout,
    TransientError,
    UsageError,
)
from .events import (
    ApprovalRequested,
    DiagnosticEmitted,
    Event,
    ItemFinished,
    JoinStarted,
    OutputDelta,
    PlanFinished,
    PlanStarted,
    Replanned,
    RunFinished,
    RunStarted,
    TaskFinished,
    TaskHedged,
    TaskPlanned,
    TaskProgress,
    TaskRetried,
    TaskStarted,
    ThoughtEmitted,
)
from .limits import Limits
from .models.base import Message, Model, ModelChunk, ModelRequest, Usage
from .options import CircuitBreaker, RateLimit
from .outcomes import Cancelled, Failed, Outcome, Skipped, Succeeded
from .passes import Passes
from .plan import Each, Join, Plan, Task, Thought
from .protocols import (
    Answer,
    ApprovalRequest,
    Approver,
    Decision,
    JoinContext,
    Joiner,
    Observation,
    PlanContext,
    Planner,
    Replan,
    Reporter,
)
from .result import ItemResult, Note, RunResult, TaskResult, Timing
from .run import Run
from .tools import Tool, ToolRegistry, tool
from .values import Ref, Template, Var

if TYPE_CHECKING:
    from .frozen import FrozenPlan
    from .models import LocalModel, OpenAIModel
    from .sharing.cache import MemoryCache
    from .sharing.sqlite import SQLiteCache as SQLiteCache  # not in __all__: it needs an extra
    from .templates import Hole, PlanTemplate

# Quiet until the program sets up logging, as libraries are.
logging.getLogger(__name__).addHandler(logging.NullHandler())

_LAZY = {
    "FrozenPlan": "llmcompiler.frozen",
    "Hole": "llmcompiler.templates",
    "LocalModel": "llmcompiler.models",
    "MemoryCache": "llmcompiler.sharing.cache",
    "OpenAIModel": "llmcompiler.models",
    "PlanTemplate": "llmcompiler.templates",
    "SQLiteCache": "llmcompiler.sharing.sqlite",
    "load_ipython_extension": "llmcompiler.notebook",
    "unload_ipython_extension": "llmcompiler.notebook",
}


def __getattr__(name: str) -> Any:
    # Providers and stores bring HTTP, engines and databases with them: imported when first asked for.
    if name in _LAZY:
        import importlib

        return getattr(importlib.import_module(_LAZY[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)


__all__ = [
    "Answer",
    "ApprovalDenied",
    "ApprovalExpired",
    "ApprovalRequest",
    "ApprovalRequested",
    "Approver",
    "ArgumentError",
    "AsyncExecutor",
    "BatchFailed",
    "Call",
    "Cancelled",
    "CircuitBreaker",
    "CircuitOpen",
    "ConfigurationError",
    "Decision",
    "Diagnostic",
    "DiagnosticEmitted",
    "Driver",
    "Each",
    "Event",
    "Executor",
    "Failed",
    "FrozenPlan",
    "GuardFailed",
    "Hedging",
    "Hole",
    "ItemFinished",
    "ItemResult",
    "ItemsFailed",
    "Join",
    "JoinContext",
    "JoinStarted",
    "Joiner",
    "LLMCompiler",
    "LLMCompilerError",
    "LimitExceeded",
    "Limits",
    "LocalModel",
    "MemoryCache",
    "Message",
    "Model",
    "ModelAuthenticationError",
    "ModelChunk",
    "ModelConnectionError",
    "ModelError",
    "ModelNotFound",
    "ModelRateLimited",
    "ModelReplyInvalid",
    "ModelRequest",
    "ModelRequestRejected",
    "ModelServerError",
    "ModelStreamBroken",
    "ModelTimeout",
    "Note",
    "Observation",
    "OpenAIModel",
    "Outcome",
    "OutputDelta",
    "Passes",
    "Plan",
    "PlanContext",
    "PlanError",
    "PlanFinished",
    "PlanStarted",
    "PlanTemplate",
    "Planner",
    "PlanningFailed",
    "RateLimit",
    "Ref",
    "ReferenceFailed",
    "Replan",
    "Replanned",
    "Reporter",
    "Run",
    "RunFinished",
    "RunResult",
    "RunStarted",
    "Skipped",
    "Succeeded",
    "Task",
    "TaskFinished",
    "TaskHedged",
    "TaskPlanned",
    "TaskProgress",
    "TaskResult",
    "TaskRetried",
    "TaskStarted",
    "Template",
    "Thought",
    "ThoughtEmitted",
    "Timing",
    "Tool",
    "ToolContext",
    "ToolDefinitionError",
    "ToolError",
    "ToolRegistry",
    "ToolTimeout",
    "TransientError",
    "Usage",
    "UsageError",
    "Var",
    "__version__",
    "tool",
]
