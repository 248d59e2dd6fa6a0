"""Spans and metrics that really travel: the SDK's OTLP exporters, and a receiver in this process that reads them."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from llmcompiler import LLMCompiler, tool
from llmcompiler.telemetry import OpenTelemetryReporter


class Receiver:
    """What a collector does at its two addresses."""

    def __init__(self) -> None:
        self.posted: dict[str, list[bytes]] = {"/v1/traces": [], "/v1/metrics": []}
        posted = self.posted

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                assert self.headers["Content-Type"] == "application/x-protobuf"
                posted[self.path].append(body)
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_address[1]}"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    thread = threading.Thread(target=made.server.serve_forever, args=(0.01,))
    thread.start()
    yield made
    made.server.shutdown()
    thread.join()
    made.server.server_close()


@tool(effect="read")
async def search(query: str) -> str:
    """Search."""
    return query.upper()


async def test_a_collector_gets_spans_links_and_metrics(receiver: Receiver) -> None:
    resource = Resource({"service.name": "test"})
    tracers = TracerProvider(resource=resource, shutdown_on_exit=False)
    tracers.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(f"{receiver.address}/v1/traces")))
    exporter = OTLPMetricExporter(f"{receiver.address}/v1/metrics")
    meters = MeterProvider(
        [PeriodicExportingMetricReader(exporter, export_interval_millis=3_600_000)],
        resource,
        shutdown_on_exit=False,
    )
    compiler = LLMCompiler([search], reporters=[OpenTelemetryReporter(tracers, meters)])
    result = await compiler.execute('1. search("x")\n2. search($1)\njoin($2)')
    tracers.shutdown()
    meters.shutdown()

    spans: dict[str, Any] = {}
    for body in receiver.posted["/v1/traces"]:
        for found in ExportTraceServiceRequest.FromString(body).resource_spans:
            for scope in found.scope_spans:
                assert scope.scope.name == "llmcompiler"
                spans |= {s.span_id: s for s in scope.spans}
    names = sorted(s.name for s in spans.values())
    assert names == ["execute_tool search"] * 2 + [
        "invoke_agent llmcompiler",
        "join llmcompiler",
        "plan llmcompiler",
    ]
    assert len({s.trace_id for s in spans.values()}) == 1
    ids = {
        next(a.value.string_value for a in s.attributes if a.key == "gen_ai.tool.call.id"): s
        for s in spans.values()
        if s.name.startswith("execute")
    }
    later = ids[f"{result.run_id}:2"]
    assert [link.span_id for link in later.links] == [ids[f"{result.run_id}:1"].span_id]
    metrics = {
        metric.name
        for body in receiver.posted["/v1/metrics"]
        for found in ExportMetricsServiceRequest.FromString(body).resource_metrics
        for scope in found.scope_metrics
        for metric in scope.metrics
    }
    assert metrics == {"gen_ai.execute_tool.duration", "gen_ai.invoke_agent.duration"}
