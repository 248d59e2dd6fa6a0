"""`POST /v1/plans`: a plan, its graph and its forecast, and nothing is run."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from llmcompiler import LLMCompiler, Plan
from llmcompiler.errors import ModelServerError
from llmcompiler.protocols import PlanContext, PlanItem
from llmcompiler.testing import ScriptedModel
from llmcompiler_server.keys import new_key
from tests.support.serving import Gates, Running, make_tools

TEXT = """\
1. add(1, 2)
2. pay("Ann", $1)
3. pay("Ann", 5)
4. fail("x")
join()"""


async def explain(server: Running, plan: Any) -> dict[str, Any]:
    reply = await server.http.post("/v1/plans", json={"plan": plan})
    assert reply.status_code == 200, reply.text
    made: dict[str, Any] = reply.json()
    return made


def problem(reply: httpx.Response, status: int, code: str) -> dict[str, Any]:
    assert reply.status_code == status, reply.text
    assert reply.headers["content-type"].startswith("application/problem+json")
    made: dict[str, Any] = reply.json()
    assert made["code"] == code
    return made


async def test_a_plan_is_explained_and_not_run(server: Running) -> None:
    made = await explain(server, TEXT)
    tools = server.app.state.parts.compiler.tools
    plan = Plan.parse(TEXT, tools)
    assert made["object"] == "plan"
    assert made["text"] == str(plan)
    assert made["plan"] == plan.model_dump()
    assert made["mermaid"] == plan.to_mermaid()
    assert made["explanation"] == plan.explain()
    assert made["diagnostics"] == []
    assert made["usage"] == {"model_calls": 0, "prompt_tokens": 0, "completion_tokens": 0, "cost": 0.0}
    assert server.gates.calls == []
    assert (await server.http.get("/v1/runs")).json()["data"] == []


async def test_the_forecast_tells_order_times_and_what_has_to_be_approved(server: Running) -> None:
    made = (await explain(server, TEXT))["explain"]
    assert (made["unit"], made["calls"], made["makespan"], made["sequential"]) == ("steps", 4, 3.0, 4.0)
    assert (made["critical_path"], made["critical_path_length"]) == ([1, 2, 3], 3.0)
    assert (made["at_once"], made["concurrency"]) == (2, 16)
    by_id = {t["id"]: t for t in made["tasks"]}
    assert [t["effect"] for t in made["tasks"]] == ["pure", "write", "write", "undeclared"]
    assert [t["resources"] for t in made["tasks"][:3]] == [None, "by its arguments", "account:Ann"]
    assert by_id[2]["waits_for"] == [1]
    assert (by_id[3]["waits_for"], by_id[3]["after"]) == ([], [2])
    assert [by_id[i]["approval"] for i in (1, 2, 3, 4)] == [None, "needed", "needed", None]
    assert [by_id[i]["critical"] for i in (1, 2, 3, 4)] == [True, True, True, False]
    assert (by_id[3]["start"], by_id[3]["finish"], by_id[4]["slack"]) == (2.0, 3.0, 2.0)
    assert by_id[1]["constant"]
    assert by_id[1]["call"] == "add(a=1, b=2)"


async def test_what_was_learned_of_tools_predicts_seconds(server: Running) -> None:
    latencies = server.app.state.parts.compiler.latencies
    latencies.observe("add", 0.5)
    latencies.observe("big", 2.0)
    made = (await explain(server, "1. add(1, 2)\n2. big($1)\n3. big(1)\njoin()"))["explain"]
    assert made["unit"] == "seconds"
    assert (made["makespan"], made["sequential"], made["speedup"]) == (2.5, 4.5, 1.8)
    assert made["critical_path"] == [1, 2]


async def test_every_form_of_a_plan_is_taken(server: Running) -> None:
    whole = await explain(server, TEXT)
    assert await explain(server, whole["plan"]) == whole
    assert await explain(server, json.dumps(whole["plan"])) == whole
    assert (await explain(server, whole["text"]))["plan"] == whole["plan"]


async def test_passes_and_assumptions_are_told(server: Running) -> None:
    text = "1. add(1, 2)\n2. add(1, 2)\n3. for n in [1, 2]: big(n)\n4. if $2 > 1: big($2)\njoin()"
    made = (await explain(server, text))["explain"]
    assert [t["saved"] for t in made["tasks"]] == [None, "merged", None, None]
    assert {"pass": "merge", "task_id": 2, "text": "the same call as task 1: made once"} in made["notes"]
    assert made["assumptions"] == ["Predicted as if the condition were true: 4."]
    assert made["calls"] == 4


# -- plans that can not run ---------------------------------------------------------------------


async def test_everything_that_is_wrong_is_told_with_its_place(server: Running) -> None:
    text = '1. add(1, 2)\n2. nosuch($1)\n3. add($1, "x", c=3)\n4. big($9)\njoin()'
    reply = await server.http.post("/v1/plans", json={"plan": text})
    told = problem(reply, 422, "plan-invalid")
    found = {(d["code"], d["line"], d["column"], d["task_id"]) for d in told["diagnostics"]}
    assert {
        ("unknown-tool", 2, 4, 2),
        ("wrong-type", 3, 12, 3),
        ("extra-argument", 3, 19, 3),
        ("forward-reference", 4, 8, 4),
    } <= found
    wrong = next(d for d in told["diagnostics"] if d["code"] == "unknown-tool")
    assert wrong["severity"] == "error"
    assert wrong["source"] == "2. nosuch($1)"
    assert wrong["text"].splitlines()[1:3] == ["  2. nosuch($1)", "     ^"]
    assert "add" in wrong["hint"]
    assert wrong["text"] in told["detail"]


@pytest.mark.parametrize(
    "plan",
    [
        "",
        " \n",
        "no plan at all",
        "{",
        '{"tasks": 3}',
        {},
        {"tasks": [{"id": 1}]},
        {"tasks": "x"},
        "1. add(1, 2",
    ],
)
async def test_what_is_no_plan_is_refused_or_mended(server: Running, plan: Any) -> None:
    reply = await server.http.post("/v1/plans", json={"plan": plan})
    if plan == "1. add(1, 2":
        assert [d["code"] for d in reply.json()["diagnostics"]] == ["unclosed"]
        assert reply.json()["diagnostics"][0]["severity"] == "warning"
    else:
        problem(reply, 422, "plan-invalid")


@pytest.mark.parametrize("body", [{}, {"input": "x", "plan": "join()"}, {"input": None}, {"input": " "}])
async def test_one_of_question_and_plan_is_given(server: Running, body: dict[str, Any]) -> None:
    problem(await server.http.post("/v1/plans", json=body), 422, "invalid-request")


async def test_sizes_are_bounded(server: Running) -> None:
    for body in (
        {"input": "x" * 30_000},
        {"plan": "x" * 100_001},
        {"plan": {"tasks": [{"id": 1, "tool": "fail", "args": {"why": [1] * 50_001}}]}},
        {"plan": "\n".join(f"{i}. add({i}, 1)" for i in range(1, 1_002))},
    ):
        problem(await server.http.post("/v1/plans", json=body), 413, "input-too-long")


async def test_a_plan_of_a_megabyte_is_a_body_that_is_too_large(server: Running) -> None:
    reply = await server.http.post("/v1/plans", json={"plan": "x" * 1_000_000})
    problem(reply, 413, "body-too-large")
    assert (await explain(server, "1. add(1, 2)"))["text"].startswith("1. add")


def nested(depth: int) -> str:
    return "[" * depth + "]" * depth


@pytest.mark.parametrize("depth", [70, 900, 40_000])
async def test_what_is_nested_too_deep_is_refused_with_its_place(server: Running, depth: int) -> None:
    whole = f'{{"tasks": [{{"id": 1, "tool": "fail", "args": {{"why": {nested(depth)}}}}}]}}'
    for text in (f"1. fail({nested(depth)})", whole):
        told = problem(await server.http.post("/v1/plans", json={"plan": text}), 422, "plan-invalid")
        assert "too-deep" in {d["code"] for d in told["diagnostics"]}
        assert len(told["detail"]) <= 4_000
    headers = {"Content-Type": "application/json"}
    reply = await server.http.post("/v1/plans", content=f'{{"plan": {whole}}}', headers=headers)
    if reply.status_code == 400:  # Python's reader of JSON may give up before the plan's does
        assert depth > 70
        problem(reply, 400, "bad-request")
    else:
        told = problem(reply, 422, "plan-invalid")
        assert "too-deep" in {d["code"] for d in told["diagnostics"]}


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        ('{"plan": "1. nosuch(\\"\\ud83d\\")"}', "plan-invalid"),
        ('{"plan": {"tasks": [{"id": 1, "tool": "\\ud83d", "args": {}}]}}', "plan-invalid"),
        ('{"input": "\\ud83d"}', "invalid-request"),
        ('{"\\ud83d": 1}', "invalid-request"),
        ('{"plan": {"tasks": [{"id": 1, "tool": "big", "args": {"size": NaN}}]}}', "plan-invalid"),
        ('{"plan": {"tasks": [{"id": 1, "tool": "big", "args": {"size": 1e999}}]}}', "plan-invalid"),
        ('{"plan": {"tasks": [{"id": 1e30, "tool": "big", "args": {"size": 1}}]}}', "plan-invalid"),
        ('{"plan": 3}', "invalid-request"),
        ('{"plan": [1]}', "invalid-request"),
        ("null", "invalid-request"),
        ("", "invalid-request"),
    ],
)
async def test_odd_json_is_refused_and_never_an_internal_error(server: Running, sent: str, code: str) -> None:
    headers = {"Content-Type": "application/json"}
    problem(await server.http.post("/v1/plans", content=sent, headers=headers), 422, code)


async def test_text_of_any_script_comes_back_as_it_was(server: Running) -> None:
    made = await explain(server, '1. fail("\u00e9 \U0001f389 \u6f22\u5b57 \u0645")\njoin()')
    assert made["plan"]["tasks"][0]["args"] == {"why": "\u00e9 \U0001f389 \u6f22\u5b57 \u0645"}
    assert "\u6f22\u5b57" in made["text"]


async def test_the_largest_plan_does_not_hold_up_others(server: Running) -> None:
    text = "\n".join(f"{i}. add({i}, {f'${i - 1}' if i > 1 else 1})" for i in range(1, 501))
    asking = asyncio.ensure_future(explain(server, text))
    answered = 0
    while not asking.done() and answered < 1_000:
        assert (await server.http.get("/healthz")).status_code == 200
        answered += 1
    assert len((await asking)["plan"]["tasks"]) == 500
    assert answered > 1


# -- questions -------------------------------------------------------------------------------------


async def test_a_question_is_planned_and_what_that_cost_is_told(start: Any) -> None:
    model = ScriptedModel(["1. add(1, 2)\n2. big($1\njoin($2)"])
    compiler = LLMCompiler(make_tools(Gates()), model=model, planner="text")
    async with start(compiler=compiler) as server:
        made = (await server.http.post("/v1/plans", json={"input": "How long?"})).json()
    assert [t["tool"] for t in made["plan"]["tasks"]] == ["add", "big"]
    assert made["usage"]["model_calls"] == 1
    assert made["usage"]["prompt_tokens"] > 0
    assert [d["code"] for d in made["diagnostics"]] == ["unclosed"]
    assert [r.purpose for r in model.requests] == ["plan"]


async def test_a_question_is_planned_and_nothing_of_it_is_run(server: Running) -> None:
    text = '1. wait_at("a")\n2. pay("Ann", 5)\njoin()'
    reply = await server.http.post("/v1/plans", json={"input": text})
    assert reply.json()["explain"]["calls"] == 2
    assert server.gates.calls == []
    assert not server.gates.arrived["a"].is_set()
    assert (await server.http.get("/v1/runs")).json()["data"] == []


async def test_a_planner_that_writes_no_plan_is_told_like_a_wrong_plan(start: Any) -> None:
    model = ScriptedModel(["1. nosuch(1)\njoin()"] * 5)
    compiler = LLMCompiler(make_tools(Gates()), model=model, planner="text", repairs=0)
    async with start(compiler=compiler) as server:
        reply = await server.http.post("/v1/plans", json={"input": "x"})
    told = problem(reply, 422, "plan-invalid")
    assert "unknown-tool" in {d["code"] for d in told["diagnostics"]}


async def test_a_model_that_fails_is_a_bad_gateway(start: Any) -> None:
    model = ScriptedModel([ModelServerError("http://internal.example:1 broke")] * 9)
    compiler = LLMCompiler(make_tools(Gates()), model=model, planner="text")
    async with start(compiler=compiler) as server:
        reply = await server.http.post("/v1/plans", json={"input": "x"})
    problem(reply, 502, "model-server-error")
    assert "internal.example" not in reply.text


async def test_a_service_without_a_model_says_so(start: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLMCOMPILER_MODEL", "nosuch:model")
    async with start(compiler=LLMCompiler(make_tools(Gates()))) as server:
        problem(await server.http.post("/v1/plans", json={"input": "x"}), 503, "not-configured")
        assert (await server.http.post("/v1/plans", json={"plan": "1. add(1, 2)"})).status_code == 200
        assert (await server.http.get("/v1/models")).status_code == 200


class Waiting:
    """A planner that waits."""

    def __init__(self) -> None:
        self.arrived, self.go_on, self.cancelled = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def plan(self, context: PlanContext) -> AsyncIterator[PlanItem]:
        self.arrived.set()
        try:
            await self.go_on.wait()
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
        for task in Plan.parse("1. add(1, 2)").tasks:
            yield task


async def test_a_client_that_leaves_ends_its_planning(start: Any) -> None:
    planner = Waiting()
    async with start(options={"planner": planner}) as server:
        asking = asyncio.ensure_future(server.http.post("/v1/plans", json={"input": "x"}))
        await planner.arrived.wait()
        asking.cancel()
        await asyncio.wait_for(planner.cancelled.wait(), 20)


async def test_plans_of_a_key_at_once_are_bounded(start: Any) -> None:
    planner = Waiting()
    async with start(options={"planner": planner}, max_runs_per_key=1) as server:
        asking = asyncio.ensure_future(server.http.post("/v1/plans", json={"input": "x"}))
        await planner.arrived.wait()
        refused = await server.http.post("/v1/plans", json={"input": "x"})
        problem(refused, 429, "too-many-plans")
        assert refused.headers["retry-after"] == "1"
        planner.go_on.set()
        assert (await asking).status_code == 200
        assert (await server.http.post("/v1/plans", json={"input": "x"})).status_code == 200


async def test_planning_needs_the_scope_to_run(start: Any) -> None:
    text, reader = new_key("reader", ["read"])
    async with start(keys=[reader]) as server:
        problem(await server.http.post("/v1/plans", json={"plan": "join()"}), 401, "key-missing")
        server.http.headers["X-API-Key"] = text
        problem(await server.http.post("/v1/plans", json={"plan": "join()"}), 403, "scope-missing")
