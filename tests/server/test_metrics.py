"""Prometheus metrics: right after runs that end in each way, and free of users' texts."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from llmcompiler.protocols import Decision, JoinContext
from llmcompiler_server.keys import new_key
from llmcompiler_server.metrics import Metrics
from tests.support.serving import ASKED, PLAN, Running

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


async def scrape(server: Running, **headers: str) -> Samples:
    reply = await server.http.get("/metrics", headers=headers)
    assert reply.status_code == 200
    assert reply.headers["content-type"].startswith("text/plain; version=")
    return {
        (sample.name.removeprefix("llmcompiler_"), frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(reply.text)
        for sample in family.samples
    }


def value(samples: Samples, name: str, **labels: str) -> float:
    return samples.get((name, frozenset(labels.items())), 0.0)


async def run(server: Running, question: str, **more: Any) -> dict[str, Any]:
    reply = await server.http.post("/v1/runs", json={"input": question, **more})
    assert reply.status_code in (200, 202), reply.text
    found: dict[str, Any] = reply.json()
    return found


async def until(server: Running, run_id: str, event: str) -> None:
    async with server.http.stream("GET", f"/v1/runs/{run_id}/events") as told:
        async for line in told.aiter_lines():
            if line == f"event: {event}":
                return


async def test_before_anything_happened(server: Running) -> None:
    samples = await scrape(server)
    for gauge in ("runs_active", "approvals_waiting", "calls_active", "event_readers"):
        assert value(samples, gauge) == 0
    assert value(samples, "calls_cap") == server.app.state.parts.compiler.executor.max_concurrency


async def test_runs_that_succeed(server: Running) -> None:
    for i in (10, 20, 30):
        await run(server, f"1. add({i}, 1)\n2. add($1, 1)\njoin($2)")
    samples = await scrape(server)
    assert value(samples, "runs_total", status="succeeded", source="runs") == 3
    assert value(samples, "run_seconds_count", status="succeeded") == 3
    assert value(samples, "tasks_total", tool="add", outcome="succeeded") == 6
    assert value(samples, "task_seconds_count", tool="add") == 6
    assert value(samples, "runs_active") == value(samples, "calls_active") == 0
    assert value(samples, "http_requests_total", route="/v1/runs", method="POST", status="200") == 3
    assert value(samples, "http_request_seconds_count", route="/v1/runs") == 3


async def test_runs_by_the_other_door(server: Running) -> None:
    body = {"model": "llmcompiler", "messages": [{"role": "user", "content": PLAN}]}
    assert (await server.http.post("/v1/chat/completions", json=body)).status_code == 200
    samples = await scrape(server)
    assert value(samples, "runs_total", status="succeeded", source="chat") == 1


class BrokenJoiner:
    async def join(self, context: JoinContext) -> Decision:
        raise RuntimeError("m4rk3r")


async def test_a_run_that_fails_and_what_it_skips(start: Any) -> None:
    async with start(options={"joiner": BrokenJoiner()}) as server:
        ended = await run(server, '1. fail("no")\n2. add($1, 1)\njoin($2)')
        assert ended["status"] == "failed"
        samples = await scrape(server)
    assert value(samples, "run_seconds_count", status="failed") == 1
    assert value(samples, "runs_total", status="failed", source="runs") == 1
    assert value(samples, "tasks_total", tool="fail", outcome="failed") == 1
    assert value(samples, "tasks_total", tool="add", outcome="skipped") == 1
    assert value(samples, "task_seconds_count", tool="add") == 0  # it was never called
    assert value(samples, "runs_active") == value(samples, "calls_active") == 0


async def test_a_run_while_it_is_on_and_when_it_is_cancelled(server: Running) -> None:
    begun = await run(server, '1. wait_at("a")\njoin($1)', background=True)
    await server.gates.arrived["a"].wait()
    await until(server, begun["id"], "TaskStarted")
    samples = await scrape(server)
    assert value(samples, "runs_active") == value(samples, "calls_active") == 1
    await server.http.post(f"/v1/runs/{begun['id']}/cancel")
    samples = await scrape(server)
    assert value(samples, "runs_total", status="cancelled", source="runs") == 1
    assert value(samples, "tasks_total", tool="wait_at", outcome="cancelled") == 1
    assert value(samples, "runs_active") == value(samples, "calls_active") == 0


@pytest.mark.parametrize("decision", ["approve", "reject", "cancel"])
async def test_approvals_that_wait(server: Running, decision: str) -> None:
    begun = await run(server, '1. pay("ann", 5)\n2. pay("bob", 6)\njoin()', background=True)
    path = f"/v1/runs/{begun['id']}"
    async with asyncio.timeout(20):
        while len((await server.http.get(f"{path}/approvals")).json()["data"]) < 2:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert value(await scrape(server), "approvals_waiting") == 2
    if decision == "cancel":
        await server.http.post(f"{path}/cancel")
    else:
        for left, task in ((1, 1), (0, 2)):
            reply = await server.http.post(f"{path}/approvals/{task}", json={"decision": decision})
            assert len(reply.json()["data"]) == left
        await until(server, begun["id"], "RunFinished")
    samples = await scrape(server)
    assert value(samples, "approvals_waiting") == value(samples, "calls_active") == 0
    outcome = {"approve": "succeeded", "reject": "failed", "cancel": "cancelled"}[decision]
    assert value(samples, "tasks_total", tool="pay", outcome=outcome) == 2


async def test_items_of_a_for_are_calls(server: Running) -> None:
    ended = await run(server, "1. for x in [1, 2, 3]: add(x, 1)\njoin($1)")
    assert ended["output"] == [2, 3, 4]
    samples = await scrape(server)
    assert value(samples, "tasks_total", tool="add", outcome="succeeded") == 1
    assert value(samples, "calls_active") == 0


async def test_those_who_follow_events(server: Running) -> None:
    begun = await run(server, '1. wait_at("a")\njoin($1)', background=True)
    await server.gates.arrived["a"].wait()
    async with server.http.stream("GET", f"/v1/runs/{begun['id']}/events") as told:
        await anext(told.aiter_lines())
        assert value(await scrape(server), "event_readers") == 1
    await server.until_closed(1)
    assert value(await scrape(server), "event_readers") == 0
    samples = await scrape(server)
    route = "/v1/runs/{run_id}/events"
    assert value(samples, "http_requests_total", route=route, method="GET", status="200") == 1
    assert (
        value(samples, "http_request_seconds_count", route=route) == 0
    )  # a stream's time is not an answer's


async def test_no_text_of_users_is_a_label(start: Any) -> None:
    key, kept = new_key("key-name-marker")
    async with start(keys=[kept], metrics_public=True) as server:
        http, headers = server.http, {"Authorization": f"Bearer {key}"}
        marker = "m4rk3r"
        for question in (
            f"{marker}",
            f'1. {marker}("x")\njoin()',
            f'1. fail("{marker}")\njoin()',
            f'1. add("{marker}", 2)\njoin($1)',
            f'1. add(1, 2)\njoin()\n"}}\n{marker}{{a="b"}} 1',
        ):
            await http.post(
                "/v1/runs", json={"input": question, "metadata": {marker: marker}}, headers=headers
            )
        for method, path in (
            ("GET", f"/{marker}"),
            ("GET", f"/v1/runs/{marker}"),
            ("GET", f"/v1/runs/{marker}/events?after={marker}"),
            ("POST", f"/v1/runs/{marker}/approvals/{marker}"),
            ("GET", f"/v1/models/{marker}/{marker}"),
            ("GET", f"/page/{marker}"),
            ("GET", f"/v1/runs?status={marker}"),
            (marker.upper(), "/v1/runs"),
            (marker.upper(), f"/{marker}"),
            ("GET", f"/v1/runs/%0a{marker}%22"),
        ):
            await http.request(method, path, headers={**headers, "User-Agent": marker, marker: marker})
        text = (await http.get("/metrics")).text
        assert marker not in text.lower()
        assert "key-name-marker" not in text
        assert key not in text
        samples = await scrape(server)
        assert value(samples, "tasks_total", tool="fail", outcome="failed") == 1
        assert value(samples, "http_requests_total", route="other", method="other", status="404") == 1
        labels = {label for _, found in samples for label, _ in found}
        assert labels <= {"status", "source", "tool", "outcome", "kind", "route", "method", "le"}


async def test_tokens_of_models(start: Any) -> None:
    from llmcompiler import LLMCompiler
    from llmcompiler.testing import ScriptedModel

    compiler = LLMCompiler([], model=ScriptedModel(["1. join()\n", "Finish: hello"] * 3))
    async with start(compiler=compiler) as server:
        ended = await run(server, "hello?")
        samples = await scrape(server)
        usage = ended["usage"]
        assert usage["model_calls"] > 0
        assert value(samples, "model_calls_total") == usage["model_calls"]
        assert value(samples, "tokens_total", kind="prompt") == usage["prompt_tokens"]
        assert value(samples, "tokens_total", kind="completion") == usage["completion_tokens"]


async def test_each_service_has_metrics_of_its_own(start: Any) -> None:
    async with start() as one, start() as two:
        await run(one, ASKED)
        assert value(await scrape(two), "runs_total", status="succeeded", source="runs") == 0


async def test_who_may_read_them(start: Any) -> None:
    key, kept = new_key("reader", ["read"])
    runner, kept_runner = new_key("runner", ["run"])
    async with start(keys=[kept, kept_runner]) as server:
        for headers, status in (
            ({}, 401),
            ({"X-API-Key": runner}, 403),
            ({"X-API-Key": key}, 200),
        ):
            assert (await server.http.get("/metrics", headers=headers)).status_code == status
    async with start(keys=[kept], metrics_public=True) as server:
        assert (await server.http.get("/metrics")).status_code == 200
        assert (await server.http.get("/v1/runs")).status_code == 401


def test_what_has_no_name_of_its_own_is_other() -> None:
    metrics = Metrics({"add": None})
    metrics.request(None, "BREW", 404, 0.1)
    metrics.request("/v1/runs", "GET", 200, None)
    text = metrics.render().decode()
    assert 'llmcompiler_http_requests_total{method="other",route="other",status="404"} 1.0' in text
    assert "BREW" not in text


async def test_health_and_readiness(start: Any) -> None:
    _, kept = new_key("web")
    async with start(keys=[kept]) as server:
        assert (await server.http.get("/healthz")).json() == {"status": "ok"}
        assert (await server.http.get("/readyz")).json() == {"status": "ready", "runs": 0}
        await server.manager.aclose()
        refused = await server.http.get("/readyz")
        assert (refused.status_code, refused.json()["code"]) == (503, "shutting-down")
        assert (await server.http.get("/healthz")).status_code == 200
