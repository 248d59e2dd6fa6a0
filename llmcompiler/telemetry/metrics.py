"""The instruments of `OpenTelemetryReporter`: tokens and durations, with attributes that have few values."""

from __future__ import annotations

from collections.abc import Sequence

from opentelemetry.metrics import Histogram, MeterProvider, get_meter_provider

from .._version import __version__
from ..models.asking import ModelCall
from . import conventions as names

_SECONDS = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
_TOKENS = (
    1,
    4,
    16,
    64,
    256,
    1_024,
    4_096,
    16_384,
    65_536,
    262_144,
    1_048_576,
    4_194_304,
    16_777_216,
    67_108_864,
)
"""Bounds of the buckets, as the conventions want them."""
_RUN_SECONDS = (0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 51.2, 102.4, 204.8, 409.6)


class Instruments:
    """Histograms. Names of tools and models are attributes, for there are few; questions, arguments, ids never are."""

    def __init__(self, provider: MeterProvider | None) -> None:
        meter = (provider or get_meter_provider()).get_meter("llmcompiler", __version__)

        def histogram(name: str, unit: str, text: str, bounds: Sequence[float]) -> Histogram:
            return meter.create_histogram(name, unit, text, explicit_bucket_boundaries_advisory=bounds)

        self._tokens = histogram("gen_ai.client.token.usage", "{token}", "Tokens of a model call", _TOKENS)
        self._asked = histogram("gen_ai.client.operation.duration", "s", "Duration of a model call", _SECONDS)
        self._first = histogram(
            "gen_ai.client.operation.time_to_first_chunk",
            "s",
            "From a request to the first piece of its reply",
            _SECONDS,
        )
        self._called = histogram(
            "gen_ai.execute_tool.duration", "s", "Duration of a tool call, retries included", _SECONDS
        )
        self._run = histogram("gen_ai.invoke_agent.duration", "s", "Duration of a run", _RUN_SECONDS)

    def model_call(self, call: ModelCall, finished: float) -> None:
        """A reply is over, at `finished` seconds since the run began."""
        about = {
            names.OPERATION: names.operation_of(call.request),
            names.PROVIDER: names.provider_of(call.model),
            names.MODEL: call.model.name,
            **names.server_of(call.model),
        }
        if call.usage is not None:
            self._tokens.record(call.usage.prompt_tokens, {**about, names.TOKEN_TYPE: "input"})
            self._tokens.record(call.usage.completion_tokens, {**about, names.TOKEN_TYPE: "output"})
        if call.first is not None:
            self._first.record(call.first - call.started, about)
        if call.error is not None:
            about[names.ERROR] = type(call.error).__name__
        self._asked.record(finished - call.started, about)

    def tool_call(self, agent: str, tool: str, seconds: float, status: str, error: Exception | None) -> None:
        """A call is over."""
        about = {names.AGENT: agent, names.TOOL: tool, names.TOOL_TYPE: "function", names.STATUS: status}
        if error is not None:
            about[names.ERROR] = type(error).__name__
        self._called.record(seconds, about)

    def run(self, agent: str, seconds: float, status: str, error: Exception | None) -> None:
        """A run is over."""
        about = {names.AGENT: agent, names.STATUS: status}
        if error is not None:
            about[names.ERROR] = type(error).__name__
        self._run.record(seconds, about)
