"""Prometheus metrics of one service. No text of users is ever a label: tools and routes have names of their own."""

from __future__ import annotations

from collections.abc import Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from llmcompiler.events import (
    ApprovalRequested,
    Event,
    ItemFinished,
    Replanned,
    RunFinished,
    TaskFinished,
    TaskHedged,
    TaskRetried,
    TaskStarted,
)

from .records import RunRecord

_Place = tuple[int, int | None]
"""A call: its task, and the position of its item in a `for`."""
_Places = dict[str, set[_Place]]
"""Calls by run."""

CONTENT_TYPE = CONTENT_TYPE_LATEST
_SECONDS = (0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)
OTHER = "other"
"""The label of everything that has no name of its own: unknown tools, paths that match no route."""


class Metrics:
    """Counts what happens in runs and requests. Pass it to the run manager as an observer.

    Args:
        tools: Names of the tools that may be labels; calls of any other are counted as `other`.
        max_concurrency: The cap on calls at once in a run, where it is known.
    """

    content_type = CONTENT_TYPE

    def __init__(self, tools: Mapping[str, object] | None = None, max_concurrency: int | None = None) -> None:
        self._tools = frozenset(tools or ())
        self._waiting: _Places = {}
        self._calls: _Places = {}
        self._registry = registry = CollectorRegistry()
        self._runs = Counter(
            "llmcompiler_runs", "Runs that are over.", ["status", "source"], registry=registry
        )
        self._active = Gauge("llmcompiler_runs_active", "Runs under way.", registry=registry)
        self._run_seconds = Histogram(
            "llmcompiler_run_seconds", "Time of a run.", ["status"], buckets=_SECONDS, registry=registry
        )
        self._tasks = Counter(
            "llmcompiler_tasks", "Tasks with their outcome.", ["tool", "outcome"], registry=registry
        )
        self._task_seconds = Histogram(
            "llmcompiler_task_seconds",
            "Time from a task's call to its outcome.",
            ["tool"],
            buckets=_SECONDS,
            registry=registry,
        )
        self._retries = Counter("llmcompiler_task_retries", "Tries that were repeated.", registry=registry)
        self._hedges = Counter("llmcompiler_task_hedges", "Second calls beside slow ones.", registry=registry)
        self._replans = Counter("llmcompiler_replans", "Rounds after the first.", registry=registry)
        self._tokens = Counter("llmcompiler_tokens", "Tokens of models.", ["kind"], registry=registry)
        self._model_calls = Counter("llmcompiler_model_calls", "Calls of models.", registry=registry)
        self._cost = Counter("llmcompiler_cost_dollars", "Cost of models, where known.", registry=registry)
        self._approvals = Gauge(
            "llmcompiler_approvals_waiting", "Calls that wait for a decision.", registry=registry
        )
        self._calls_active = Gauge("llmcompiler_calls_active", "Calls of tools under way.", registry=registry)
        cap = Gauge("llmcompiler_calls_cap", "Most calls at once in a run; 0 if unknown.", registry=registry)
        cap.set(max_concurrency or 0)
        self._readers = Gauge("llmcompiler_event_readers", "Streams of events being read.", registry=registry)
        self._requests = Counter(
            "llmcompiler_http_requests", "Requests.", ["route", "method", "status"], registry=registry
        )
        self._request_seconds = Histogram(
            "llmcompiler_http_request_seconds",
            "Time to the end of an answer; streams are not in it.",
            ["route"],
            buckets=_SECONDS,
            registry=registry,
        )

    # -- runs: a RunObserver -------------------------------------------------------------

    def run_started(self, record: RunRecord) -> None:
        """A run began."""
        self._active.inc()

    def event(self, record: RunRecord, event: Event) -> None:
        """Something happened in it."""
        match event:
            case TaskStarted():
                _put(self._calls, self._calls_active, record.id, (event.task_id, event.item))
                _take(self._waiting, self._approvals, record.id, (event.task_id, event.item))
            case ItemFinished():
                self._ended(record, event.task_id, event.item)
            case TaskFinished():
                tool = self._tool(event.tool)
                self._tasks.labels(tool, event.outcome.status).inc()
                if event.started is not None:
                    self._task_seconds.labels(tool).observe(max(0.0, event.at - event.started))
                self._ended(record, event.task_id, None)
            case TaskRetried():
                self._retries.inc()
            case TaskHedged():
                self._hedges.inc()
            case Replanned():
                self._replans.inc()
            case ApprovalRequested():
                _put(self._waiting, self._approvals, record.id, (event.task_id, event.item))
            case RunFinished():
                usage = event.usage
                self._tokens.labels("prompt").inc(max(0, usage.prompt_tokens))
                self._tokens.labels("completion").inc(max(0, usage.completion_tokens))
                self._model_calls.inc(usage.model_calls)
                self._cost.inc(max(0.0, usage.cost or 0.0))

    def run_finished(self, record: RunRecord) -> None:
        """It is over."""
        self._active.dec()
        self._runs.labels(record.status, record.source).inc()
        if record.finished_at is not None:
            self._run_seconds.labels(record.status).observe(max(0.0, record.finished_at - record.created_at))
        for places, gauge in ((self._waiting, self._approvals), (self._calls, self._calls_active)):
            gauge.dec(len(places.pop(record.id, ())))

    def _tool(self, name: str) -> str:
        return name if name in self._tools else OTHER

    def _ended(self, record: RunRecord, task_id: int, item: int | None) -> None:
        for places, gauge in ((self._waiting, self._approvals), (self._calls, self._calls_active)):
            _take(places, gauge, record.id, (task_id, item))

    # -- requests --------------------------------------------------------------------------

    def request(self, route: str | None, method: str, status: int, seconds: float | None) -> None:
        """A request was answered.

        Args:
            route: The template of its path, such as `/v1/runs/{run_id}`; None where none matched.
            method: The HTTP method.
            status: The HTTP status.
            seconds: How long it took; None for a stream.
        """
        known = method if method in ("GET", "POST", "HEAD", "OPTIONS", "PUT", "DELETE", "PATCH") else OTHER
        self._requests.labels(route or OTHER, known, str(status)).inc()
        if seconds is not None:
            self._request_seconds.labels(route or OTHER).observe(seconds)

    def reader_opened(self) -> None:
        """Somebody reads a stream of events."""
        self._readers.inc()

    def reader_closed(self) -> None:
        """They no longer do."""
        self._readers.dec()

    def render(self) -> bytes:
        """The metrics in Prometheus' text format; `content_type` is what it is."""
        return generate_latest(self._registry)


def _put(places: _Places, gauge: Gauge, run_id: str, place: _Place) -> None:
    found = places.setdefault(run_id, set())
    if place not in found:
        found.add(place)
        gauge.inc()


def _take(places: _Places, gauge: Gauge, run_id: str, place: _Place) -> None:
    found = places.get(run_id)
    if found and place in found:
        found.discard(place)
        gauge.dec()


__all__ = ["CONTENT_TYPE", "Metrics"]
