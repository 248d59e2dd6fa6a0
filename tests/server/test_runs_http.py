"""The endpoints of runs, over real sockets: start in three ways, look, list, cancel, decide, and whose they are."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import pytest
from httpx_sse import aconnect_sse

from llmcompiler import LLMCompiler
from tests.support.serving import ASKED, PLAN, Gates, Running, make_compiler, make_tools

WAITING = '1. wait_at("a")\njoin($1)'
PAYING = '1. pay("Ann", 20)\njoin($1)'


async def begin(server: Running, question: str = WAITING, **more: Any) -> dict[str, Any]:
    """Start a run in the background."""
    headers = more.pop("headers", {})
    reply = await server.http.post(
        "/v1/runs", json={"input": question, "background": True, **more}, headers=headers
    )
    assert reply.status_code == 202, reply.text
    made: dict[str, Any] = reply.json()
    return made


async def over(server: Running, run_id: str) -> dict[str, Any]:
    """A run once it is over."""
    live = server.manager._live.get(run_id)
    if live is not None:
        await asyncio.wait_for(live.over.wait(), 20)
    reply = await server.http.get(f"/v1/runs/{run_id}")
    made: dict[str, Any] = reply.json()
    return made


def problem(reply: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """The problem document of a reply."""
    assert reply.status_code == status, reply.text
    assert reply.headers["content-type"].startswith("application/problem+json")
    made: dict[str, Any] = reply.json()
    assert (made["code"], made["status"]) == (code, status)
    assert made["detail"]
    return made


# -- three ways to start ---------------------------------------------------------------------


async def test_a_waiting_request_gets_the_run_with_its_tasks(server: Running) -> None:
    reply = await server.http.post("/v1/runs", json={"input": PLAN, "metadata": {"team": "maps"}})
    assert reply.status_code == 200
    run = reply.json()
    assert (run["status"], run["output"], run["error"], run["input"]) == ("succeeded", 7, None, PLAN)
    assert [t["outcome"]["value"] for t in run["tasks"]] == [3, 7]
    assert run["metadata"] == {"team": "maps"}
    assert run["timing"]["total"] > 0
    assert run["finished_at"] >= run["created_at"]
    assert reply.headers["location"] == f"/v1/runs/{run['id']}"
    assert (await server.http.get(reply.headers["location"])).json() == run


async def test_a_streaming_request_gets_the_events(server: Running) -> None:
    async with aconnect_sse(server.http, "POST", "/v1/runs", json={"input": ASKED, "stream": True}) as source:
        assert source.response.headers["cache-control"] == "no-store"
        assert source.response.headers["x-accel-buffering"] == "no"
        events = [e async for e in source.aiter_sse()]
    assert [int(e.id) for e in events] == list(range(len(events)))
    told = [json.loads(e.data) for e in events]
    assert [e.event for e in events] == [t["type"] for t in told]
    assert (events[0].event, events[-1].event) == ("RunStarted", "RunFinished")
    assert "".join(t["text"] for t in told if t["type"] == "OutputDelta") == told[-1]["output"] == "1=3 2=7 "


async def test_a_background_request_is_answered_at_once(server: Running) -> None:
    run = await begin(server)
    assert run["status"] == "running"
    assert (await server.http.get(f"/v1/runs/{run['id']}")).json()["status"] == "running"
    server.gates.opened["a"].set()
    assert (await over(server, run["id"]))["output"] == "through a"


async def test_a_run_that_fails_says_why(server: Running) -> None:
    run = (await server.http.post("/v1/runs", json={"input": "1. nosuch(1)\njoin($1)"})).json()
    assert run["status"] == "failed"
    assert run["error"]["code"] == "planning-failed"
    assert "nosuch" in run["error"]["message"]


async def test_a_failing_call_is_an_outcome(server: Running) -> None:
    run = (await server.http.post("/v1/runs", json={"input": '1. fail("no luck")\njoin()'})).json()
    assert (run["status"], run["output"]) == ("succeeded", "1=failed ")
    assert "no luck" in json.dumps(run["tasks"])


async def test_errors_of_the_service_are_not_told(start: Any) -> None:
    class Broken:
        async def plan(self, context: Any) -> Any:
            raise OSError("/etc/secret is not readable")
            yield

    async with start(options={"planner": Broken()}) as server:
        reply = await server.http.post("/v1/runs", json={"input": "What?"})
        run = reply.json()
        assert run["status"] == "failed"
        assert "secret" not in reply.text
        events = await server.http.get(f"/v1/runs/{run['id']}/events")
        assert "secret" not in events.text
        assert '"status": "failed"' in events.text


# -- bad input ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({}, 422, "invalid-request"),
        ({"input": ""}, 422, "invalid-request"),
        ({"input": " \n"}, 422, "invalid-request"),
        ({"input": 5}, 422, "invalid-request"),
        ({"input": "x", "inputs": "y"}, 422, "invalid-request"),
        ({"input": "x", "stream": True, "background": True}, 422, "invalid-request"),
        ({"input": "x", "background": True, "cancel_on_disconnect": True}, 422, "invalid-request"),
        ({"input": "x", "limits": {"tasks": 0}}, 422, "invalid-request"),
        ({"input": "x", "limits": {"tasks": 10_000}}, 422, "limit-too-high"),
        ({"input": "x", "limits": {"seconds": float("inf")}}, 422, "invalid-request"),
        ({"input": "x" * 20_001}, 413, "input-too-long"),
        ({"input": "x", "metadata": {str(i): "" for i in range(17)}}, 422, "invalid-request"),
        ({"input": "x", "output_schema": {"type": "nix"}}, 422, "bad-schema"),
        ({"input": "x", "output_schema": {"$ref": "http://127.0.0.1:1/schema"}}, 422, "bad-schema"),
        (
            {"input": "x", "output_schema": {"$ref": "#/$defs/A", "$defs": {"A": {"$ref": "#/$defs/A"}}}},
            422,
            "bad-schema",
        ),
        ({"input": "x", "output_schema": {"enum": ["x" * 30_000]}}, 422, "bad-schema"),
        (
            {"input": "x", "output_schema": {"allOf": [{"pattern": f"a{i}"} for i in range(60)]}},
            422,
            "bad-schema",
        ),
        ({"input": "x", "output_schema": {"type": "string", "pattern": "("}}, 422, "bad-schema"),
    ],
)
async def test_bad_requests_are_refused_and_start_nothing(
    server: Running, body: dict[str, Any], status: int, code: str
) -> None:
    text = json.dumps(body)  # as httpx would not: it refuses infinite numbers
    reply = await server.http.post("/v1/runs", content=text, headers={"Content-Type": "application/json"})
    problem(reply, status, code)
    assert (await server.http.get("/v1/runs")).json()["data"] == []


async def test_a_lone_surrogate_is_refused_or_answered_but_no_fault(server: Running) -> None:
    reply = await server.http.post(
        "/v1/runs", content=b'{"input": "\\ud800"}', headers={"Content-Type": "application/json"}
    )
    assert reply.status_code in (200, 422), reply.text


async def test_a_body_that_is_no_json_is_refused(server: Running) -> None:
    reply = await server.http.post("/v1/runs", content=b"{", headers={"Content-Type": "application/json"})
    said = problem(reply, 422, "invalid-request")
    assert said["detail"].startswith("`body`: this is no JSON: Expecting property name")
    assert said["errors"][0]["place"] == "body"
    assert "(character 1, from 0)" in said["detail"]
    deep = b'{"input": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    reply = await server.http.post("/v1/runs", content=deep, headers={"Content-Type": "application/json"})
    assert reply.status_code in (400, 422)


async def test_a_web_page_can_not_start_runs_with_a_request_that_browsers_send_unasked(
    server: Running,
) -> None:
    body = json.dumps({"input": PLAN})
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""):
        reply = await server.http.post("/v1/runs", content=body, headers={"Content-Type": kind})
        problem(reply, 415, "not-json")
    assert (await server.http.get("/v1/runs")).json()["data"] == []


async def test_what_is_not_there_is_a_problem(server: Running) -> None:
    problem(await server.http.get("/v1/runs/run_none"), 404, "run-not-found")
    problem(await server.http.get("/v1/runs/run_none/events"), 404, "run-not-found")
    problem(await server.http.post("/v1/runs/run_none/cancel"), 404, "run-not-found")
    problem(await server.http.get("/v1/runs/run_none/approvals"), 404, "run-not-found")
    problem(await server.http.get("/v1/nothing"), 404, "not-found")
    reply = await server.http.delete("/v1/runs")
    problem(reply, 405, "method-not-allowed")
    assert reply.headers["allow"] == "GET, HEAD, POST"


async def test_head_is_get_without_the_body(server: Running) -> None:
    run_id = (await begin(server))["id"]
    for path in (
        "/",
        "/healthz",
        "/readyz",
        "/metrics",
        "/openapi.json",
        "/v1/runs",
        "/v1/tools",
        "/v1/models",
    ):
        got, asked = await server.http.get(path), await server.http.head(path)
        assert (asked.status_code, asked.content) == (200, b""), path
        assert asked.headers["content-type"] == got.headers["content-type"]
    events = await server.http.head(f"/v1/runs/{run_id}/events")  # of a run that goes on
    assert (events.status_code, events.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
    assert (await server.http.head("/v1/runs/run_none")).status_code == 404
    reply = await server.http.head("/v1/chat/completions")
    assert (reply.status_code, reply.headers["allow"]) == (405, "POST")
    text = (await server.http.get("/metrics")).text
    assert 'llmcompiler_http_requests_total{method="HEAD",route="/healthz",status="200"} 1.0' in text
    await server.http.post(f"/v1/runs/{run_id}/cancel")


async def test_limits_of_a_request_bound_its_run(server: Running) -> None:
    body = {"input": "1. add(1, 2)\n2. add(3, 4)\njoin($2)", "limits": {"tasks": 1}}
    run = (await server.http.post("/v1/runs", json=body)).json()
    assert [t["outcome"]["status"] for t in run["tasks"]] == ["succeeded"]


# -- answers by schema --------------------------------------------------------------------------


SCHEMA = {
    "type": "object",
    "properties": {"total": {"$ref": "#/$defs/Amount"}},
    "required": ["total"],
    "additionalProperties": False,
    "$defs": {"Amount": {"type": "integer", "minimum": 0}},
}


class ValueJoiner:
    """Answers with what it was told to, made into the type, as a model's reply would be."""

    def __init__(self, text: str) -> None:
        self.text = text

    async def join(self, context: Any) -> Any:
        from llmcompiler.errors import ModelReplyInvalid
        from llmcompiler.protocols import Answer
        from llmcompiler_planners.output import OutputType

        output = OutputType(context.output_type)
        assert output.schema["properties"]["total"] == {"type": "integer", "minimum": 0}
        try:
            return Answer(output.adapter.validate_json(self.text))
        except ValueError as e:
            raise ModelReplyInvalid(str(e)) from None


async def test_an_answer_fits_the_schema_that_was_asked_for(start: Any) -> None:
    async with start(options={"joiner": ValueJoiner('{"total": 7}')}) as server:
        run = (await server.http.post("/v1/runs", json={"input": ASKED, "output_schema": SCHEMA})).json()
        assert run["output"] == {"total": 7}


async def test_an_answer_that_does_not_fit_fails(start: Any) -> None:
    async with start(options={"joiner": ValueJoiner('{"total": -7}')}) as server:
        run = (await server.http.post("/v1/runs", json={"input": ASKED, "output_schema": SCHEMA})).json()
        assert (run["status"], run["error"]["code"]) == ("failed", "model-reply-invalid")


async def test_the_model_is_told_the_schema_and_asked_again_where_its_answer_does_not_fit(start: Any) -> None:
    from llmcompiler.testing import ScriptedModel

    replies = ["1. add(1, 2)\njoin()", '{"total": "three"}', '{"total": 3}']
    model = ScriptedModel(replies)
    compiler = LLMCompiler(make_tools(Gates()), model=model, planner="text")
    async with start(compiler=compiler) as server:
        body = {"input": "One and two?", "output_schema": SCHEMA}
        run = (await server.http.post("/v1/runs", json=body)).json()
        assert (run["status"], run["output"]) == ("succeeded", {"total": 3})
        assert "total" in model.requests[1].text
        assert run["usage"]["model_calls"] == 3


async def test_a_value_that_is_the_answer_has_to_fit_too(server: Running) -> None:
    good = {"type": "integer", "maximum": 7}
    assert (await server.http.post("/v1/runs", json={"input": PLAN, "output_schema": good})).json()[
        "output"
    ] == 7


async def test_a_pattern_takes_linear_time(start: Any) -> None:
    evil = {"type": "string", "pattern": "^(x+)+y$"}
    question = "1. big(5000)\njoin($1)"
    async with start() as server:
        run = (await server.http.post("/v1/runs", json={"input": question, "output_schema": evil})).json()
        assert run["output"] != "x" * 5000


# -- cancelling, leaving --------------------------------------------------------------------------


async def test_cancel_ends_the_calls_before_it_answers(server: Running) -> None:
    run = await begin(server)
    await server.gates.arrived["a"].wait()
    reply = await server.http.post(f"/v1/runs/{run['id']}/cancel")
    assert (reply.status_code, reply.json()["status"]) == (200, "cancelled")
    assert server.gates.cancelled["a"].is_set()
    again = await server.http.post(f"/v1/runs/{run['id']}/cancel")
    assert again.json() == (await server.http.get(f"/v1/runs/{run['id']}")).json()


async def test_cancel_of_a_run_that_is_over_changes_nothing(server: Running) -> None:
    run = (await server.http.post("/v1/runs", json={"input": PLAN})).json()
    assert (await server.http.post(f"/v1/runs/{run['id']}/cancel")).json() == run


@pytest.mark.parametrize("stream", [False, True])
async def test_leaving_cancels_the_run(server: Running, stream: bool) -> None:
    await leave(server, {"input": WAITING, "stream": stream})
    await asyncio.wait_for(server.gates.cancelled["a"].wait(), 20)
    (run,) = (await server.http.get("/v1/runs")).json()["data"]
    assert (await over(server, run["id"]))["status"] == "cancelled"


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("how", ["said", "key"])
async def test_leaving_does_not_cancel_the_run_where_it_says_so(
    server: Running, stream: bool, how: str
) -> None:
    body = {"input": WAITING, "stream": stream} | ({"cancel_on_disconnect": False} if how == "said" else {})
    await leave(server, body, {"Idempotency-Key": "k"} if how == "key" else {})
    assert not server.gates.cancelled["a"].is_set()
    (run,) = (await server.http.get("/v1/runs")).json()["data"]
    assert run["status"] == "running"
    server.gates.opened["a"].set()
    assert (await over(server, run["id"]))["status"] == "succeeded"


async def leave(server: Running, body: dict[str, Any], headers: dict[str, str] | None = None) -> None:
    """Send a request, and break its connection while its run is under way."""
    async with httpx.AsyncClient(base_url=server.url, timeout=60, trust_env=False) as http:

        async def ask() -> None:
            async with http.stream("POST", "/v1/runs", json=body, headers=headers) as reply:
                async for _ in reply.aiter_raw():
                    pass

        asking = asyncio.ensure_future(ask())
        await asyncio.wait_for(server.gates.arrived["a"].wait(), 20)
        asking.cancel()
        await asyncio.wait({asking})
    await server.until_closed()


async def test_leaving_a_background_run_s_events_does_not_cancel_it(server: Running) -> None:
    run = await begin(server)
    async with aconnect_sse(server.http, "GET", f"/v1/runs/{run['id']}/events") as source:
        async for _ in source.aiter_sse():
            break
    server.gates.opened["a"].set()
    assert (await over(server, run["id"]))["status"] == "succeeded"


# -- Idempotency-Key -------------------------------------------------------------------------------


@pytest.mark.parametrize("store", ["memory", "file"])
async def test_the_same_key_at_the_same_time_starts_one_run(start: Any, store: str, tmp_path: Any) -> None:
    async with start(store="memory" if store == "memory" else str(tmp_path / "runs.db")) as server:

        async def ask() -> httpx.Response:
            return await server.http.post(
                "/v1/runs", json={"input": WAITING}, headers={"Idempotency-Key": "one"}
            )

        asking = [asyncio.ensure_future(ask()) for _ in range(10)]
        await server.gates.arrived["a"].wait()
        server.gates.opened["a"].set()
        replies = await asyncio.gather(*asking)
        assert len({r.json()["id"] for r in replies}) == 1
        assert {r.json()["output"] for r in replies} == {"through a"}
        assert sum("idempotent-replayed" in r.headers for r in replies) == 9
        assert server.gates.calls == ["wait_at(a)"]


async def test_another_request_under_the_same_key_is_refused(server: Running) -> None:
    headers = {"Idempotency-Key": "one"}
    first = await server.http.post("/v1/runs", json={"input": PLAN}, headers=headers)
    problem(
        await server.http.post("/v1/runs", json={"input": ASKED}, headers=headers),
        422,
        "idempotency-mismatch",
    )
    again = await server.http.post("/v1/runs", json={"input": PLAN}, headers=headers)
    assert again.json() == first.json()
    reply = await server.http.post("/v1/runs", json={"input": PLAN}, headers={"Idempotency-Key": "k" * 256})
    problem(reply, 422, "invalid-request")


async def test_a_request_that_was_refused_does_not_use_its_key_up(start: Any) -> None:
    async with start(max_runs_per_key=1) as server:
        run = await begin(server)
        headers = {"Idempotency-Key": "later"}
        problem(
            await server.http.post("/v1/runs", json={"input": PLAN}, headers=headers), 429, "too-many-runs"
        )
        server.gates.opened["a"].set()
        await over(server, run["id"])
        assert (await server.http.post("/v1/runs", json={"input": PLAN}, headers=headers)).json()[
            "output"
        ] == 7


# -- quotas -------------------------------------------------------------------------------------------


async def test_quotas_count_runs_under_way(start: Any) -> None:
    async with start(max_runs_per_key=2) as server:
        runs = [await begin(server), await begin(server, '1. wait_at("b")\njoin($1)')]
        reply = await server.http.post("/v1/runs", json={"input": PLAN})
        problem(reply, 429, "too-many-runs")
        assert int(reply.headers["retry-after"]) > 0
        await server.http.post(f"/v1/runs/{runs[0]['id']}/cancel")
        assert (await server.http.post("/v1/runs", json={"input": PLAN})).status_code == 200


async def test_all_keys_together_are_bounded(start: Any) -> None:
    async with start(max_runs=1) as server:
        await begin(server)
        problem(await server.http.post("/v1/runs", json={"input": PLAN}), 503, "busy")


# -- lists ----------------------------------------------------------------------------------------------


async def test_pages_hold_still_while_runs_come(server: Running) -> None:
    ids = [(await server.http.post("/v1/runs", json={"input": PLAN})).json()["id"] for _ in range(5)]
    seen: list[str] = []
    after: str | None = None
    while True:
        page = (
            await server.http.get("/v1/runs", params={"limit": 2} | ({"after": after} if after else {}))
        ).json()
        seen += [r["id"] for r in page["data"]]
        assert all(r["tasks"] is None for r in page["data"])
        await server.http.post("/v1/runs", json={"input": PLAN})
        after = page["next"]
        if after is None:
            break
    assert seen == ids[::-1]


async def test_lists_by_status(server: Running) -> None:
    running = await begin(server)
    waiting = await begin(server, PAYING)
    done = (await server.http.post("/v1/runs", json={"input": PLAN})).json()
    await waiting_call(server, waiting["id"])
    for status, run in (("running", running), ("waiting", waiting), ("succeeded", done)):
        page = (await server.http.get("/v1/runs", params={"status": status})).json()
        assert [r["id"] for r in page["data"]] == [run["id"]], status
        assert page["data"][0]["status"] == status
    assert (await server.http.get("/v1/runs", params={"status": "failed"})).json()["data"] == []


@pytest.mark.parametrize(
    "query", [{"status": "dreaming"}, {"limit": 0}, {"limit": 101}, {"after": "x"}, {"after": "-1"}]
)
async def test_bad_lists_are_refused(server: Running, query: dict[str, Any]) -> None:
    reply = await server.http.get("/v1/runs", params=query)
    assert reply.status_code == 422
    assert reply.json()["code"] == "invalid-request"


# -- approvals ------------------------------------------------------------------------------------------------


async def waiting_call(server: Running, run_id: str) -> dict[str, Any]:
    """The call that waits, once it does."""
    async with aconnect_sse(server.http, "GET", f"/v1/runs/{run_id}/events") as source:
        async for event in source.aiter_sse():
            if event.event == "ApprovalRequested":
                break
    (asked,) = (await server.http.get(f"/v1/runs/{run_id}/approvals")).json()["data"]
    made: dict[str, Any] = asked
    return made


async def test_an_approved_call_is_made_with_the_arguments_that_were_shown(server: Running) -> None:
    run = await begin(server, PAYING)
    asked = await waiting_call(server, run["id"])
    assert (asked["task_id"], asked["tool"], asked["arguments"]) == (1, "pay", {"to": "Ann", "euros": 20})
    assert (await server.http.get(f"/v1/runs/{run['id']}")).json()["status"] == "waiting"
    where = f"/v1/runs/{run['id']}/approvals/1"
    wrong = await server.http.post(where, json={"decision": "approve", "digest": "0" * 64})
    assert problem(wrong, 409, "digest-mismatch")["digest"] == asked["digest"]
    assert server.gates.calls == []
    reply = await server.http.post(where, json={"decision": "approve", "digest": asked["digest"]})
    assert (reply.status_code, reply.json()["data"]) == (200, [])
    assert (await over(server, run["id"]))["output"] == "paid 20 to Ann"
    problem(await server.http.post(where, json={"decision": "approve"}), 404, "approval-not-found")
    assert server.gates.calls == ["pay(Ann, 20)"]


async def test_a_rejected_call_is_not_made(server: Running) -> None:
    run = await begin(server, '1. pay("Ann", 20)\njoin()')
    await waiting_call(server, run["id"])
    where = f"/v1/runs/{run['id']}/approvals/1"
    reply = await server.http.post(where, json={"decision": "reject", "reason": "too much"})
    assert reply.status_code == 200
    assert "too much" in json.dumps((await over(server, run["id"]))["tasks"])
    assert server.gates.calls == []


async def test_two_decisions_at_once_are_one(server: Running) -> None:
    run = await begin(server, PAYING)
    await waiting_call(server, run["id"])
    where = f"/v1/runs/{run['id']}/approvals/1"
    replies = await asyncio.gather(*[server.http.post(where, json={"decision": "approve"}) for _ in range(5)])
    assert sorted(r.status_code for r in replies) == [200, 404, 404, 404, 404]
    await over(server, run["id"])
    assert server.gates.calls == ["pay(Ann, 20)"]


async def test_an_approval_that_nobody_gives_lapses(start: Any) -> None:
    async with start(options={"approval_timeout": 0.05}) as server:
        run = await begin(server, '1. pay("Ann", 20)\njoin()')
        done = await over(server, run["id"])
        assert done["status"] == "succeeded"
        assert "nobody approved" in json.dumps(done["tasks"])
        late = await server.http.post(f"/v1/runs/{run['id']}/approvals/1", json={"decision": "approve"})
        problem(late, 404, "approval-not-found")


async def test_the_time_left_does_not_follow_the_clock_on_the_wall(start: Any, monkeypatch: Any) -> None:
    import time

    async with start(options={"approval_timeout": 100}) as server:
        run = await begin(server, PAYING)
        before = await waiting_call(server, run["id"])
        real = time.time
        monkeypatch.setattr("llmcompiler_server.runs.time.time", lambda: real() + 86_400)
        (asked,) = (await server.http.get(f"/v1/runs/{run['id']}/approvals")).json()["data"]
        assert asked["expires_at"] - before["expires_at"] == pytest.approx(86_400, abs=5)


async def test_calls_that_do_not_wait_can_not_be_decided(server: Running) -> None:
    run = await begin(server, PAYING)
    await waiting_call(server, run["id"])
    for task in (2, 99):
        reply = await server.http.post(f"/v1/runs/{run['id']}/approvals/{task}", json={"decision": "approve"})
        problem(reply, 404, "approval-not-found")
    for task, body in (("x", {"decision": "approve"}), ("1", {"decision": "maybe"}), ("1", {})):
        reply = await server.http.post(f"/v1/runs/{run['id']}/approvals/{task}", json=body)
        problem(reply, 422, "invalid-request")
    assert server.gates.calls == []


# -- whose runs ---------------------------------------------------------------------------------------------------


async def test_a_key_sees_its_own_runs_and_an_admin_all(start: Any) -> None:
    from llmcompiler_server.keys import new_key

    every: list[Any] = ["run", "read", "approve"]
    made = {name: new_key(name, every) for name in ("ann", "bob")}
    made["root"] = new_key("root", [*every, "admin"])
    keys = {name: {"Authorization": f"Bearer {text}"} for name, (text, _) in made.items()}
    async with start(keys=[key for _, key in made.values()]) as server:
        reply = await server.http.post(
            "/v1/runs", json={"input": PAYING, "background": True}, headers=keys["ann"]
        )
        run_id = reply.json()["id"]
        for path in ("", "/events", "/approvals"):
            problem(
                await server.http.get(f"/v1/runs/{run_id}{path}", headers=keys["bob"]), 404, "run-not-found"
            )
        for path, body in (("/cancel", None), ("/approvals/1", {"decision": "approve"})):
            reply = await server.http.post(f"/v1/runs/{run_id}{path}", json=body, headers=keys["bob"])
            problem(reply, 404, "run-not-found")
        assert (await server.http.get("/v1/runs", headers=keys["bob"])).json()["data"] == []
        for name in ("ann", "root"):
            page = (await server.http.get("/v1/runs", headers=keys[name])).json()
            assert [r["id"] for r in page["data"]] == [run_id]
        # The same Idempotency-Key of two keys is two names.
        both = [
            await server.http.post(
                "/v1/runs", json={"input": PLAN}, headers={**keys[n], "Idempotency-Key": "k"}
            )
            for n in ("ann", "bob")
        ]
        assert both[0].json()["id"] != both[1].json()["id"]
        reply = await server.http.post(f"/v1/runs/{run_id}/cancel", headers=keys["root"])
        assert reply.json()["status"] == "cancelled"


async def test_outputs_that_json_does_not_know_are_answered(start: Any) -> None:
    from llmcompiler import tool

    @tool
    def odd() -> object:
        """Odd values."""
        return {"nan": float("nan"), "half": "\ud800", "bytes": b"\xff", "set": {1}, 5: object}

    async with start(compiler=make_compiler().__class__([odd], planner=make_compiler().planner)) as server:
        reply = await server.http.post("/v1/runs", json={"input": "1. odd()\njoin($1)"})
        assert reply.status_code == 200
        assert reply.json()["output"]["nan"] == "nan"
        assert (await server.http.get("/v1/runs")).status_code == 200
