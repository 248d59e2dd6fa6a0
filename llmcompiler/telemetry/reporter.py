"""`OpenTelemetryReporter`: hands the events of runs to their spans and to the instruments. Exporting is the SDK's."""

from __future__ import annotations

import logging
import time

from opentelemetry.metrics import MeterProvider
from opentelemetry.trace import TracerProvider, get_tracer_provider

from .. import events as ev
from .._version import __version__
from ..models.asking import ModelCall
from ..protocols import Reporter
from .metrics import Instruments
from .spans import RunSpans

logger = logging.getLogger("llmcompiler")


class OpenTelemetryReporter(Reporter):
    """Spans and metrics of runs, by the semantic conventions for generative AI.

    A run is a span `invoke_agent NAME`, a child of the span that is current where the run begins. Below it are `plan
    NAME` for each round, `join NAME`, and one `execute_tool TOOL` for each call with links to the calls it waited for;
    `chat MODEL` is below the plan or join that asks. While a tool runs its span is the current one, so that what the
    tool does is recorded below it.

    Without an SDK set up it costs little and does nothing. One reporter serves any number of runs at once, in any
    number of threads. It knows runs by their ids: of two at once with the same id, the spans of the first end early.

    Args:
        tracer_provider: Makes the spans; OpenTelemetry's global one when it is None.
        meter_provider: Makes the metrics; the global one when it is None.
        capture_content: Whether questions, prompts, arguments, results, answers and messages of errors are written
            into attributes, each cut to 8,192 characters. They may be private: off unless asked for.
        agent: Name of the agent in spans and metrics.

    Raises:
        ConfigurationError: On import, when OpenTelemetry is not installed.
    """

    def __init__(
        self,
        tracer_provider: TracerProvider | None = None,
        meter_provider: MeterProvider | None = None,
        capture_content: bool = False,
        *,
        agent: str = "llmcompiler",
    ) -> None:
        self._tracer = (tracer_provider or get_tracer_provider()).get_tracer("llmcompiler", __version__)
        self._instruments = Instruments(meter_provider)
        self._content = capture_content
        self._agent = agent
        self._runs: dict[str, RunSpans] = {}

    def report(self, event: ev.Event) -> None:
        """Take note of `event`."""
        if isinstance(event, ev.RunStarted):
            self._begin(event)
            return
        last = isinstance(event, ev.RunFinished)
        run = self._runs.pop(event.run_id, None) if last else self._runs.get(event.run_id)
        if run is not None:
            run.report(event)

    def _begin(self, event: ev.RunStarted) -> None:
        other = self._runs.get(event.run_id)
        if other is not None:
            if other.has_seen(event):  # this reporter is listed twice
                return
            logger.warning("two runs at once have the id %r: the spans of the first end here", event.run_id)
            del self._runs[event.run_id]
            other.end(time.time_ns())
        origin = time.time_ns() - int(event.at * 1e9)
        self._runs[event.run_id] = RunSpans(
            self._tracer, self._instruments, event, self._agent, origin, content=self._content
        )

    def model_asked(self, call: ModelCall) -> None:
        """A planner or joiner is about to ask a model."""
        if (run := self._runs.get(call.run_id)) is not None:
            run.model_asked(call)

    def model_answered(self, call: ModelCall) -> None:
        """The reply is over."""
        if (run := self._runs.get(call.run_id)) is not None:
            run.model_answered(call)


__all__ = ["OpenTelemetryReporter"]
