"""A run with telemetry that is kept in memory, and its spans as a tree that can be read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from llmcompiler.telemetry import OpenTelemetryReporter


class Kept:
    """Providers that keep what they are given."""

    def __init__(self, **options: Any) -> None:
        self._exporter = InMemorySpanExporter()
        self.tracers = TracerProvider(shutdown_on_exit=False)
        self.tracers.add_span_processor(SimpleSpanProcessor(self._exporter))
        self._reader = InMemoryMetricReader()
        self.meters = MeterProvider([self._reader], shutdown_on_exit=False)
        self.reporter = OpenTelemetryReporter(self.tracers, self.meters, **options)

    @property
    def spans(self) -> Sequence[ReadableSpan]:
        return sorted(self._exporter.get_finished_spans(), key=lambda s: s.start_time or 0)

    def named(self, name: str) -> list[ReadableSpan]:
        return [s for s in self.spans if s.name == name]

    def one(self, name: str) -> ReadableSpan:
        (found,) = self.named(name)
        return found

    def above(self, span: ReadableSpan) -> str | None:
        """The name of its parent."""
        if span.parent is None:
            return None
        return next(s.name for s in self.spans if s.context.span_id == span.parent.span_id)

    def tree(self) -> list[str]:
        """Names, indented below their parents, in the order in which they began."""
        return [
            "  " * depth + name
            for root in self.spans
            if root.parent is None
            for depth, name in self._below(root, 0)
        ]

    def _below(self, span: ReadableSpan, depth: int) -> Iterator[tuple[int, str]]:
        yield depth, span.name
        for s in self.spans:
            if s.parent is not None and s.parent.span_id == span.context.span_id:
                yield from self._below(s, depth + 1)

    def links(self, span: ReadableSpan) -> list[tuple[str, str]]:
        """Where its links lead: the kind of each, and the id of the task."""
        by_id = {s.context.span_id: s for s in self.spans}
        return [
            (
                str((link.attributes or {})["llmcompiler.link"]),
                str(about(by_id[link.context.span_id])["llmcompiler.task.id"]),
            )
            for link in span.links
        ]

    def points(self, name: str) -> list[tuple[dict[str, Any], int, float]]:
        """Attributes, count and sum of every point of a histogram."""
        data = self._reader.get_metrics_data()
        return [
            (dict(p.attributes or {}), p.count, p.sum)  # type: ignore[union-attr]
            for resource in (data.resource_metrics if data else ())
            for scope in resource.scope_metrics
            for metric in scope.metrics
            if metric.name == name
            for p in metric.data.data_points
        ]

    def everything(self) -> str:
        """All that any back end would see, as text."""
        seen = [s.to_json() for s in self.spans]
        data = self._reader.get_metrics_data()
        return "\n".join([*seen, data.to_json() if data else ""])


def about(span: ReadableSpan) -> dict[str, Any]:
    return dict(span.attributes or {})


def events(span: ReadableSpan) -> list[tuple[str, dict[str, Any]]]:
    return [(e.name, dict(e.attributes or {})) for e in span.events]
