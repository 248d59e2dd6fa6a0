"""What a run tells the outside: OpenTelemetry spans and metrics, and records of the standard library's `logging`.

`OpenTelemetryReporter` needs the extra `otel`; nothing of OpenTelemetry is imported before it is asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .logs import LoggingReporter, RunContextFilter

if TYPE_CHECKING:
    from .reporter import OpenTelemetryReporter

__all__ = ["LoggingReporter", "OpenTelemetryReporter", "RunContextFilter"]


def __getattr__(name: str) -> Any:
    if name != "OpenTelemetryReporter":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        from .reporter import OpenTelemetryReporter
    except ModuleNotFoundError as e:
        if e.name is None or e.name.partition(".")[0] != "opentelemetry":
            raise
        from ..errors import ConfigurationError

        raise ConfigurationError(
            "OpenTelemetryReporter needs OpenTelemetry: pip install 'llmcompiler-runtime[otel]'"
        ) from e
    return OpenTelemetryReporter


def __dir__() -> list[str]:
    return __all__
